"""A forecast cut by a dimension: from the top down, by the recent days' shares, to the last digit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal

from llmcost.money import RATIO, ZERO
from llmcost.results.forecast.model import Part
from llmcost.results.priced import add


def parts_of(costs: Mapping[str | None, Decimal], total: Decimal, digit: Decimal) -> list[Part]:
    """``total`` (a multiple of ``digit``) in the proportions of ``costs``, dearest first; the parts sum to it exactly.

    Every part gets its share rounded down to the digit; the digits that are left go to the largest remainders.
    """
    whole = add(costs.values())
    ordered = sorted(costs, key=lambda value: (-costs[value], value is None, value or ""))
    if whole <= 0:
        return []
    exact = {value: RATIO.divide(RATIO.multiply(total, costs[value]), whole) for value in ordered}
    floors = {value: (exact[value] / digit).to_integral_value(ROUND_FLOOR) * digit for value in ordered}
    left = int((total - add(floors.values())) / digit)
    lucky = set(sorted(ordered, key=lambda value: floors[value] - exact[value])[:left])
    return [
        Part(
            value=value,
            share=RATIO.divide(costs[value], whole).quantize(Decimal("0.0001")),
            forecast_usd=floors[value] + (digit if value in lucky else ZERO),
        )
        for value in ordered
    ]
