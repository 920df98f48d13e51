"""What OpenRouter's exports and answers share: its bill beside the upstream's, its models' variants, the host that served.

OpenRouter bills in credits (1 credit is 1 USD), so the provider is ``openrouter`` and its prices hold; the host that served
is a tag. On the user's own key (BYOK) it charges a fee alone and the upstream bills the rest itself
(https://openrouter.ai/docs/guides/administration/usage-accounting, 2026-11-24).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from llmcost.records.contract import Problem
from llmcost.records.labels import Notes
from llmcost.records.values import money

DAY: Final = 86_400_000_000
_ROUTING: Final = frozenset({"nitro", "floor", "online", "exacto"})
"""Variants that choose a host or add a tool: no price of their own (https://openrouter.ai/docs/guides/routing/model-variants/overview, 2026-11-23)."""


def byok(value: Any, name: str, notes: Notes) -> bool:
    """Whether inference ran on the user's own key, which the upstream bills: noted, never part of the charge."""
    amount = notes.soft(money, value, name)
    if amount:
        told = f"{name} {amount}: billed by the upstream on your own key, not by OpenRouter"
        notes.append(Problem("byok", told, rejected=False, informative=True))
    return bool(amount)


def fee(amount: Decimal | None, what: str, notes: Notes) -> None:
    """Tells of a part of the charge that no token column explains."""
    if amount:
        notes.append(Problem("no-column", f"{what} {amount}: {_WHY}", rejected=False, informative=True))


_WHY: Final = "a fee inside the charge that no column holds"


def model_of(slug: str | None, variant: str | None) -> str | None:
    """The model's name in OpenRouter's catalogue: with its variant, where that has a price of its own."""
    if slug is None or variant is None or variant in _ROUTING or slug.endswith(f":{variant}"):
        return slug
    return f"{slug}:{variant}"
