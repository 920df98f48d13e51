"""A mapping file: how the fields of any CSV, JSONL, JSON or Parquet file become usage columns."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from llmcost.config import exact_toml
from llmcost.errors import UsageError, nearest
from llmcost.records.contract import Sample
from llmcost.records.values import BadValueError, instant
from llmcost.usage.columns import BY_NAME, USAGE

CANONICAL: Final = {name: column.name for column in USAGE for name in (column.name, *column.aliases)}
Scalar = str | bool | int | Decimal
Unit = Literal["s", "ms", "us", "ns"]


def _from_text(value: Any) -> Any:
    return {"field": value} if isinstance(value, str) else value


class FieldSpec(BaseModel):
    """Where one column's value comes from: exactly one of ``field``, ``value``, ``add`` and ``join``."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    field: str | None = Field(
        None, min_length=1, description="Name of the field, or a path with dots into nested objects."
    )
    value: Scalar | None = Field(None, description="The same value for every row.")
    add: tuple[str, ...] = Field(
        (), description="Fields whose sum it is; unknown when one of them is, unless default is given."
    )
    join: tuple[str, ...] = Field(
        (), description="Fields whose texts are joined with the separator; absent ones are left out."
    )
    separator: str = Field("/", description="What stands between joined texts.")
    split: str | None = Field(
        None, min_length=1, description="Cuts the field's text at this separator; part says which piece."
    )
    part: int = Field(0, description="Which piece of the split text: 0 is the first, -1 the last.")
    map: Mapping[str, Scalar] = Field({}, description="Replaces these values; any other passes as it is.")
    default: Scalar | None = Field(None, description="Used where a field is absent or empty.")
    scale: Decimal | None = Field(None, description="Exact factor for a number: 1000 turns seconds into milliseconds.")
    unit: Unit | None = Field(None, description="Unit of a numeric time; without it, told from the number's size.")
    epoch: str | None = Field(None, description="The instant (RFC 3339) that a relative time counts from; needs unit.")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [name for name in ("field", "value", "add", "join") if getattr(self, name) not in (None, ())]
        if len(origins) != 1:
            raise ValueError("give exactly one of field, value, add and join")
        if self.epoch is not None and (self.unit is None or _epoch(self.epoch) is None):
            raise ValueError("epoch is an RFC 3339 time and needs a unit")
        if self.split is not None and self.field is None:
            raise ValueError("split needs a field")
        return self

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields it reads."""
        return (self.field,) if self.field else self.add or self.join

    @cached_property
    def epoch_us(self) -> int | None:
        """The epoch in microseconds."""
        return None if self.epoch is None else _epoch(self.epoch)


def _epoch(text: str) -> int | None:
    try:
        return instant(text, "epoch") if "-" in text else None
    except BadValueError:
        return None


Spec = Annotated[FieldSpec, BeforeValidator(_from_text, json_schema_input_type=str | FieldSpec)]


class Head(BaseModel):
    """Name and form of the files that the mapping reads."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="Name of the format, for messages.")
    form: Literal["jsonl", "json", "csv", "parquet"] | None = Field(
        None, description="Form of the file; told from its content by default."
    )
    records: str | None = Field(
        None, min_length=1, description="Path with dots to the list of rows inside each JSON record."
    )
    provider_name: str | None = Field(None, description="Provider of the rows that name none.")


class Filter(BaseModel):
    """Which records are rows: fields compared as text with one value or any of a list."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    keep: Mapping[str, Scalar | tuple[Scalar, ...]] = Field(
        {}, description="Only records in which all these fields have these values are rows."
    )
    skip: Mapping[str, Scalar | tuple[Scalar, ...]] = Field(
        {}, description="Records in which any of these fields has this value are no rows."
    )


class MapFile(BaseModel):
    """A mapping file, parsed."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    mapping: Head = Field(description="What the mapping is for.")
    columns: Mapping[str, Spec] = Field(min_length=1, description="Usage column to field name, path or rule.")
    tags: Mapping[str, Spec] = Field({}, description="Tag to field name, path or rule.")
    filter: Filter = Field(Filter.model_validate({}), description="Which records are rows.")
    _fitting: set[tuple[str, ...]] = PrivateAttr(default_factory=set)

    @field_validator("columns")
    @classmethod
    def _canonical(cls, columns: Mapping[str, FieldSpec]) -> Mapping[str, FieldSpec]:
        for name, spec in columns.items():
            column = CANONICAL.get(name)
            if column is None:
                raise ValueError(f"{name!r} is no usage column; {nearest(name, BY_NAME)}")
            if (spec.unit or spec.epoch) and BY_NAME[column].type != "instant":
                raise ValueError(f"{name}: unit and epoch are for times; use scale")
        if len({CANONICAL[name] for name in columns}) < len(columns):
            raise ValueError("a column is mapped twice")
        return {CANONICAL[name]: spec for name, spec in columns.items()}

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Every field that the mapping reads, sorted."""
        specs = (*self.columns.values(), *self.tags.values())
        return tuple(sorted({f for spec in specs for f in spec.fields} | {*self.filter.keep, *self.filter.skip}))

    @cached_property
    def telling(self) -> frozenset[str]:
        """The columns that come from the file alone: a record that fills none of them is no row."""
        names = {name for name, spec in self.columns.items() if spec.fields and spec.default is None}
        return frozenset(names | ({"tags"} if self.tags else set()))

    def fingerprint(self) -> str:
        """A digest of what the mapping says; equal mappings have equal ones."""
        return blake2b(self.model_dump_json(exclude_defaults=True).encode(), digest_size=16).hexdigest()

    def check_header(self, header: Iterable[str], where: str) -> None:
        """UsageError when a CSV or Parquet file lacks a field that the mapping reads; each header is looked at once."""
        names = tuple(header)
        if names in self._fitting:
            return
        found = set(names)
        missing = [f for f in self.fields if f not in found and f.partition(".")[0] not in found]
        if missing:
            raise _missing(missing, sorted(found), where)
        self._fitting.add(names)

    def check_sample(self, sample: Sample) -> None:
        """UsageError when none of the first records has a field that the mapping reads."""
        if sample.header:
            self.check_header(sample.header, sample.name)
            return
        rows = [
            row for record in sample.records for row in rows_of(record, self.mapping.records) if isinstance(row, dict)
        ]
        missing = [f for f in self.fields if rows and not any(value_at(row, f) is not None for row in rows)]
        required = [f for f in missing if not self._optional(f)]
        if required:
            raise _missing(required, sorted({name for row in rows for name in row}), sample.name)

    def _optional(self, field: str) -> bool:
        """Whether the mapping says what holds where the field is absent."""
        specs = [s for s in (*self.columns.values(), *self.tags.values()) if field in s.fields]
        return field in self.filter.skip or all(s.default is not None for s in specs)


def _missing(missing: list[str], found: list[str], where: str) -> UsageError:
    close = difflib.get_close_matches(missing[0], found, n=1)
    return UsageError(
        f"no field {', '.join(map(repr, missing))}, which the mapping reads",
        where=where,
        why=f"fields found: {', '.join(found[:40]) or 'none'}{' ..' if len(found) > 40 else ''}",
        hint=f"did you mean {close[0]!r}?" if close else None,
    )


def rows_of(record: Any, path: str | None) -> Iterator[Any]:
    """The rows inside a record: itself, or the elements of the list at ``path``."""
    found = record if path is None else value_at(record, path)
    if path is not None and isinstance(found, list):
        yield from found
    elif path is None:
        yield found


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """The value of a field, or of a dotted path; a field whose own name has dots comes first. None when absent."""
    if path in row:
        return row[path]
    value: Any = row
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def load_mapping(path: Path) -> MapFile:
    """The mapping in a TOML file; UsageError naming what is wrong with it."""
    try:
        content = exact_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            "there is no such mapping file", where=str(path), hint="llmcost init writes one to start from"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"cannot be read as TOML: {error}", where=str(path), hint="the form of a mapping file: docs/mapping.md"
        ) from error
    return parse_mapping(content, str(path))


def parse_mapping(content: Mapping[str, Any], where: str = "mapping") -> MapFile:
    """The mapping in parsed TOML; UsageError naming the entry that is wrong."""
    try:
        return MapFile.model_validate(content)
    except ValidationError as error:
        faults = cast("list[dict[str, Any]]", error.errors(include_url=False))
        # An unknown entry says more than the one that is missing for it.
        first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
        place = ".".join(str(step) for step in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        known = nearest(place, MapFile.model_fields) if len(first["loc"]) == 1 else "it is no part of the form"
        said = f"is not known; {known}" if unknown else str(first["msg"]).removeprefix("Value error, ")
        more = error.error_count() - 1
        raise UsageError(
            f"{place}: {said}" if place else said,
            where=where,
            why=f"and {more} more" if more else None,
            hint="the form of a mapping file: docs/mapping.md",
        ) from error
