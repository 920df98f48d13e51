"""Options that several commands take together, as dataclasses: which rows, how they are read, where the report goes.

A command names a group as one parameter; :func:`grouped` spells its fields out as the command's own options.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from llmcost.cli import options as opt
from llmcost.cli.ingest import options_of, tell
from llmcost.cli.options import OnProblem, Owners
from llmcost.cli.output import chosen, spare, write
from llmcost.cli.progress import reading
from llmcost.config import DEFAULT_STORE

if TYPE_CHECKING:
    from llmcost.ingest.run import IngestSummary
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import Outcome

Found = TypeVar("Found")


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command with each parameter that is a group replaced by the group's options, in its place."""
    signature = inspect.signature(command, eval_str=True)
    kinds = {name: each.annotation for name, each in signature.parameters.items()}
    groups = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and is_dataclass(kind)}
    fields = {name: inspect.signature(group, eval_str=True).parameters for name, group in groups.items()}

    @functools.wraps(command)
    def spelled_out(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field: given.pop(field) for field in fields[name]})
        command(**given)

    parameters = [
        part for name, each in signature.parameters.items() for part in fields.get(name, {name: each}).values()
    ]
    spelled_out.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # no type has it
    spelled_out.__annotations__ = {each.name: each.annotation for each in parameters}
    return spelled_out


@dataclass(frozen=True, kw_only=True)
class Span:
    """Which rows are charged."""

    since: opt.SinceOption = None
    until: opt.UntilOption = None
    month: opt.MonthOption = None
    where: opt.WhereOption = None

    def instants(self, zone: tzinfo = UTC) -> tuple[int | None, int | None]:
        """First instant, and first instant behind it; UsageError where the options contradict each other."""
        return opt.span_of(self.since, self.until, self.month, zone)


@dataclass(frozen=True, kw_only=True)
class Logs:
    """Where rows come from, how they are read, and at which prices they are seen."""

    paths: opt.PathsArgument = None
    store: opt.StoreOption = None
    prices: opt.PricesOption = None
    source: opt.SourceOption = None
    mapping: opt.MappingOption = None
    on_problem: opt.OnProblemOption = OnProblem.KEEP
    owners: opt.OwnersOption = Owners.KEEP
    memory_limit: opt.MemoryOption = None
    quiet: opt.QuietOption = False

    @property
    def kept(self) -> Path | None:
        """The store that is asked, by default the usual one where no log is named; None: a temporary one."""
        return self.store or (None if self.paths else Path(DEFAULT_STORE))

    def spare(self, *others: Path | None) -> None:
        """Keeps all that the command reads from being written over."""
        spare(*(self.paths or ()), *(self.prices or ()), self.mapping, self.kept, *others)

    def ask(
        self, question: Callable[..., Found], options: ReplayOptions, doing: str = "replaying", **more: Any
    ) -> tuple[Found, list[IngestSummary]]:
        """The answer to a question of :mod:`llmcost.api`, and what the reading before it did, which is told on stderr."""
        accounts: list[IngestSummary] = []
        with reading(quiet=self.quiet) as progress:

            def ingested(account: IngestSummary) -> None:
                accounts.append(account)
                if progress:
                    progress(doing, 0, None)

            found = question(
                *(self.paths or ()),
                store=self.kept,
                prices=self.prices or (),
                options=options,
                reading=options_of(self.source, self.mapping, self.on_problem, self.owners),
                memory_limit=opt.memory(self.memory_limit),
                progress=progress,
                ingested=ingested,
                **more,
            )
        for account in accounts:
            tell(account, quiet=self.quiet)
        return found, accounts


@dataclass(frozen=True, kw_only=True)
class Shown:
    """In which forms the answer is shown, and where."""

    format: opt.FormatOption = None
    out: opt.OutOption = None
    title: opt.TitleOption = ""

    def formats(self) -> list[str]:
        """The formats that are asked for; UsageError for unknown ones, before any work is done."""
        return chosen(self.format, self.out)

    def write(self, formats: list[str], outcome: Outcome, *, quiet: bool, tag: str = "") -> None:
        """Writes every format."""
        write(formats, outcome, self.out, self.title, quiet=quiet, tag=tag)
