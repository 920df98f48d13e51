"""The cases in tests/cases/pricing: a price file, requests in, exact costs out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmcost.pricing import price, resolve
from tests.pricing.support import instant, load

FOLDER = Path(__file__).parents[1] / "cases" / "pricing"


def _cases() -> list[Any]:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        found += [pytest.param(document, case, id=f"{path.stem}: {case['name']}") for case in document["cases"]]
    return found


@pytest.mark.parametrize(("document", "case"), _cases())
def test_a_request_costs_exactly_what_the_case_says(
    document: dict[str, Any], case: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / f"{document['provider']}.toml").write_text(document["prices"], encoding="utf-8")
    book = load(tmp_path)
    at = instant(case["at"])
    model = book.resolve(case.get("provider", document["provider"]), case["model"], at)
    if case.get("unpriced") == "unknown model":
        assert model is None
        return
    assert model is not None
    rates = book.rates(
        model,
        at=at,
        service_tier=case.get("service", "standard"),
        region=case.get("region"),
        input_tokens=case.get("size", case["counts"].get("input_tokens")),
    )
    # YAML has no exact decimals: they are written as text
    counts = {name: Decimal(value) if isinstance(value, str) else value for name, value in case["counts"].items()}
    charge = price.charge(counts, rates) if isinstance(rates, resolve.Rates) else rates
    if "unpriced" in case:
        assert isinstance(charge, resolve.Unpriced), charge
        assert charge.reason == case["unpriced"]
        return
    assert isinstance(charge, price.Charge), charge
    assert charge.cost == Decimal(case["cost"])
    if "lines" in case:
        assert {line.token_class: str(line.quantity) for line in charge.lines} == {
            k: str(v) for k, v in case["lines"].items()
        }
    if "assumptions" in case:
        assert isinstance(rates, resolve.Rates)
        assert list(rates.assumptions) == case["assumptions"]
