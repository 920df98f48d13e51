"""Of several exports of the same buckets one is primary: chosen for whole days of an owner, never bucket by bucket.

An export is a source at one grain (minutes, hours, days or longer). Two exports describe the same traffic where their
buckets share a day, a provider, a model and an owner (an unknown owner or model agrees with any); days and owners that
such buckets tie together are decided together. Primary is the export with the most tokens of known models in them, since
the other lacks some; of two alike the finer one, then the one whose source comes first by name. What the other tells of
beyond it (a model that the primary lacks) is charged too (:mod:`llmcost.results.remainders`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from llmcost.results.agreement import agree, undated
from llmcost.usage.store import Store

_DAY: Final = 86_400_000_000
_GRAIN: Final = (
    "CASE WHEN ended_at - started_at <= 60000000 THEN 0 WHEN ended_at - started_at <= 3600000000 THEN 1 "
    f"WHEN ended_at - started_at <= {_DAY} THEN 2 ELSE 3 END"
)
"""A first or last bucket may be shorter than the others of its export."""


@dataclass
class _Node:
    """The buckets of one export with one owner and one span of days; ``parent`` leads to those it is decided with."""

    number: int
    provider: str | None
    organization: str | None
    project: str | None
    days: range
    export: tuple[int, str]
    models: frozenset[str | None]
    tokens: int
    parent: _Node | None = None

    def root(self) -> _Node:
        node = self
        while node.parent is not None:
            node = node.parent
        if node is not self:
            self.parent = node
        return node

    def tells_of(self, other: _Node) -> bool:
        """Whether another export's buckets of a shared day may describe the same traffic."""
        if self.export == other.export:
            return False
        if not (agree(self.organization, other.organization) and agree(self.project, other.project)):
            return False
        return None in self.models or None in other.models or not self.families.isdisjoint(other.families)

    @property
    def families(self) -> frozenset[str]:
        """The models' names without the dates of snapshots."""
        return frozenset(undated(model) for model in self.models if model is not None)


def leave_out(store: Store) -> bool:
    """Makes ``llmcost_spare`` of the buckets (in ``llmcost_buckets``) of exports that are not primary; tells if there are any."""
    several = store.value(
        f"SELECT count(*) FROM (SELECT provider_name FROM llmcost_buckets GROUP BY ALL HAVING count(DISTINCT (source, {_GRAIN})) > 1)"
    )
    if not several:
        return False
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_nodes AS SELECT row_number() OVER () AS node, * FROM ("
        f"SELECT provider_name, organization, project, started_at // {_DAY} AS first, (ended_at - 1) // {_DAY} AS last, "
        f"source, {_GRAIN} AS grain, list(DISTINCT key) AS models, bool_or(key IS NULL) AS anyone, sum(tokens) FILTER (key IS NOT NULL)::HUGEINT AS tokens "
        "FROM llmcost_buckets GROUP BY ALL)"
    )
    nodes = [
        _Node(n, provider, org, project, range(first, last + 1), (grain, source), frozenset([*models, *([None] if anyone else [])]), int(tokens or 0))
        for n, provider, org, project, first, last, source, grain, models, anyone, tokens in store.rows(
            "SELECT node, provider_name, organization, project, first, last, source, grain, models, anyone, tokens FROM llmcost_nodes ORDER BY node"
        )
    ]  # fmt: skip
    spare = _losers(nodes)
    store.register("llmcost_losers", pa.table({"node": pa.array(spare, pa.int64())}))
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_spare AS SELECT b.row_id FROM llmcost_buckets b JOIN llmcost_nodes n ON "
        "b.provider_name IS NOT DISTINCT FROM n.provider_name AND b.organization IS NOT DISTINCT FROM n.organization "
        "AND b.project IS NOT DISTINCT FROM n.project AND b.source = n.source "
        f"AND b.started_at // {_DAY} = n.first AND (b.ended_at - 1) // {_DAY} = n.last AND {_GRAIN} = n.grain "
        "SEMI JOIN llmcost_losers l ON l.node = n.node"
    )
    store.drop_temporary(["llmcost_nodes", "llmcost_losers"])
    return bool(spare)


def _losers(nodes: Iterable[_Node]) -> list[int]:
    """Numbers of the nodes whose export is not the one charged for their days and owners."""
    by_day: defaultdict[tuple[str | None, int], list[_Node]] = defaultdict(list)
    for node in nodes:
        for day in node.days:
            for other in by_day[node.provider, day]:
                if node.tells_of(other) and node.root() is not other.root():
                    node.root().parent = other.root()
            by_day[node.provider, day].append(node)
    groups: defaultdict[int, dict[int, _Node]] = defaultdict(dict)
    for found in by_day.values():
        for node in found:
            groups[node.root().number][node.number] = node
    return sorted(number for group in groups.values() for number in _left_out(group.values()))


def _left_out(group: Iterable[_Node]) -> list[int]:
    members = list(group)
    tokens: defaultdict[tuple[int, str], int] = defaultdict(int)
    for node in members:
        tokens[node.export] += node.tokens
    charged = min(tokens, key=lambda export: (-tokens[export], export))
    return [node.number for node in members if node.export != charged]
