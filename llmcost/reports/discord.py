"""The JSON that a Discord webhook takes; the file is written, never sent.

Everything of the outcome stands in code blocks, inside which Discord knows no markup, link or mention, and
``allowed_mentions`` allows none (https://docs.discord.com/developers/resources/message, recalled 2026-11-24). A title has
256 characters at most, a description 4,096, an embed 6,000.
"""

from __future__ import annotations

from typing import Final

from llmcost.reports import Options, Report
from llmcost.reports._chat import message, payload
from llmcost.results.outcome import Outcome

_COLORS: Final = {"error": 0xC62828, "warning": 0xF9A825, "notice": 0x2E7D32, "skipped": 0x757575, "": 0x1565C0}


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as an embed."""
    found = message(outcome, options)
    lines = [found.title, found.sentence, *(f"{name}: {value}" for name, value in found.figures), *found.lines]
    embed = {"title": "llmcost", "description": block("\n".join(lines)[:4000]), "color": _COLORS[found.grade]}
    return payload({"embeds": [embed], "allowed_mentions": {"parse": []}})


def block(text: str) -> str:
    """A code block that nothing inside can end."""
    return f"```text\n{text.replace('`', chr(0x2019))}\n```"


REPORT = Report("Message for a Discord webhook", "application/json", ".discord.json", render)
