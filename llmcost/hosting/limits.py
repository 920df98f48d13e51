"""Whether GPUs can ever beat an API price: by price and throughput alone, before any log."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, RATIO

_MILLION: Final = Decimal(1_000_000)
_HOUR: Final = Decimal(3600)


@dataclass(frozen=True)
class Limit:
    """A cluster that costs ``usd_per_hour`` and puts through ``tokens_per_second`` at full use, against an API.

    ``api_usd_per_mtok`` is the API's price of the same mix of tokens, its own cache and batch rules applied.
    """

    usd_per_hour: Decimal
    tokens_per_second: Decimal
    api_usd_per_mtok: Decimal

    @property
    def full_use_usd_per_mtok(self) -> Decimal:
        """USD per million tokens when no second is idle: the floor of what self-hosting costs."""
        return RATIO.divide(self.usd_per_hour, RATIO.divide(EXACT.multiply(self.tokens_per_second, _HOUR), _MILLION))

    @property
    def utilisation(self) -> Decimal:
        """U*: the use at which the cluster costs what the API does. Above 1 it never breaks even, at any volume: more
        volume needs more clusters.
        """
        return RATIO.divide(self.full_use_usd_per_mtok, self.api_usd_per_mtok)

    @property
    def never(self) -> bool:
        """Whether no volume breaks even."""
        return self.utilisation > 1

    def mtok_per_month(self, hours: Decimal, fixed_usd: Decimal = Decimal(0)) -> Decimal:
        """V*: million tokens a month at which the API costs as much as the smallest fleet and ``fixed_usd`` a month.

        Where that is more than the smallest fleet can put through, there is no such volume below a larger fleet: see
        :meth:`fits`.
        """
        cost = EXACT.add(EXACT.multiply(self.usd_per_hour, hours), fixed_usd)
        return RATIO.divide(cost, self.api_usd_per_mtok)

    def capacity_mtok_per_month(self, hours: Decimal, utilisation: Decimal = Decimal(1)) -> Decimal:
        """Million tokens a month that the cluster can put through at a utilisation."""
        seconds = EXACT.multiply(EXACT.multiply(hours, _HOUR), utilisation)
        return RATIO.divide(EXACT.multiply(self.tokens_per_second, seconds), _MILLION)

    def fits(self, hours: Decimal, utilisation: Decimal = Decimal(1), fixed_usd: Decimal = Decimal(0)) -> bool:
        """Whether V* lies within what the smallest fleet can put through."""
        return self.mtok_per_month(hours, fixed_usd) <= self.capacity_mtok_per_month(hours, utilisation)
