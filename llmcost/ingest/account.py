"""What an ingest is asked for and what it tells: options, files, and the account of every record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmcost.ingest.owners import Owners
from llmcost.ingest.stage import OnProblem

Progress = Callable[[str, int, int | None], None]
"""Called with (file name, bytes read so far, bytes in all or None)."""


@dataclass(frozen=True)
class IngestOptions:
    """How to read: ``source`` overrides recognition, ``mapping`` is a parsed mapping file for anything else."""

    source: str | None = None
    mapping: Any = None
    on_problem: OnProblem = "keep"
    owners: Owners = "keep"


@dataclass
class IngestedFile:
    """One file of an ingest."""

    name: str
    source: str | None
    read: int = 0
    rejected: int = 0
    skipped: int = 0
    known: bool = False
    file_key: int = 0
    note: str | None = None
    size: int | None = None
    """Bytes as stored; unknown of standard input."""
    twin: IngestedFile | None = None
    """A file of the same ingest with the same bytes, read before this one."""
    keys: tuple[int, ...] = ()
    """Of a table that was read in chunks the keys of all of them."""


@dataclass
class IngestSummary:
    """What an ingest did; ``check`` holds: read = ingested + duplicates + superseded + rejected."""

    files: list[IngestedFile] = field(default_factory=list)
    read: int = 0
    ingested: int = 0
    duplicates: int = 0
    superseded: int = 0
    rejected: int = 0
    skipped: int = 0
    replaced: int = 0
    billed: int = 0
    repeated: list[tuple[str, str, bool, int]] = field(default_factory=list)
    """(source, what makes two records the same, superseded, count) of records that another one stands for."""
    problems: list[tuple[str, bool, int, str]] = field(default_factory=list)
    """(kind, rejected, count, first example)"""

    @property
    def file_keys(self) -> list[int]:
        """Keys of all files given, those known before included."""
        return [key for file in self.files if file.source for key in (file.keys or (file.file_key,))]


def joined(told: Sequence[IngestSummary]) -> IngestSummary:
    """Several ingests told as one."""
    whole = IngestSummary()
    kinds: dict[tuple[str, bool], tuple[int, str]] = {}
    for summary in told:
        whole.files += summary.files
        for name in ("read", "ingested", "duplicates", "superseded", "rejected", "skipped", "replaced", "billed"):
            setattr(whole, name, getattr(whole, name) + getattr(summary, name))
        for kind, rejected, count, example in summary.problems:
            before, first = kinds.get((kind, rejected), (0, example))
            kinds[kind, rejected] = (before + count, first)
    same: dict[tuple[str, str, bool], int] = {}
    for source, key, superseded, count in (entry for summary in told for entry in summary.repeated):
        same[source, key, superseded] = same.get((source, key, superseded), 0) + count
    whole.repeated = [(*entry, count) for entry, count in same.items()]
    whole.problems = [(kind, rejected, count, first) for (kind, rejected), (count, first) in kinds.items()]
    return whole
