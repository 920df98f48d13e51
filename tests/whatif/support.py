"""A what-if by hand: any position of the levers as Decimals, and as the scenario file that says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import llmcost
from llmcost.money import plain
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.what_if_model import WhatIf

NOW = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * 1_000_000
DAY = 86_400_000_000
OCTOBER = 1_790_812_800_000_000
ONE = Decimal(1)
Positions = Mapping[str, Decimal | None]
"""Lever to its position as a fraction; a cache of None is off."""
MODELS = (
    ("anthropic", "claude-sonnet-4-6"),
    ("openai", "gpt-5.4"),
    ("openai", "gpt-5-mini"),
    ("openai", "no-such-model"),
)


def buckets() -> list[dict[str, Any]]:
    """Days of three models, which a share splits by weight, and of one without a price."""
    return [
        {"provider_name": provider, "request_model": model, "started_at": OCTOBER + day * DAY, "ended_at": OCTOBER + (day + 1) * DAY,
         "requests": 100 + 7 * day, "input_tokens": 500_000 + 991 * day * place, "output_tokens": 40_000 + 13 * day,
         "cache_read_input_tokens": 90_000 * (place == 1), "service_tier": "standard", "region": "global", "feature": f"f{day % 2}"}
        for day in range(3) for place, (provider, model) in enumerate(MODELS)
    ]  # fmt: skip


def with_what_if(file: Path) -> Result:
    """The log, no scenario, and its what-if."""
    return llmcost.simulate(file, scenarios=[], options=ReplayOptions(now=NOW, what_if=True))


def savings(file: Path, texts: Sequence[str], folder: Path) -> list[Decimal]:
    """What each of these scenario files, all of one scenario, saves."""
    found = []
    for place, text in enumerate(texts):
        written = folder / f"scenario-{place}.toml"
        written.write_text(text.replace('name = "what if"', f'name = "what if {place}"'))
        found += llmcost.scenarios_of([written], []) or []
    result = llmcost.simulate(file, scenarios=found, options=ReplayOptions(now=NOW))
    return [scenario.saving_usd for scenario in result.scenarios]


def cost_at(what_if: WhatIf, positions: Positions) -> Decimal:
    """What the log costs there: fixed and lines, weighed."""
    route, cache, batch = (positions.get(key) for key in ("route", "cache", "batch"))
    taken = (route or Decimal(0), Decimal(cache is not None), cache or Decimal(0), batch or Decimal(0))
    total = what_if.fixed_usd
    for group in what_if.groups:
        for line in group.lines:
            weight = ONE
            for place, share in zip(line.places, taken, strict=True):
                weight *= {"0": ONE, "1": share, "2": ONE - share}[place]
            total += line.quantity * line.unit_price_usd * weight
    return total * (positions.get("traffic") or ONE) * (ONE - (positions.get("discount") or Decimal(0)))


def scenario_at(what_if: WhatIf, positions: Positions) -> str:
    """The scenario file of a position: a step for each lever that is not where it starts, in the levers' order."""
    parts = ['[[scenario]]\nname = "what if"']
    for lever in what_if.levers:
        value = positions.get(lever.key)
        start = None if lever.start is None else Decimal(lever.start) / 100
        if value is not None and value != start:
            head, _, tail = lever.toml.rpartition("{value}")
            parts.append(f"[[scenario.step]]\n{head}{plain(value)}{tail}")
    return "\n\n".join(parts) + "\n"
