"""What a page needs to compute any position of its levers by itself, exactly."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from llmcost.results.shape import Shape, Usd


class WhatIfLever(Shape):
    """Something that can be set to another position; each position is one step of a scenario."""

    key: Literal["traffic", "route", "cache", "batch", "discount"]
    label: str
    least: int = Field(description="Percent.")
    most: int
    step: int
    start: int | None = Field(description="Percent at which nothing changes; None: only where the lever is off.")
    note: str = ""
    spread_usd: Usd | None = Field(
        default=None,
        description="None: a share is exact. Else a replay draws it: at share s its cost lies within "
        "2 * sqrt(s * (1 - s)) times this of the weighed one in 19 of 20 draws.",
    )
    toml: str = Field(description="The step in a scenario file; {value} stands for the position as a fraction.")


class WhatIfLine(Shape):
    """Tokens of one class, or units, at one price, in one of the states that the levers make of a row.

    ``places`` has a digit each for: routed, asked to cache, hit, batch. 0: the lever is not for these rows, 1: it took
    them, 2: it left them. A line's weight is the product of its places' shares.
    """

    places: str
    charged_for: str
    quantity: Usd = Field(description="Tokens or units, before any weight.")
    unit_price_usd: Usd


class WhatIfGroup(Shape):
    """The calls that the log has on one model, in every state."""

    provider: str | None
    model: str | None
    requests: int
    cost_usd: Usd = Field(description="As logged.")
    lines: list[WhatIfLine]


class WhatIfStop(Shape):
    """One position of a fleet of own GPUs, replayed."""

    utilisation: Usd
    calls_usd: Usd = Field(description="Calls that still go to providers, over the comparable rows.")
    fleet_usd: Usd = Field(description="GPUs and what is paid beside them.")
    fixed_usd: Usd = Field(description="Calls that are not comparable and stay as they are.")


class WhatIfFleet(Shape):
    """A scenario with own GPUs at several target utilisations. Its fleet is sized for the log's own traffic."""

    scenario: str
    title: str
    start: Usd = Field(description="The scenario's own utilisation.")
    stops: list[WhatIfStop]
    toml: str = Field(description="The scenario; {value} stands for the utilisation.")


class WhatIf(Shape):
    """Sums from which any position of the levers is computed, exactly: cost = fixed + sum of lines, weighed.

    The levers act in the order given, which is that of the steps of the scenario that says the same.
    """

    cost_usd: Usd = Field(description="What the log cost.")
    fixed_usd: Usd = Field(description="The part of it that no lever but traffic and discount moves.")
    fixed_models: int = Field(description="Models that are only in that part, so that the sums stay few.")
    not_comparable: int = Field(description="Requests in that part that have no price in some position.")
    levers: list[WhatIfLever]
    groups: list[WhatIfGroup] = Field(description="Dearest first.")
    fleet: WhatIfFleet | None = None
