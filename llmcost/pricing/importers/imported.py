"""What an import gives: price records by provider, and what was left out, counted by reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, Final

from llmcost.errors import UsageError
from llmcost.pricing import toml
from llmcost.pricing.entries import ModelEntry, PriceFile

_SIGNIFICANT: Final = Context(prec=12)
"""The catalogues print floats: 12 digits keep every rate and drop the noise of 6.000000000000001e-07."""

_WANTED: Final = "name LiteLLM's model_prices_and_context_window.json or genai-prices' data.json"


@dataclass(frozen=True, slots=True)
class Imported:
    """Models by provider. ``left_out`` counts what a price file cannot say or the import does not trust, by reason."""

    source: str
    models: dict[str, tuple[ModelEntry, ...]]
    left_out: Counter[str]

    def files(self) -> Iterable[PriceFile]:
        """One overlay file a provider."""
        return (PriceFile(provider=provider, models=models) for provider, models in sorted(self.models.items()))

    def text(self, provider: str) -> str:
        """The provider's overlay file as TOML."""
        return toml.dumps(PriceFile(provider=provider, models=self.models[provider]))


def load_json(path: Path) -> Any:
    """JSON with exact numbers; UsageError for what is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise UsageError(f"cannot read the catalogue: {error.strerror}", where=str(path), hint=_WANTED) from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UsageError(f"not JSON: {error}", where=str(path), hint=_WANTED) from error


def amount(value: object) -> Decimal | None:
    """A catalogue's number without float noise; None for what is no price."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value < 0:
        return None
    return _SIGNIFICANT.plus(Decimal(value)).normalize(_SIGNIFICANT)


def per_mtok(value: object) -> Decimal | None:
    """A price per token as one per million."""
    exact = amount(value)
    return None if exact is None else exact.scaleb(6)
