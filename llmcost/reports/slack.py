"""The JSON that a Slack incoming webhook takes; the file is written, never sent.

Everything of the outcome stands in ``plain_text`` objects, which know no links, mentions or markup; the fallback ``text``
has &, < and > escaped, without which nothing is a link or mention (https://docs.slack.dev/messaging/formatting-message-text,
recalled 2026-11-24). A header has 150 characters at most, a text 3,000.
"""

from __future__ import annotations

from typing import Any

from llmcost.reports import Options, Report
from llmcost.reports._chat import message, payload
from llmcost.results.outcome import Outcome


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as a message of blocks."""
    found = message(outcome, options)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(found.title)},
        {"type": "section", "text": _plain(found.sentence)},
    ]
    if found.figures:
        blocks.append({"type": "section", "fields": [_plain(f"{name}: {value}") for name, value in found.figures]})
    if found.lines:
        blocks.append({"type": "section", "text": _plain("\n".join(f"• {line}" for line in found.lines)[:3000])})
    return payload({"text": escaped(found.sentence), "mrkdwn": False, "blocks": blocks})


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def escaped(text: str) -> str:
    """The three characters that Slack gives a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


REPORT = Report("Message for a Slack webhook", "application/json", ".slack.json", render)
