"""A document as a comment on a pull or merge request: found again by a hidden mark, details folded, never too long.

Details go first where there is no room: closed sections, then the tails of tables, then all but the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from llmcost.reports import Options
from llmcost.reports._markdown import bullets, escaped, figures, joined, section
from llmcost.results.document import Document, Section
from llmcost.results.outcome import Outcome

_MARKS: Final = {"error": "❌", "warning": "⚠️", "skipped": "❔", "notice": "✅"}
_SHORTER: Final = (10, 5, 3, 1)
"""Lines of each list that are tried in turn."""
_CUT: Final = "_Shortened: the comment has no room for more. The full report is in the job's files._"


def comment(outcome: Outcome, options: Options, most: int) -> bytes:
    """``outcome`` in at most ``most`` bytes, so in at most as many characters."""
    tag = marker(options.tag)
    tries = iter(_tries(outcome, options, tag))
    found = next(tries)
    while len(found) > most:
        shorter = next(tries, None)
        if shorter is None:
            return found[:most].decode(errors="ignore").encode()
        found = shorter
    return found


def marker(tag: str) -> str:
    """The hidden mark by which a comment is found again; nothing of the tag can end it."""
    return f"<!-- llmcost:{re.sub(r'[^A-Za-z0-9_.]+', '-', tag).strip('-')[:60] or 'report'} -->"


def _tries(outcome: Outcome, options: Options, tag: str) -> Iterator[bytes]:
    def made(top_n: int) -> Document:
        return outcome.document(top_n, options.title)

    first = made(options.top_n)
    yield joined([*_head(outcome, first, tag), *_details(first, keep=lambda _: True), *_foot(first)])
    for top_n in _SHORTER:
        doc = made(top_n)
        yield joined([*_head(outcome, doc, tag), *_details(doc, keep=lambda part: not part.folded), _CUT, *_foot(doc)])
    lines = [f"- {_MARKS[remark.level]} {escaped(f'{remark.name}: {remark.message}')}" for remark in outcome.remarks()]
    for count in (200, 100, 50, 25, 10):
        more = [f"- {len(lines) - count:,} more"] if len(lines) > count else []
        yield joined([*_head(outcome, first, tag), "\n".join([*lines[:count], *more]), _CUT])
    yield joined([*_head(outcome, first, tag)[:3], _CUT])
    yield joined([tag, f"**{escaped(first.sentence[:500])}**", _CUT])


def _head(outcome: Outcome, doc: Document, tag: str) -> list[str]:
    levels = [remark.level for remark in outcome.remarks()]
    worst = next((_MARKS[level] for level in ("error", "warning", "skipped", "notice") if level in levels), "")
    mark = "❔" if levels and set(levels) == {"skipped"} else "✅" if worst == "❔" else worst
    return [
        tag, f"## {mark} {escaped(doc.title)}".replace("  ", " "), f"**{escaped(doc.sentence)}**",
        escaped(doc.subtitle), figures(doc.figures) if doc.figures else "", bullets(doc.caveats),
    ]  # fmt: skip


def _details(doc: Document, keep: Callable[[Section], bool]) -> Iterator[str]:
    for part in doc.sections:
        if not keep(part):
            continue
        body = section(part, 3)
        if body and part.folded:
            yield folded(part.title, body[1:])
        else:
            yield from body
    if doc.warnings and keep(Section("warnings", "Warnings", (), folded=True)):
        yield folded("Warnings", [bullets(doc.warnings)])


def folded(title: str, parts: Iterable[str]) -> str:
    """Parts that open on a click; HTML around Markdown needs the blank lines."""
    return "\n\n".join(
        [f"<details><summary>{escaped(title)}</summary>", *(part for part in parts if part), "</details>"]
    )


def _foot(doc: Document) -> list[str]:
    return [f"<sub>{escaped(doc.footer)} · this comment is updated with every run</sub>" if doc.footer else ""]
