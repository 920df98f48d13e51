"""The report for a terminal, as plain text of a given width; colour only where it is asked for."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from llmcost.reports import Options, Report
from llmcost.results.chart import Bar, Tone, Waterfall
from llmcost.results.document import Block, Cell, Document, Figure, Notes, Section, Table
from llmcost.results.document import Text as TextBlock
from llmcost.results.outcome import Outcome
from llmcost.results.present import shorten

_STYLES: Final[dict[Tone, str]] = {"": "", "saving": "green", "loss": "bold red", "muted": "dim"}
_FILLS: Final[dict[Tone, str]] = {"": "█", "saving": "░", "loss": "▓", "muted": "█"}
_NARROWEST: Final = 40
_READABLE: Final = 16
_GAP: Final = 2


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as text of ``options.width`` columns."""
    doc = outcome.document(options.top_n, options.title)
    return _printed(_report(doc, _width(options)), options)


def _width(options: Options) -> int:
    return max(options.width, _NARROWEST)


def _printed(parts: Iterable[RenderableType], options: Options) -> bytes:
    """What a console of a fixed width prints; nothing of the real terminal or environment enters."""
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=_width(options),
        height=100,
        color_system="standard" if options.color else None,
        force_terminal=options.color,
        force_interactive=False,
        force_jupyter=False,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )
    for part in parts:
        console.print(part)
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    return ("\n".join(lines).strip("\n") + "\n").encode()


def _report(doc: Document, width: int) -> list[RenderableType]:
    parts: list[RenderableType] = [_heading(doc.title)]
    parts += [Text(doc.subtitle, "dim"), Text()] if doc.subtitle else [Text()]
    parts += [_figures(doc.figures), Text()] if doc.figures else []
    parts += [Text(doc.sentence), *_remarks(doc.caveats)]
    for section in doc.sections:
        parts += _section(section, width)
    if doc.warnings:
        parts += [_rule("Warnings", width), *(_item(warning) for warning in doc.warnings), Text()]
    return [*parts, Text(doc.footer, "dim")]


def _section(section: Section, width: int, *, inner: bool = False) -> list[RenderableType]:
    """A section under its title; nothing at all where a terminal shows none of it."""
    parts: list[RenderableType] = []
    for block in section.blocks:
        parts += _block(block, section.title, width)
    if not parts:
        return []
    return [_heading(section.title) if inner else _rule(section.title, width), *parts]


def _block(block: Block, above: str, width: int) -> list[RenderableType]:
    """One block; of the charts only a waterfall is drawn, the numbers of all are in the tables."""
    match block:
        case Section():
            return _section(block, width, inner=True)
        case Table():
            return [] if block.long else [_table(block, width, titled=block.titled and block.title != above)]
        case Waterfall():
            return [*_bars(block.bars, width), Text()]
        case TextBlock():
            return [part for line in block.paragraphs for part in (Text(line), Text())]
        case Notes():
            return [*(_item(note) for note in block.lines), Text()]
        case _:
            return []


def _rule(title: str, width: int) -> Text:
    """A section's title on a line across the page."""
    line = Text(f"{shorten(title, width - 4)} ", "bold", no_wrap=True, overflow="crop")
    return line.append("─" * max(width - cell_len(line.plain), 0), "dim")


def _heading(text: str) -> Text:
    return Text(text, "bold")


def _item(text: str) -> RenderableType:
    grid = RichTable.grid(padding=(0, 1))
    grid.add_row(Text("-"), Text(text, overflow="fold"))
    return grid


def _remarks(lines: Sequence[str]) -> list[RenderableType]:
    return [Text(), *(_item(line) for line in lines), Text()] if lines else [Text()]


def _figures(figures: Sequence[Figure]) -> RenderableType:
    grid = RichTable.grid(padding=(0, 4, 0, 0))
    for _ in figures:
        grid.add_column(overflow="fold")
    grid.add_row(*(Text(figure.label, "dim") for figure in figures))
    grid.add_row(*(Text(figure.value, f"bold {_STYLES[figure.tone]}".strip()) for figure in figures))
    grid.add_row(*(Text(figure.detail) for figure in figures))
    return grid


def _table(table: Table, width: int, *, titled: bool = True) -> RenderableType:
    """A table of at most ``width``; optional columns go first where it does not fit, numbers never break."""
    if not table.rows:
        empty = Text(f"  {table.empty or 'none'}", "dim")
        return Group(*([_heading(table.title)] if titled else []), empty, Text())
    note = [Padding(Text(table.note, "dim"), (0, 0, 0, 2))] if table.note else []
    shown, least = _fitting(table, width)
    if not shown:
        return Group(*([_heading(table.title)] if titled else []), *_stacked(table), *note, Text())
    grid = RichTable(
        title=Text(table.title, "bold") if titled else None,
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        show_footer=table.total is not None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    footer = table.total or tuple(Cell("") for _ in table.columns)
    for index, wide in zip(shown, _widths(table, shown, least, width), strict=True):
        column, total = table.columns[index], _text(footer[index])
        justify: JustifyMethod = "right" if column.numeric else "left"
        grid.add_column(Text(column.title), total, justify=justify, overflow="fold", width=wide)
    for row in table.rows:
        grid.add_row(*(_text(row[index]) for index in shown))
    return Group(grid, *note, Text())


def _fitting(table: Table, width: int) -> tuple[list[int], dict[int, int]]:
    """The columns that fit side by side, and how narrow each may be; none where they do not fit."""
    least = {index: _least(table, index) for index in range(len(table.columns))}
    shown = list(least)
    for index in [*reversed(least), None]:
        if sum(least[i] + _GAP for i in shown) < width:  # one gap more than there are: rich pads the last column too
            return shown, least
        if index is not None and table.columns[index].optional:
            shown.remove(index)
    return [], least


def _stacked(table: Table) -> list[RenderableType]:
    """Rows one below the other, a line a value, where columns have no room."""
    parts: list[RenderableType] = []
    for row in (*table.rows, *([table.total] if table.total else [])):
        grid = RichTable.grid(padding=(0, 2, 0, 0))
        grid.add_column(overflow="fold")
        grid.add_column(overflow="fold")
        for column, cell in zip(table.columns[1:], row[1:], strict=True):
            if cell.text:
                grid.add_row(Text(column.title, "dim"), _text(cell))
        parts += [Text(row[0].text, overflow="fold"), Padding(grid, (0, 0, 0, 2))]
    return parts


def _texts(table: Table, index: int) -> list[str]:
    rows = (*table.rows, *([table.total] if table.total else []))
    return [table.columns[index].title, *(row[index].text for row in rows)]


def _least(table: Table, index: int) -> int:
    """Numbers stay whole; text may fold, but not below a readable width or the words of its heading.

    The first column, which names the row, folds last.
    """
    heading, *cells = ([cell_len(word) for word in text.split()] for text in _texts(table, index))
    longest = max((sum(words) + len(words) - 1 if index == 0 else max(words, default=1) for words in cells), default=1)
    return max(1, *heading, longest if table.columns[index].numeric else min(longest, _READABLE))


def _widths(table: Table, shown: Sequence[int], least: dict[int, int], width: int) -> list[int]:
    """What each column gets: its least, then what it lacks from the room that is left, the smallest wish first.

    Rich would shrink columns below their least and then cut the last one off.
    """
    room = width - sum(least[index] + _GAP for index in shown)
    given = dict(least)
    wishes = {index: max(map(cell_len, _texts(table, index))) - least[index] for index in shown}
    for place, index in enumerate(sorted(shown, key=lambda i: (wishes[i], i))):
        share = room // (len(shown) - place)
        extra = max(0, min(wishes[index], share))
        given[index] += extra
        room -= extra
    return [given[index] for index in shown]


def _text(cell: Cell) -> Text:
    return Text(cell.text, _STYLES[cell.tone])


def _bars(bars: Sequence[Bar], width: int) -> list[Text]:
    label_width = min(max(cell_len(bar.label) for bar in bars), width // 3)
    text_width = max(cell_len(bar.text) for bar in bars)
    room = max(width - label_width - text_width - 4, 8)
    low = min(min(bar.start, bar.end) for bar in bars)
    span = max(max(bar.start, bar.end) for bar in bars) - low
    lines = []
    for bar in bars:
        first, last = sorted(int((edge - low) / span * room) if span else 0 for edge in (bar.start, bar.end))
        drawn = " " * min(first, room - 1) + _FILLS[bar.tone] * max(last - first, 1)
        label = shorten(bar.label, label_width)
        pad = " " * (label_width - cell_len(label))
        line = Text(f"{label}{pad}  ", no_wrap=True)
        line.append(f"{drawn:<{room}}", _STYLES[bar.tone])
        lines.append(line.append(f"  {bar.text:>{text_width}}", _STYLES[bar.tone]))
    return lines


REPORT = Report("Terminal", "text/plain; charset=utf-8", ".txt", render)
