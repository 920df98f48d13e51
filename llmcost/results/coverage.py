"""How much of the log the totals stand for: records, priced share, assumptions, problems."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from llmcost.money import usd
from llmcost.pricing.resolve import Unpriced
from llmcost.results.model import BilledByLog, Coverage, Overlap, ProblemCount
from llmcost.results.model import Unpriced as UnpricedLine
from llmcost.results.options import ReplayOptions
from llmcost.results.overlap import BUCKETS, BY_EXPORT, BY_SPAN
from llmcost.results.present import counted
from llmcost.results.priced import Priced, add, whole
from llmcost.results.twins import BY_ID, BY_TIME
from llmcost.usage.store import Store


def of_files(options: ReplayOptions, column: str = "file_key") -> str:
    """SQL of whether a row is of the files that the replay is about."""
    if options.file_keys is None:
        return "true"
    return f"{column} IN ({', '.join(str(int(key)) for key in options.file_keys) or 'NULL'})"


def coverage(store: Store, baseline: Priced, options: ReplayOptions) -> Coverage:
    """Coverage of the baseline."""
    read, rejected = store.rows(
        f"SELECT coalesce(sum(records_read), 0), coalesce(sum(rejected), 0) FROM files WHERE {of_files(options)}"
    )[0]
    ingested, duplicates, superseded = _accounted(store, options, int(read), int(rejected))
    groups = baseline.total
    requests = add(group.requests for group in groups)
    unpriced = [group for group in groups if isinstance(group.charge, Unpriced)]
    priced = requests - add(group.requests for group in unpriced)
    lines: dict[tuple[str | None, str | None, str], tuple[Decimal, Decimal]] = {}
    assumed: dict[str, Decimal] = {}
    for group in groups:
        if isinstance(group.charge, Unpriced):
            provider, name, model = baseline.engine.names[group.model] if group.model is not None else (None, "", None)
            key = (model.provider if model else provider, model.model if model else (name or None), group.charge.reason)
            seen = lines.get(key, (Decimal(0), Decimal(0)))
            lines[key] = (seen[0] + group.requests, seen[1] + group.rows)
        for note in group.assumptions:
            assumed[note] = assumed.get(note, Decimal(0)) + group.requests
    ordered = sorted(lines.items(), key=lambda item: (-item[1][0], -item[1][1], str(item[0])))
    return Coverage(
        records_read=int(read),
        ingested=ingested,
        duplicates=duplicates,
        superseded=superseded,
        rejected=int(rejected),
        requests=whole(requests),
        priced_requests=whole(priced),
        priced_share=(priced / requests).quantize(Decimal("1e-9")) if requests else None,
        unpriced=[
            UnpricedLine(provider=p, model=m, reason=r, requests=whole(n), rows=whole(rows))
            for (p, m, r), (n, rows) in ordered
        ],
        token_sources=_token_sources(store, options),
        billed=_billed(baseline),
        assumed={note: whole(number) for note, number in sorted(assumed.items())},
    )


def _billed(baseline: Priced) -> BilledByLog | None:
    found = baseline.billed()
    if found is None:
        return None
    amount, groups = found
    unpriced = add(group.requests for group in groups if isinstance(group.charge, Unpriced))
    return BilledByLog(
        requests=whole(add(group.requests for group in groups)),
        billed_usd=amount,
        list_usd=add(group.cost for group in groups),
        unpriced_requests=whole(unpriced),
    )


def _accounted(store: Store, options: ReplayOptions, read: int, rejected: int) -> tuple[int, int, int]:
    """(ingested, duplicates, superseded) such that they and the rejects sum to the records read of these files.

    Ingested is what the store holds of them. What it does not hold was a duplicate or gave way to a better version;
    how many gave way is known from the ingests' accounts, which cover the whole store.
    """
    held = int(
        store.value(
            f"SELECT (SELECT count(*) FROM usage WHERE {of_files(options)} OR identity IN "
            f"(SELECT identity FROM membership WHERE {of_files(options)})) + "
            f"(SELECT count(*) FROM billed WHERE {of_files(options)})"
        )
    )
    others = store.value(f"SELECT count(*) FROM files WHERE NOT ({of_files(options)})")
    gone = max(0, read - rejected - held)
    gave_way = int(store.value("SELECT coalesce(sum(superseded + replaced), 0) FROM ingests"))
    superseded = 0 if others else min(gone, gave_way)
    return held, gone - superseded, superseded


def _token_sources(store: Store, options: ReplayOptions) -> dict[str, int]:
    """Rows by who counted their tokens; nobody (``unknown``) where none are known of a call that did not fail."""
    untold = "input_tokens IS NULL AND output_tokens IS NULL"
    rows = store.rows(
        f"SELECT if({untold}, 'unknown', coalesce(token_source, 'provider')), count(*) FROM usage "
        f"WHERE {of_files(options)} AND NOT ({untold} AND coalesce(status = 'error', false)) GROUP BY 1 ORDER BY 1"
    )
    return {str(name): int(number) for name, number in rows}


def problems(store: Store, options: ReplayOptions) -> list[ProblemCount]:
    """Problems by kind, most frequent first."""
    rows = store.rows(
        f"SELECT kind, rejected, sum(count)::BIGINT, arg_min(example, line) FROM problems WHERE {of_files(options)} "
        "GROUP BY kind, rejected ORDER BY 3 DESC, 1"
    )
    return [
        ProblemCount(kind=str(kind), rejected=bool(rejected), count=int(number), example=str(example))
        for kind, rejected, number, example in rows
    ]


def overlap_warnings(overlaps: Sequence[Overlap]) -> list[str]:
    """What is left out because other rows stand for it, and what only looks so, with amounts."""
    return [_overlap_text(overlap) for overlap in overlaps]


def _overlap_text(found: Overlap) -> str:
    amount = f"{usd(found.cost_usd)} at list prices" if found.cost_usd is not None else "without a price"
    number = f"{found.rows} rows ({amount}) of {found.source}"
    if not found.left_out:
        return f"{number} look like calls that {found.charged} tells of, too few to be sure: they are charged as calls of their own"
    if found.rule in {BY_ID, BY_TIME}:
        return (
            f"{number} are calls that {found.charged} tells of too, by {found.rule}: they are left out of every total"
        )
    what = "rows" if found.charged == BUCKETS and found.rule == BY_SPAN else "usage buckets"
    others = {BY_EXPORT: "another export", BY_SPAN: "usage buckets" if found.charged == BUCKETS else "requests"}[
        found.rule
    ]
    if found.partly:
        rest = f"{usd(found.rest_usd)} at list prices" if found.rest_usd is not None else "without a price"
        return (
            f"{found.rows} usage buckets of {found.source} describe traffic that {others} of the log tell of in part "
            f"({amount}): that part is left out of every total, the rest ({rest}) is charged"
        )
    told = f"{found.rows} {what} ({amount}) of {found.source} describe traffic that {others} of the log stand for"
    return f"{told}: they are left out of every total"


def warnings(store: Store, baseline: Priced, options: ReplayOptions) -> list[str]:
    """What a reader of the totals must know."""
    found = []
    timeless = int(store.value(f"SELECT count(*) FROM usage WHERE started_at IS NULL AND {of_files(options)}"))
    if timeless and options.since is None and options.until is None:
        found.append(
            f"{counted(timeless, 'row')} without a time: priced at today's rates, left out of every time series"
        )
    elif timeless:
        found.append(f"{counted(timeless, 'row')} without a time: in no period, left out")
    if baseline.unpriced:
        requests = whole(add(group.requests for group in baseline.unpriced))
        rows = whole(add(group.rows for group in baseline.unpriced if group.is_bucket))
        parts = [counted(requests, "request")] if requests or not rows else []
        parts += [counted(rows, "usage bucket")] if rows else []
        found.append(f"{' and '.join(parts)} without a price: in no total")
    return found
