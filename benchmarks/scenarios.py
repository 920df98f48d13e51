"""What is measured: one scenario for each ready-made preset, and ten composed of two or three steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.sql import NOT_FIXED
from llmcost.results.scenario import BoundScenario, bind, presets
from llmcost.strategies import STRATEGIES

Steps = tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Case:
    """A scenario by its strategies and their parameters, from which both the replay and the SQL are made."""

    name: str
    steps: Steps

    def missing(self) -> str | None:
        """A strategy of the case that does not exist."""
        return next((name for name, _ in self.steps if name not in STRATEGIES.names()), None)

    def bound(self) -> BoundScenario:
        """The scenario as the replay takes it."""
        return BoundScenario(self.name, tuple(bind(name, parameters) for name, parameters in self.steps))


ROUTE: Final[Mapping[str, Any]] = {
    "rules": [
        {"when": "task_type = 'classification'", "model": "openai/gpt-5-mini"},
        {"when": "output_tokens < 200 and feature <> 'coding'", "model": "google/gemini-2.5-flash", "share": "0.8", "by": "conversation"},
    ]
}  # fmt: skip
_TO_MINI: Final = {"models": {"openai/gpt-4o": "openai/gpt-5-mini"}}
_TO_HAIKU: Final = {"models": {"anthropic/claude-sonnet-4-5": "anthropic/claude-haiku-4-5"}}
_ALL_MINI: Final = {"model": "openai/gpt-5-mini"}
_CACHE: Final = {"when": NOT_FIXED}
_LONG: Final = {"retention": "long", "when": NOT_FIXED}
_FLEX: Final = {"tier": "flex"}
_FLEX_JOB: Final = {"tier": "flex", "when": "feature = 'nightly-report'"}
_GROWTH: Final = {"growth": "1.3", "discount": "0.05"}

OWN: Final = (
    Case("reprice all to one model", (("reprice", _ALL_MINI),)),
    Case("reprice growth and discount", (("reprice", _GROWTH),)),
    Case("route, two rules", (("route", ROUTE),)),
    Case("service-tier flex", (("service-tier", _FLEX),)),
    Case("prompt-cache, not Google", (("prompt-cache", _CACHE),)),
    Case("prompt-cache long, not Google", (("prompt-cache", _LONG),)),
)
COMPOSED: Final = (
    Case("route, prompt-cache", (("route", ROUTE), ("prompt-cache", _CACHE))),
    Case("prompt-cache, route", (("prompt-cache", _CACHE), ("route", ROUTE))),
    Case("reprice, prompt-cache", (("reprice", _TO_HAIKU), ("prompt-cache", _CACHE))),
    Case("prompt-cache long, reprice", (("prompt-cache", _LONG), ("reprice", _GROWTH))),
    Case("reprice, reprice, growth", (("reprice", _TO_MINI), ("reprice", _TO_HAIKU), ("reprice", _GROWTH))),
    Case("route, growth", (("route", ROUTE), ("reprice", _GROWTH))),
    Case("prompt-cache, service-tier", (("prompt-cache", _CACHE), ("service-tier", _FLEX_JOB))),
    Case("route, service-tier, growth", (("route", ROUTE), ("service-tier", _FLEX_JOB), ("reprice", _GROWTH))),
    Case(
        "route, prompt-cache, service-tier", (("route", ROUTE), ("prompt-cache", _CACHE), ("service-tier", _FLEX_JOB))
    ),
    Case("reprice, route, prompt-cache", (("reprice", _TO_MINI), ("route", ROUTE), ("prompt-cache", _CACHE))),
)


def singles() -> list[Case]:
    """Our own single steps, and every preset that the strategies bring, by name."""
    ready = presets()
    made = [
        Case(f"preset {name}", ((strategy, parameters),)) for name, (strategy, _, parameters) in sorted(ready.items())
    ]
    return [*OWN, *made]
