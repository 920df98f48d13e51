"""Money that no line of a bill names: parts of the prompt, thinking, media, failures, helpers, in dollars at the row's own rates.

Where a part of the prompt lies decides whether it was read from the cache, written to it or paid in full. Providers match
and write prefixes, in the order tools, system, messages (https://platform.claude.com/docs/en/build-with-claude/prompt-caching,
"cache prefixes are created in the order tools, system, then messages", read 2026-11-24); a response schema stands before
the system prompt (https://developers.openai.com/api/docs/guides/prompt-caching, read 2026-11-24); entries of an hour stand
before those of five minutes (the first page). So the parts are laid one after the other in the order of :data:`PARTS`, the
cached reads cover the first tokens, the writes the next, and what a part cost follows: modelled, since a prompt may be
ordered otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, Literal

from llmcost.pricing.entries import UnitClass
from llmcost.pricing.units import UNIT_COUNTERS
from llmcost.results.monthly.ledger import LAST, THIS, Ledger
from llmcost.results.monthly.model import Hidden, Unallocated
from llmcost.results.monthly.spend import share_of
from llmcost.results.spend_tables import dimension_title

PARTS: Final[Mapping[str, str]] = {
    "tools_tokens": "tool definitions",
    "schema_tokens": "response schemas",
    "system_tokens": "system prompts",
    "example_tokens": "few-shot examples",
    "history_tokens": "conversation history",
    "context_tokens": "retrieved context and tool results",
    "user_tokens": "",
}
"""Parts of a prompt in the order in which they are sent; what the user asked is not hidden."""
OWNERS: Final = ("project", "team", "feature", "user_id", "api_key_id")
_TOKENS_IN: Final = ("input_audio_tokens", "input_image_tokens", "input_video_tokens")
_TOKENS_OUT: Final = ("output_audio_tokens", "output_image_tokens")
_MEDIA_UNITS: Final[tuple[UnitClass, ...]] = (
    "page",
    "image",
    "audio_input_second",
    "audio_output_second",
    "video_input_second",
)
_TOOL_UNITS: Final[tuple[UnitClass, ...]] = ("web_search", "file_search", "code_session")
READS: Final = (*PARTS, "response_format", "status", "call_role", "attempt")
"""Columns that the ledger needs for this."""
_UNIT_SCALE: Final = 10**6


def hidden(ledger: Ledger, cost: Decimal, retries: Hidden) -> list[Hidden]:
    """Every hidden cost, dearest first; ``retries`` is what the chains of attempts say."""
    found = [*_parts(ledger, cost), *_others(ledger, cost), retries]
    return sorted(found, key=lambda line: (line.cost_usd is None, -(line.cost_usd or 0), line.what))


def _parts(ledger: Ledger, cost: Decimal) -> Iterator[Hidden]:
    known = [name for name in PARTS if name in ledger.known]
    asked = [name for name in known if PARTS[name]]
    if not asked:
        return
    picked = []
    for place, name in enumerate(asked):
        before = known[: known.index(name)]
        start = " + ".join(f'coalesce(l."{part}", 0)' for part in before) or "0"
        end = f'({start}) + coalesce(l."{name}", 0)'
        amount = f"{_prefix_cost(ledger, end)} - ({_prefix_cost(ledger, start)})"
        picked += [
            f'sum(CASE WHEN l."{name}" > 0 THEN {amount} ELSE 0 END) FILTER (cost IS NOT NULL) AS c{place}',
            f'sum(l."{name}") AS t{place}',
            f'sum(calls) FILTER (l."{name}" IS NOT NULL) AS k{place}',
        ]
    sums = _by_slot(ledger, f"sum(calls), {', '.join(picked)}")
    for place, name in enumerate(asked):
        yield _hidden(ledger, PARTS[name], sums, 1 + 3 * place, cost, "modelled")


def _prefix_cost(ledger: Ledger, length: str) -> str:
    """SQL of what the first ``length`` tokens of a prompt cost, in units."""
    read = "coalesce(l.cache_read_input_tokens, 0)" if "cache_read_input_tokens" in ledger.parts else "0"
    written = "coalesce(l.cache_creation_input_tokens, 0)" if "cache_creation_input_tokens" in ledger.parts else "0"
    hour = "coalesce(l.cache_creation_1h_input_tokens, 0)" if "cache_creation_1h_input_tokens" in ledger.parts else "0"
    terms = [f"CAST({length} AS HUGEINT) * {ledger.rate('input_tokens')}"]
    if read != "0":
        terms.append(f"least({length}, {read}) * {ledger.rate('cache_read_input_tokens')}")
    for amount, counter in ((written, "cache_creation_input_tokens"), (hour, "cache_creation_1h_input_tokens")):
        if amount != "0":
            inside = f"(least({length}, {read} + {amount}) - least({length}, {read}))"
            terms.append(f"{inside} * {ledger.rate(counter)}")
    return " + ".join(terms)


def _by_slot(ledger: Ledger, picked: str) -> dict[int, tuple[object, ...]]:
    rows = ledger.rows(f"slot, {picked}", f"{ledger.joined} WHERE paid GROUP BY slot")
    return {row[0]: row[1:] for row in rows}


Sums = Mapping[int, tuple[object, ...]]


def _hidden(
    ledger: Ledger,
    what: str,
    sums: Sums,
    place: int,
    cost: Decimal,
    evidence: Literal["measured", "modelled"],
    note: str = "",
) -> Hidden:
    """A line from sums by month: (all calls, .., cost, tokens, calls that say, ..) with the cost at ``place``."""

    def at(slot: int, offset: int) -> int:
        found = sums.get(slot, ())
        value = found[place + offset] if found else None
        return int(value) if isinstance(value, int | Decimal) else 0

    def dollars(slot: int) -> Decimal | None:
        return ledger.usd(at(slot, 0)) if at(slot, 2) else None

    everything = sums.get(THIS, (0,))[0]
    return Hidden(
        what=what,
        cost_usd=dollars(THIS),
        last_usd=dollars(LAST),
        share=share_of(dollars(THIS), cost),
        tokens=at(THIS, 1) if at(THIS, 2) else None,
        known_requests=at(THIS, 2),
        requests=int(everything) if isinstance(everything, int | Decimal) else 0,
        evidence=evidence,
        note=note,
    )


def _others(ledger: Ledger, cost: Decimal) -> Iterator[Hidden]:
    """What counters and labels say, each as (title, tokens, amount, calls that say, note)."""
    asked: list[tuple[str, str, str, str, str]] = []
    if "reasoning_output_tokens" in ledger.parts:
        asked.append(
            ("thinking", "l.reasoning_output_tokens", _value(ledger, "output_tokens", ("reasoning_output_tokens",)),
             "l.reasoning_output_tokens IS NOT NULL", "hidden reasoning inside the output")
        )  # fmt: skip
    asked += _media(ledger)
    fees = [unit for unit in _TOOL_UNITS if UNIT_COUNTERS[unit] in ledger.parts]
    if fees:
        asked.append(
            ("searches and code sessions", "0", _fees(ledger, fees), _any_known(fees), "fees for each tool call")
        )
    if "response_format" in ledger.known:
        structured = "l.response_format IS NOT NULL AND l.response_format <> 'text'"
        amount = f"CASE WHEN {structured} THEN {_value(ledger, 'output_tokens', ('output_tokens',))} ELSE 0 END"
        tokens = f"CASE WHEN {structured} THEN l.output_tokens ELSE 0 END"
        note = "whole answers; how much of them is names and punctuation of JSON is not in the log"
        asked.append(("structured answers", tokens, amount, structured, note))
    asked += _flagged(ledger)
    if not asked:
        return
    picked = ", ".join(
        f"sum({amount}) FILTER (cost IS NOT NULL), sum({tokens}), sum(calls) FILTER ({says})"
        for _, tokens, amount, says, _ in asked
    )
    sums = _by_slot(ledger, f"sum(calls), {picked}")
    for place, (title, *_, note) in enumerate(asked):
        yield _hidden(ledger, title, sums, 1 + 3 * place, cost, "measured", note)


def _flagged(ledger: Ledger) -> Iterator[tuple[str, str, str, str, str]]:
    """Whole calls that are a cost of their own."""
    tokens = "coalesce(l.input_tokens, 0) + coalesce(l.output_tokens, 0)"
    if "status" in ledger.known:
        failed = "coalesce(l.status IN ('error', 'cancelled', 'partial'), false)"
        yield (
            "failed, cancelled and cut-off calls", f"CASE WHEN {failed} THEN {tokens} ELSE 0 END",
            f"CASE WHEN {failed} THEN cost ELSE 0 END", "l.status IS NOT NULL", "those that the provider bills",
        )  # fmt: skip
    if "call_role" in ledger.known:
        helper = "coalesce(l.call_role NOT IN ('primary', 'retry'), false)"
        yield (
            "judges, checkers and other helper calls", f"CASE WHEN {helper} THEN {tokens} ELSE 0 END",
            f"CASE WHEN {helper} THEN cost ELSE 0 END", "l.call_role IS NOT NULL", "calls that another call caused",
        )  # fmt: skip


def _value(ledger: Ledger, whole: str, parts: tuple[str, ...]) -> str:
    """SQL of what the tokens of ``parts`` cost: the rate of what holds them and their own difference to it."""
    terms = [
        f'coalesce(l."{part}", 0) * ({ledger.rate(whole)}{"" if part == whole else f" + {ledger.rate(part)}"})'
        for part in parts
    ]
    return " + ".join(terms) or "0"


def _media(ledger: Ledger) -> Iterator[tuple[str, str, str, str, str]]:
    units = [unit for unit in _MEDIA_UNITS if UNIT_COUNTERS[unit] in ledger.parts]
    into = tuple(part for part in _TOKENS_IN if part in ledger.parts)
    out = tuple(part for part in _TOKENS_OUT if part in ledger.parts)
    if not (units or into or out):
        return
    amounts = [_value(ledger, "input_tokens", into), _value(ledger, "output_tokens", out), _fees(ledger, units)]
    tokens = " + ".join(f'coalesce(l."{part}", 0)' for part in (*into, *out)) or "0"
    says = " OR ".join(f'l."{part}" IS NOT NULL' for part in (*into, *out, *(UNIT_COUNTERS[u] for u in units)))
    yield ("pictures, sound, video and pages", tokens, " + ".join(f"({a})" for a in amounts), says, "tokens and units")


def _fees(ledger: Ledger, units: list[UnitClass]) -> str:
    terms = []
    for unit in units:
        counter = UNIT_COUNTERS[unit]
        scaled = (
            f'CAST(round(l."{counter}" * {_UNIT_SCALE}) AS HUGEINT)'
            if counter.endswith("_seconds")
            else f'l."{counter}"'
        )
        terms.append(f"coalesce({scaled}, 0) * {ledger.rate(counter)}")
    return " + ".join(terms) or "0"


def _any_known(units: list[UnitClass]) -> str:
    return " OR ".join(f'l."{UNIT_COUNTERS[unit]}" IS NOT NULL' for unit in units)


def unallocated(ledger: Ledger, cost: Decimal) -> list[Unallocated]:
    """What nobody owns: by each owner column that the log has at all, and without any."""
    columns = [name for name in OWNERS if name in ledger.known]
    missing = [(f"no {dimension_title(name)}", f'l."{name}" IS NULL') for name in columns]
    nobody = " AND ".join(condition for _, condition in missing) or "true"
    asked = [*missing, ("no owner at all", nobody)]
    picked = ", ".join(f"sum(cost) FILTER ({c}), sum(counted) FILTER ({c}), count(*) FILTER ({c})" for _, c in asked)
    row = ledger.rows(picked, f"WHERE slot = {THIS}")[0]
    found = []
    for place, (what, _) in enumerate(asked):
        amount, calls, rows = row[3 * place : 3 * place + 3]
        spent = ledger.usd(amount) if amount is not None or not rows else None
        found.append(Unallocated(what=what, cost_usd=spent, share=share_of(spent, cost), requests=int(calls or 0)))
    return found
