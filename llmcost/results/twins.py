"""Calls that two sources tell of: a gateway's log beside the provider's, a trace beside either. Charged once.

Two rows of different sources are one call

- by response id, whatever each calls the provider: the id is the provider's own, or long enough to be nobody else's;
- else by owner and time: the same model (behind a gateway the upstream's; a name agrees with its snapshots), input and output tokens, no owner that
  contradicts, and starts within ``WINDOW`` of each other, the nearest pairs first. Only where half of the rows of one of
  the two sources have such a twin, in the time and the models that both cover: alike calls of two services are not one.

Rows of one source are never matched, and each row once for each other source. Charged is the source that the user names,
else that which tells what was charged, then that which knows more counters, then the first by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.names import ModelRef, prefix_provider
from llmcost.results.agreement import OWNERS, agreeing, undated
from llmcost.usage.columns import COUNTERS
from llmcost.usage.store import Store

WINDOW: Final = 5_000_000
"""Microseconds between the starts of one call as two sources date it: clocks, and times of request and of answer."""
BY_ID: Final = "response id"
BY_TIME: Final = "owner and time"
ALIKE: Final = "alike, charged"
"""Not a rule but a doubt: twins by owner and time of sources that have too few of them."""
_SHARE: Final = 0.5
_DAY: Final = 86_400_000_000
GATEWAYS: Final = frozenset(
    {"openrouter", "litellm", "portkey", "helicone", "cloudflare", "vercel", "requesty", "kong"}
)
"""Providers that pass calls on, under names like ``openai/gpt-5``."""
_PREFIX: Final = "regexp_extract(request_id, '^(chatcmpl|cmpl|resp|msg|gen|embd|batch)[-_]', 1)"
_ROUNDS: Final = 20


def find_twins(
    store: Store,
    rows: str,
    names: Iterable[tuple[str | None, str, ModelRef | None]],
    catalogue: Catalogue,
    chosen: str | None,
) -> bool:
    """Makes ``llmcost_twins`` (row_id, rule, source, kept) of calls among ``rows`` that another source tells better."""
    sources = store.rows(f"SELECT DISTINCT source FROM {rows} WHERE ended_at IS NULL ORDER BY 1")
    if len(sources) < 2:
        return False
    _calls(store, rows, names, catalogue)
    _ranks(store, chosen)
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_twins (row_id BIGINT, rule VARCHAR, source VARCHAR, kept VARCHAR)"
    )
    _by_id(store)
    _by_time(store)
    store.drop_temporary(["llmcost_pairs", "llmcost_calls", "llmcost_families", "llmcost_ranks"])
    return bool(store.value("SELECT count(*) FROM llmcost_twins"))


def _calls(
    store: Store, rows: str, names: Iterable[tuple[str | None, str, ModelRef | None]], catalogue: Catalogue
) -> None:
    """The calls with the model that was really called, whoever passed it on."""
    found = [(provider, name, _family(provider, name, model, catalogue)) for provider, name, model in names]
    table = {
        "provider": pa.array([p or "" for p, _, _ in found], pa.string()),
        "name": pa.array([n for _, n, _ in found], pa.string()),
        "model": pa.array([f for _, _, f in found], pa.string()),
        "family": pa.array([f and undated(f) for _, _, f in found], pa.string()),
        "gateway": pa.array([p is None or p in GATEWAYS for p, _, _ in found], pa.bool_()),
    }
    store.register("llmcost_families", pa.table(table))
    known = " + ".join(f"({name} IS NOT NULL)::INT" for name in COUNTERS)
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_calls AS SELECT u.row_id, u.source, u.request_id, u.provider_name, f.model, f.family, "
        "coalesce(f.gateway, true) AS gateway, u.organization, u.project, u.user_id, u.started_at, u.input_tokens, "
        "u.output_tokens, u.cache_read_input_tokens AS cached, u.billed_cost IS NOT NULL AS told, "
        f"{known} AS known, {_PREFIX} AS prefix FROM {rows} u LEFT JOIN llmcost_families f ON "
        "f.provider = coalesce(u.provider_name, '') AND f.name = coalesce(u.response_model, u.request_model, '') "
        "WHERE u.ended_at IS NULL AND coalesce(u.requests, 1) > 0"
    )


def _family(provider: str | None, name: str, model: ModelRef | None, catalogue: Catalogue) -> str | None:
    if provider in GATEWAYS and (prefixed := prefix_provider(name)):
        upstream = catalogue.resolve(*prefixed)
        return upstream.key if upstream else f"{prefixed[0]}/{prefixed[1]}"
    return model.key if model else f"{provider}/{name}" if name else None


def _ranks(store: Store, chosen: str | None) -> None:
    """Which source is charged of any two: one order over all, so that three that tell of one call agree."""
    found = store.rows("SELECT source, avg(told::INT), avg(known) FROM llmcost_calls GROUP BY 1")
    ordered = sorted(found, key=lambda row: (row[0] != chosen, -row[1], -row[2], row[0]))
    places = {"source": [row[0] for row in ordered], "place": list(range(len(ordered)))}
    store.register("llmcost_ranks", pa.table(places))
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_calls AS SELECT * FROM llmcost_calls JOIN llmcost_ranks USING (source)"
    )


def _by_id(store: Store) -> None:
    store.execute(
        "INSERT INTO llmcost_twins SELECT b.row_id, any_value(?), any_value(b.source), arg_min(a.source, a.place) "
        "FROM llmcost_calls a JOIN llmcost_calls b ON a.request_id = b.request_id AND a.place < b.place "
        f"WHERE (b.prefix <> '' OR length(b.request_id) >= 16) AND coalesce(abs(a.started_at - b.started_at) <= {_DAY}, true) "
        "GROUP BY b.row_id",
        [BY_ID],
    )


def _by_time(store: Store) -> None:
    """The nearest pairs first; a pair of sources of which too few rows have a twin is only told of."""
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_calls AS SELECT * FROM llmcost_calls ANTI JOIN llmcost_twins USING (row_id) "
        "WHERE family IS NOT NULL AND started_at IS NOT NULL AND input_tokens IS NOT NULL AND output_tokens IS NOT NULL "
        "AND input_tokens + output_tokens > 0"
    )
    _candidates(store)
    store.execute("CREATE OR REPLACE TEMP TABLE llmcost_pairs (a BIGINT, b BIGINT, first VARCHAR, second VARCHAR)")
    for _ in range(_ROUNDS):
        # A pair that is nearest to each of its two rows is taken; ties go by row, so a round always takes one.
        store.execute(
            "CREATE OR REPLACE TEMP TABLE llmcost_nearest AS SELECT a, b, first, second FROM llmcost_candidates "
            "QUALIFY row_number() OVER (PARTITION BY a, second ORDER BY apart, b, a) = 1 "
            "AND row_number() OVER (PARTITION BY b, first ORDER BY apart, a, b) = 1"
        )
        if not store.value("SELECT count(*) FROM llmcost_nearest"):
            break
        store.execute("INSERT INTO llmcost_pairs FROM llmcost_nearest")
        store.execute(
            "CREATE OR REPLACE TEMP TABLE llmcost_candidates AS SELECT c.* FROM llmcost_candidates c "
            "ANTI JOIN llmcost_nearest n ON n.a = c.a AND n.second = c.second "
            "ANTI JOIN llmcost_nearest m ON m.b = c.b AND m.first = c.first"
        )
    store.drop_temporary(["llmcost_candidates", "llmcost_nearest"])
    for first, second, matched in store.rows(
        "SELECT first, second, count(*) FROM llmcost_pairs GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        rule = BY_TIME if matched >= _SHARE * _comparable(store, first, second) else ALIKE
        store.execute(
            "INSERT INTO llmcost_twins SELECT b, ?, second, first FROM llmcost_pairs WHERE first = ? AND second = ?",
            [rule, first, second],
        )


def _candidates(store: Store) -> None:
    """Pairs of calls of two sources that may be one: equal in what decides the price, within the window."""
    slots = f"started_at // {WINDOW}"
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_candidates AS WITH a AS (SELECT *, unnest("
        f"[{slots} - 1, {slots}, {slots} + 1]) AS slot FROM llmcost_calls) "
        "SELECT a.row_id AS a, b.row_id AS b, a.source AS first, b.source AS second, abs(a.started_at - b.started_at) AS apart "
        f"FROM a JOIN (SELECT *, {slots} AS slot FROM llmcost_calls) b ON a.slot = b.slot AND a.family = b.family "
        "AND a.input_tokens = b.input_tokens AND a.output_tokens = b.output_tokens AND a.place < b.place "
        f"WHERE abs(a.started_at - b.started_at) <= {WINDOW} "
        "AND (a.provider_name = b.provider_name OR a.gateway OR b.gateway) "
        f"AND {agreeing(*OWNERS)} AND {_agree('user_id')} AND {_agree('cached')} "
        "AND (a.model = b.model OR a.model = a.family OR b.model = b.family) "
        # Two different ids of one kind are two calls.
        "AND NOT coalesce(a.prefix <> '' AND a.prefix = b.prefix AND a.request_id <> b.request_id, false)"
    )


def _agree(column: str) -> str:
    return f"coalesce(a.{column} = b.{column}, true)"


def _comparable(store: Store, *pair: str) -> int:
    """Calls of the source that has fewer, in the time and the models that both cover."""
    spans = store.rows(
        "SELECT min(started_at), max(started_at) FROM llmcost_calls WHERE source IN (?, ?) GROUP BY source", list(pair)
    )
    first, last = max(span[0] for span in spans) - WINDOW, min(span[1] for span in spans) + WINDOW
    counts = store.rows(
        "WITH c AS (SELECT source, family FROM llmcost_calls WHERE source IN (?, ?) AND started_at BETWEEN ? AND ?) "
        "SELECT count(*) FROM c SEMI JOIN (SELECT family FROM c GROUP BY 1 HAVING count(DISTINCT source) = 2) USING (family) "
        "GROUP BY source",
        [*pair, first, last],
    )
    return min(int(number) for (number,) in counts)
