"""The contract between files and sources: a source is a function from records to rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final, Literal

from llmcost.usage.columns import Billed, Usage

Form = Literal["jsonl", "json", "csv", "parquet", "text"]
"""How the bytes of a file are cut into records."""

PartRole = Literal["tools", "system", "schema", "example", "history", "context", "user"]


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file: a JSON value, or a CSV/Parquet row as a mapping, and where it stands.

    JSON numbers with a fraction or an exponent arrive as Decimal, CSV fields as text. ``line`` is the line on
    which the record starts (1 is the first), or its ordinal in Parquet and JSON documents.
    """

    value: Any
    line: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file, enough to tell what it is.

    ``records`` are the first (at most 50) records that could be parsed; ``header`` the CSV or Parquet column
    names; ``head`` the first 64 KiB as text, for formats that are neither.
    """

    name: str
    form: Form
    head: str
    records: tuple[Any, ...] = ()
    header: tuple[str, ...] = ()

    @property
    def path(self) -> PurePath:
        """The file's path, for formats that put owners or regions there."""
        return PurePath(self.name)

    def objects(self) -> Iterator[dict[str, Any]]:
        """The sampled records that are JSON objects."""
        return (record for record in self.records if isinstance(record, dict))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a prompt in the order the provider's cache sees it. ``text`` never leaves the process.

    ``breakpoint``: the request set a cache breakpoint at the end of this part.
    """

    role: PartRole
    text: str
    breakpoint: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """What a request said and what came back, used while ingesting and then dropped.

    ``parts`` in the provider's caching order (tools, system, messages). ``complete`` is False when the log
    truncated or redacted the text: then nothing is counted and no key is made. ``answer`` is the visible output text.
    """

    parts: tuple[Part, ...]
    answer: str | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """What a record says. Exactly one of ``usage`` and ``billed`` is given."""

    usage: Usage | None = None
    billed: Billed | None = None
    body: Body | None = None
    line: int | None = None
    """Only when the row stands on another line than the record that completed it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one record, counted in every report.

    ``kind`` is a short stable slug (``negative-count``, ``no-usage`` ..). ``rejected`` tells whether it cost the
    record its row. ``detail`` shows known counters, ids and model names only. ``informative``: the record is fine,
    but no column holds a part of it (a fee, a credit), or it was read by a rule worth telling; counted like the
    others, but ``--on-problem fail`` does not stop on it.
    """

    kind: str
    detail: str
    rejected: bool = True
    line: int | None = None
    informative: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """A record that is no call by the format's own rules (a session summary, an empty bucket, a roll-up span)."""

    why: str


Reading = Row | Problem | Skip


@dataclass(frozen=True)
class Context:
    """What a source may know of the file it reads.

    ``changed_at``: when the file was last changed, microseconds in UTC; it bounds stamps that leave out the year.
    """

    name: str
    header: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    changed_at: int | None = None
    elsewhere: Callable[[str, Any], Iterable[Reading]] | None = None
    """Reads a logged call (``records.exchange.Exchange``) as the source of the given name does: logs of proxies mix hosts."""


Reader = Callable[[Iterable[Record], Context], Iterator[Reading]]
"""Gives at least one reading for every record, in order, before it takes the next one. A BadValueError ends it: the
record it stands in and all behind it are rejected, so a reader turns a bad record into a Problem itself."""


@dataclass(frozen=True)
class Source:
    """One export or log format. A source module ends in ``SOURCE = Source(...)``.

    ``sniff`` claims a sample or not; exactly one source may claim any file. ``read`` maps one record to readings
    and is pure; a BadValueError rejects the record, and what was given before it stays. A format whose rows depend on earlier records of the same file (streams, cumulative totals) gives
    ``read_file`` instead. ``knows`` names the columns of
    usage (or billed) rows that the format can fill; docs are made from it.
    """

    title: str
    grain: Literal["requests", "buckets", "billed", "mixed"]
    forms: tuple[Form, ...]
    sniff: Callable[[Sample], bool]
    knows: frozenset[str]
    url: str
    checked: str
    read: Callable[[Record, Context], Iterable[Reading]] | None = None
    read_file: Reader | None = None
    identity: str = "response id"
    """What ``request_id`` is made of, for the account of duplicates."""
    groupings: tuple[str, ...] = ()
    """Columns of billed lines by which a query of the export may be grouped: two groupings of a day are one bill twice."""
    read_call: Callable[[Any], Iterable[Reading]] | None = None
    """Reads one logged call (``records.exchange.Exchange``) that stands in the log of another host; see ``records.mixed``."""
    arrow: Callable[[Any, Context], Any] | None = None
    """Optional fast path: a pyarrow table of raw columns to a pyarrow table of canonical columns, or None to decline; or
    ``records.table.Unclean``, which names the rows without which it may read the others."""


SAMPLE_RECORDS: Final = 50
SAMPLE_BYTES: Final = 64 * 1024
