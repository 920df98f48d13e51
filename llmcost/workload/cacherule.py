"""The prompt-cache rule that holds for a row: the provider's of that model and day, with a scenario's changes in place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir

from llmcost.pricing.entries import CacheRule, moment
from llmcost.usage.caching import NEVER, PROJECT_SCOPED
from llmcost.workload.cachelog import Seen
from llmcost.workload.contract import Noted, Stage
from llmcost.workload.durations import Scope, shown
from llmcost.workload.prefixes import SCOPE_COLUMN


@dataclass(frozen=True)
class Wishes:
    """What a scenario asks of caches; None is the provider's own."""

    explicit: bool | None = None
    life: int | None = None
    """Microseconds; ``NEVER - 1`` is unlimited."""
    long: bool = False
    minimum: int | None = None
    increment: int | None = None
    scope: Scope | None = None
    storage: bool | None = None

    @property
    def any_given(self) -> bool:
        """Whether mode, life, minimum or increment are the scenario's and not the provider's."""
        given = (self.explicit, self.life, self.minimum, self.increment)
        return self.long or any(value is not None for value in given)


@dataclass(frozen=True)
class Rule:
    """The rule of one model id from an instant on (``since`` None: from the beginning)."""

    model: int
    since: int | None
    explicit: bool
    life: int
    minimum: int
    increment: int
    renews: bool
    """Whether a use renews an entry's life; if not, it ends a fixed time after the writing."""
    scope: Scope
    ingested: Scope
    """Who the ingest took to share a cache of this provider."""
    one_hour: bool
    writes_billed: bool
    stored: bool
    source: str


def rules(stage: Stage, wishes: Wishes, present: Mapping[int, Seen]) -> list[Rule]:
    """The rules of every chat model of a workload while its rows last; models that cannot cache have none."""
    return [
        rule
        for number, model, _, _ in stage.models()
        if model is not None and number in present
        for rule in _in_force(list(_of(number, model, wishes)), present[number])
    ]


def _in_force(found: Sequence[Rule], times: Seen) -> list[Rule]:
    """Those of a model's rules, in order of time, under which a row falls."""
    ends = [*(rule.since for rule in found), None][1:]
    kept = [
        rule
        for rule, end in zip(found, ends, strict=True)
        if (rule.since is None or rule.since <= times.last) and (end is None or end > times.first)
    ]
    first = kept[0].since if kept else None
    # The first one needs no date, unless nothing was cached before it.
    return [replace(kept[0], since=None), *kept[1:]] if first is not None and first <= times.first else kept


def _of(number: int, model: Any, wishes: Wishes) -> Iterator[Rule]:
    if model.entry.operation != "chat":
        return
    entries: Sequence[CacheRule] = sorted(model.entry.cache, key=lambda rule: rule.valid_from)
    if not entries and wishes.life is not None and wishes.minimum is not None:
        entries = [CacheRule(valid_from=0, mode="explicit" if wishes.explicit else "implicit", source="scenario")]
    for place, entry in enumerate(entries):
        if entry.mode != "none":
            yield _rule(number, entry, None if place == 0 else entry.valid_from, wishes, model.provider)


def _rule(number: int, entry: CacheRule, since: int | None, wishes: Wishes, provider: str) -> Rule:
    seconds = (entry.long_ttl_seconds or entry.ttl_seconds) if wishes.long else entry.ttl_seconds
    life = seconds * 1_000_000 if wishes.life is None else wishes.life
    explicit = entry.mode == "explicit" if wishes.explicit is None else wishes.explicit
    longer = entry.long_ttl_seconds == 3600 and life > entry.ttl_seconds * 1_000_000
    return Rule(
        model=number,
        since=since,
        explicit=explicit,
        life=life,
        minimum=entry.min_tokens if wishes.minimum is None else wishes.minimum,
        increment=entry.increment_tokens if wishes.increment is None else wishes.increment,
        renews=entry.refresh_on_hit,
        scope=wishes.scope or entry.scope,
        ingested="project" if provider in PROJECT_SCOPED else "organization",
        one_hour=entry.write_class == "cache_write_1h" or (entry.write_class == "cache_write_5m" and longer),
        writes_billed=entry.write_class != "input",
        stored=explicit and (entry.storage_billed if wishes.storage is None else wishes.storage),
        source=entry.source,
    )


def by_rule(rows: ir.Table, held: Iterable[Rule], value: Callable[[Rule], Any], default: Any) -> Any:
    """``value`` of the rule that holds for a row; equal values share a branch."""
    plain: dict[Any, list[int]] = {}
    dated: list[tuple[Any, Any]] = []
    for rule in sorted(held, key=lambda rule: -(rule.since or 0)):
        if rule.since is None:
            plain.setdefault(value(rule), []).append(rule.model)
        else:
            dated.append(((rows.model == rule.model) & (rows.priced_at >= rule.since), value(rule)))
    if not dated and len(plain) == 1:
        return ibis.literal(next(iter(plain)))
    branches = [*dated, *((rows.model.isin(ids), result) for result, ids in plain.items())]
    return ibis.cases(*branches, else_=default) if branches else ibis.literal(default)


def notes(stage: Stage, held: Iterable[Rule], wishes: Wishes, present: Mapping[int, Seen]) -> tuple[Noted, ...]:
    """The rules of the models that the selected rows are on, as assumptions."""
    names = {number: model.key for number, model, _, _ in stage.models() if model is not None}
    found = []
    for rule in held:
        if present[rule.model].selected:
            value = (
                f"life {shown(None if rule.life >= NEVER - 1 else rule.life)} "
                f"{'after the last use' if rule.renews else 'after the writing'}, from {rule.minimum} tokens "
                f"in steps of {rule.increment}, per {rule.scope}"
            )
            since = "" if rule.since is None else f" from {moment(rule.since).date().isoformat()}"
            source = "scenario and provider rule" if wishes.any_given else rule.source
            found.append(Noted(f"cache rule of {names[rule.model]}{since}", value, "", source))
    return tuple(dict.fromkeys(found))


def as_ingested(held: Iterable[Rule], present_columns: Collection[str]) -> bool:
    """Whether every rule has the owners that the ingest took to share a cache, as far as the log tells owners apart."""

    def owners(scope: Scope) -> set[str]:
        return {"organization", SCOPE_COLUMN[scope]} & set(present_columns) if scope != "global" else set()

    return all(owners(rule.scope) == owners(rule.ingested) for rule in held)


def merged_names(stage: Stage, present: Collection[int]) -> frozenset[int]:
    """Ids of models that the log calls by several names, so that the ingest's partitions are not the caches."""
    ids: dict[str, list[int]] = {}
    for number, model, _, _ in stage.models():
        if model is not None and number in present:
            ids.setdefault(model.key, []).append(number)
    return frozenset(number for alike in ids.values() if len(alike) > 1 for number in alike)


def sharing(stage: Stage, numbers: Collection[int]) -> frozenset[int]:
    """The ids of models with all others that name the same models."""
    keys = {model.key for number, model, _, _ in stage.models() if model is not None and number in numbers}
    return frozenset(number for number, model, _, _ in stage.models() if model is not None and model.key in keys)


def one_model(rows: ir.Table, stage: Stage, model: ir.IntegerValue | None = None) -> ir.IntegerValue:
    """The model id (of the rows, or ``model``) with all ids of one model made one: whatever name a request used, it shares
    the model's cache.
    """
    column = rows.model if model is None else model
    ids: dict[str, list[int]] = {}
    for number, found, _, _ in stage.models():
        if found is not None:
            ids.setdefault(found.key, []).append(number)
    branches = [(column.isin(others), first) for first, *others in ids.values() if others]
    return ibis.cases(*branches, else_=column).cast("int64") if branches else column
