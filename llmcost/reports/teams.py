"""The JSON that a Microsoft Teams workflow webhook takes: a message with an Adaptive Card; the file is written, never sent.

Everything of the outcome stands in ``TextRun`` elements, which know no Markdown, unlike ``TextBlock``
(https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features, recalled 2026-11-24). A message has 28 KB at most.
"""

from __future__ import annotations

from typing import Any, Final

from llmcost.reports import Options, Report
from llmcost.reports._chat import message, payload
from llmcost.results.outcome import Outcome

_COLORS: Final = {"error": "attention", "warning": "warning", "notice": "good", "skipped": "default", "": "default"}


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as a card."""
    found = message(outcome, options)
    body = [
        _text(found.title, size="large", weight="bolder"),
        _text(found.sentence, color=_COLORS[found.grade]),
        *(_text(f"{name}: {value}") for name, value in found.figures),
        *(_text(f"• {line}") for line in found.lines),
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return payload({"type": "message", "attachments": [attachment]})


def _text(text: str, **style: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


REPORT = Report("Message for a Microsoft Teams webhook", "application/json", ".teams.json", render)
