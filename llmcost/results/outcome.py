"""What can be reported: an outcome is a model and the function that turns it into a document.

``OUTCOMES`` finds the files by the ``kind`` that each model carries; every format renders any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Protocol

from llmcost.plugins import Plugins
from llmcost.results.cells import DASH
from llmcost.results.document import Cell, Document, Table, Value
from llmcost.results.present import UNKNOWN

Row = Mapping[str, Value]
ALL: Final = 10**9
"""``top_n`` where nothing is cut."""


class Model(Protocol):
    """A pydantic model of an outcome: JSON writes it, ``kind`` names its file here and its files on disk."""

    kind: ClassVar[str]

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """The model as JSON's own types."""
        ...


@dataclass(frozen=True, slots=True)
class LongForm:
    """A tidy table for spreadsheets and data frames: exact values, the same columns whatever the outcome holds."""

    header: tuple[str, ...]
    rows: Iterable[Row]


Level = Literal["error", "warning", "skipped", "notice"]


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was looked at, for machines that list such: test reports, annotations. ``file`` is where it is set."""

    group: str
    name: str
    level: Level
    message: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """The record that each outcome's file ends in, as ``OUTCOME``.

    ``document`` gives model, number of lines shown of each list, and title (or "") a document. ``long`` is a long form
    of its own; without one, all tables of the document are. ``remarks`` lists what was judged, thing by thing. ``schema`` names the JSON Schema where ``kind`` does not.
    """

    title: str
    model: type[Any]
    document: Callable[[Any, int, str], Document]
    long: Callable[[Any], LongForm] | None = None
    schema: str = ""
    remarks: Callable[[Any], tuple[Remark, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a report renders."""

    model: Model
    document: Callable[[int, str], Document]
    long_form: Callable[[], LongForm]
    remarks: Callable[[], tuple[Remark, ...]] = lambda: ()
    """What was judged, thing by thing; empty where the outcome judges nothing."""

    @property
    def kind(self) -> str:
        """``simulation``, ``comparison`` ..: the stem of its files."""
        return self.model.kind


OUTCOMES: Plugins[Kind] = Plugins("llmcost.results.outcomes", "OUTCOME", "outcome")


def outcome(model: Model) -> Outcome:
    """``model`` as what a report renders."""

    def found() -> Kind:
        # Loaded by the formats that show it: JSON does not.
        return OUTCOMES.load(model.kind)

    def document(top_n: int, title: str) -> Document:
        return found().document(model, top_n, title)

    def long_form() -> LongForm:
        long = found().long
        return long(model) if long else tables_as_rows(document(ALL, ""))

    def remarks() -> tuple[Remark, ...]:
        told = found().remarks
        return told(model) if told else ()

    return Outcome(model, document, long_form, remarks)


TABLE_HEADER: Final = ("section", "table", "row", "name", "column", "value", "unit")


def tables_as_rows(document: Document) -> LongForm:
    """Every cell that says something as a row: its table, number and name of its row, its column and exact value."""
    pairs = [(section.key, table) for section in document.sections for table in section.tables()]
    return LongForm(TABLE_HEADER, (row for key, table in pairs for row in _rows(key, table)))


def _rows(section: str, table: Table) -> Iterable[Row]:
    lines: list[tuple[Value, tuple[Cell, ...]]] = [*enumerate(table.rows, 1)]
    lines += [("total", table.total)] if table.total else []
    for number, line in lines:
        named: dict[str, Value] = {"section": section, "table": table.key, "row": number, "name": line[0].text}
        for column, cell in zip(table.columns[1:], line[1:], strict=True):
            if cell.text not in {"", DASH.text}:
                value = exact(cell)
                unit = "" if isinstance(value, str) else column.unit
                yield {**named, "column": column.title, "value": value, "unit": unit}


def exact(cell: Cell) -> Value:
    """What a cell stands for: its exact value, its text where that is all there is, None where it is unknown."""
    if cell.value is not None:
        return cell.value
    return None if cell.text == UNKNOWN else cell.text
