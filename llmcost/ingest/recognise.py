"""Finds the one source that claims a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from llmcost.errors import UsageError
from llmcost.records import Sample, Source
from llmcost.sources import SOURCES
from llmcost.usage.columns import BY_NAME

_OWN: Final = "usage-rows"


def claimants(sample: Sample) -> list[str]:
    """Names of all sources that claim the sample; a fault inside a sniffer is no claim.

    Where none does, a few odd records may stand among others: then those that claim most of the records, taken one by
    one, are asked again about these alone. What stands beside them becomes a counted problem when it is read.
    A file that has canonical names only is llmcost's own: the others, all of which would have to be loaded, are not asked.
    """
    return [_OWN] if _is_own(sample) else _claiming(sample) or _among_others(sample)


def _is_own(sample: Sample) -> bool:
    own = SOURCES.load(_OWN)
    fields = [sample.header, *sample.objects()] if sample.form in own.forms else []
    return set[str]().union(*fields) <= BY_NAME.keys() and own.sniff(sample)


def _claiming(sample: Sample) -> list[str]:
    return [name for name, source in SOURCES if sample.form in source.forms and source.sniff(sample)]


def _among_others(sample: Sample) -> list[str]:
    if sample.form not in {"json", "jsonl"} or len(sample.records) < 2:
        return []
    claims = [_claiming(replace(sample, records=(record,))) for record in sample.records]
    votes = Counter(name for names in claims for name in names)
    most = max(votes.values(), default=0)
    if most * 2 < len(claims):
        return []
    wanted = {name for name, number in votes.items() if number == most}
    kept = tuple(
        record for record in sample.records if not wanted.isdisjoint(_claiming(replace(sample, records=(record,))))
    )
    return [name for name in _claiming(replace(sample, records=kept)) if name in wanted]


def recognise(sample: Sample) -> tuple[str, Source] | None:
    """The source of a file, None when no source knows it.

    Raises UsageError when two sources claim it.
    """
    names = claimants(sample)
    if len(names) > 1:
        raise UsageError(
            f"it looks like {' and like '.join(names)}",
            where=sample.name,
            why="guessing would count wrong money",
            hint=f"say which it is: --source {names[0]}",
        )
    return (names[0], SOURCES.load(names[0])) if names else None
