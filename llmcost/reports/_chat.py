"""What a message to a chat holds, whatever the chat: a title, a sentence, a few lines and how grave it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from llmcost.reports import Options
from llmcost.results.outcome import Outcome
from llmcost.results.present import clean, json_text, shorten

Grade = Literal["error", "warning", "skipped", "notice", ""]
_LINES: Final = 8
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Message:
    """Texts on one line each, of bounded length and without control characters; not escaped for any chat."""

    title: str
    sentence: str
    lines: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]
    grade: Grade


def message(outcome: Outcome, options: Options) -> Message:
    """The message of an outcome."""
    doc = outcome.document(options.top_n, options.title)
    remarks = outcome.remarks()
    told = [remark for remark in remarks if remark.level in {"error", "warning"}]
    lines = [shorten(clean(f"{remark.name}: {remark.message}"), _LONGEST) for remark in told[:_LINES]]
    if len(told) > _LINES:
        lines.append(f"{len(told) - _LINES:,} more")
    grade = next(
        (level for level in ("error", "warning", "notice", "skipped") if any(r.level == level for r in remarks)), ""
    )
    figures = tuple((clean(figure.label)[:80], clean(figure.value)[:80]) for figure in doc.figures[:6])
    return Message(shorten(clean(doc.title), 140), shorten(clean(doc.sentence), 1500), tuple(lines), figures, grade)  # type: ignore[arg-type]  # one of Grade


def payload(value: object) -> bytes:
    """JSON for a webhook: the file is written, nothing is ever sent."""
    return (json_text(value) + "\n").encode()
