"""Our prices against genai-prices and LiteLLM on seeded random usages; every difference is known, with its reason.

``tests/cases/pricing_known_differences.yaml`` lists the differences. One that it does not list fails, and so does one
that it lists and that is none any more.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmcost.pricing import catalogue, price, resolve
from llmcost.pricing.catalogue import Catalogue, ModelRef
from llmcost.pricing.entries import micros
from tests.pricing.reference import CLASSES, Offer, Usage, genai_offers, litellm_offers, litellm_path

SEED = 20261123
INSTANTS = (datetime(2026, 11, 23, 2, 30, tzinfo=UTC), datetime(2026, 11, 23, 12, 30, tzinfo=UTC))
"""A Monday inside and outside DeepSeek's peak hours; LiteLLM, which we read without hours, only inside."""
USAGES = 6
KNOWN = Path(__file__).parent / "cases" / "pricing_known_differences.yaml"
TOLERANCE = Decimal("1e-12")
"""Catalogues print rates as floats with noise in the 16th digit; a microdollar of a microdollar is none."""


@dataclass(frozen=True)
class Found:
    """One class in which an offer differs; ``ours`` is a reason where we give no price."""

    reference: str
    label: str
    service: str
    token_class: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class Comparison:
    usages: Counter[str]
    differences: tuple[Found, ...]


def _usage(draw: random.Random, offer: Offer) -> Usage:
    total = draw.choice([*offer.sizes, draw.randint(0, 3000), draw.randint(0, 50_000)])
    cached = draw.randint(0, total) if "cache_read" in offer.classes else 0
    written = draw.randint(0, total - cached) if "cache_write_5m" in offer.classes else 0
    hour = draw.randint(0, written) if "cache_write_1h" in offer.classes else 0
    return _counts(total, cached, written, hour, draw.randint(0, 4000) if "output" in offer.classes else 0)


def _counts(total: int, cached: int, written: int, hour: int, output: int) -> Usage:
    return {
        "input_tokens": total, "cache_read_input_tokens": cached, "cache_creation_input_tokens": written, "cache_creation_1h_input_tokens": hour,
        "output_tokens": output, "requests": 1,
    }  # fmt: skip


def _ours(book: Catalogue, model: ModelRef, offer: Offer, usage: Usage, at: datetime) -> Decimal | str:
    rates = book.rates(
        model,
        at=micros(at),
        service_tier=offer.service,
        region=None if model.region else "global",
        input_tokens=usage["input_tokens"],
    )
    charged = price.charge(usage, rates) if isinstance(rates, resolve.Rates) else rates
    return charged.cost if isinstance(charged, price.Charge) else charged.reason


def _differing_classes(book: Catalogue, model: ModelRef, offer: Offer, at: datetime) -> Iterable[Found]:
    """The classes, alone and in each context tier, whose price differs: what a reader can check against a price page."""
    for total in sorted({1000, *offer.sizes}):
        single = {
            "input": _counts(total, 0, 0, 0, 0), "output": _counts(total, 0, 0, 0, 1000), "cache_read": _counts(total, total, 0, 0, 0),
            "cache_write_5m": _counts(total, 0, total, 0, 0), "cache_write_1h": _counts(total, 0, total, total, 0),
        }  # fmt: skip
        for token_class in sorted(offer.classes):
            ours, theirs = _ours(book, model, offer, single[token_class], at), offer.cost(single[token_class], at)
            if token_class == CLASSES[1]:  # output is never alone: a request has input
                base, their_base = _ours(book, model, offer, single["input"], at), offer.cost(single["input"], at)
                ours = ours - base if isinstance(ours, Decimal) and isinstance(base, Decimal) else ours
                theirs -= their_base
            if isinstance(ours, str) or abs(ours - theirs) > TOLERANCE:
                yield Found(
                    offer.reference, offer.label, offer.service, token_class, str(ours), f"{theirs} for {total}"
                )


@cache
def _compared(reference: str) -> Comparison:
    book = catalogue.load()
    draw = random.Random(SEED)
    offers = list(genai_offers(INSTANTS[0]) if reference == "genai-prices" else litellm_offers())
    usages: Counter[str] = Counter()
    found: dict[tuple[str, ...], Found] = {}
    for offer in offers:
        model = (
            book.resolve(offer.provider, offer.name, micros(INSTANTS[0]))
            if offer.provider in book.providers()
            else None
        )
        if model is None:
            continue
        instants = INSTANTS if reference == "genai-prices" else INSTANTS[:1]
        different = set()
        for _ in range(USAGES):
            at, usage = draw.choice(instants), _usage(draw, offer)
            ours, theirs = _ours(book, model, offer, usage, at), offer.cost(usage, at)
            usages[offer.label] += 1
            if isinstance(ours, str) or abs(ours - theirs) > TOLERANCE:
                different.add(at)
        for at in sorted(different):
            classes = list(_differing_classes(book, model, offer, at))
            assert classes, f"{offer} differs in a sum but in no class"
            for difference in classes:
                found.setdefault((difference.label, difference.service, difference.token_class), difference)
    return Comparison(usages, tuple(found.values()))


def _known(reference: str) -> list[dict[str, Any]]:
    rows = yaml.safe_load(KNOWN.read_text(encoding="utf-8")) if KNOWN.is_file() else []
    return [row for row in rows if row["reference"] == reference]


def _lists(row: dict[str, Any], difference: Found) -> bool:
    return (
        any(fnmatchcase(difference.label, name) for name in row["models"])
        and difference.service in row["services"]
        and difference.token_class in row["classes"]
    )


REFERENCES = [
    pytest.param("genai-prices", id="genai-prices"),
    pytest.param(
        "litellm",
        id="litellm",
        marks=pytest.mark.skipif(
            litellm_path() is None, reason="litellm is not installed: pip install --no-deps litellm"
        ),
    ),
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_no_difference_is_unknown(reference: str) -> None:
    known = _known(reference)
    unknown = [f for f in _compared(reference).differences if not any(_lists(row, f) for row in known)]
    assert not unknown, f"{len(unknown)} unknown:\n" + "\n".join(
        f"{f.label} {f.service} {f.token_class}: ours {f.ours}, theirs {f.theirs}" for f in unknown
    )


@pytest.mark.parametrize("reference", REFERENCES)
def test_every_known_difference_is_still_one(reference: str) -> None:
    differences = _compared(reference).differences
    for row in _known(reference):
        parts = [
            {"models": [name], "services": [s], "classes": row["classes"]}
            for name in row["models"]
            for s in row["services"]
        ]
        parts += [
            {"models": [name], "services": row["services"], "classes": [c]}
            for name in row["models"]
            for c in row["classes"]
        ]
        for part in parts:
            assert any(_lists(part, f) for f in differences), f"{part}: {row['reason']}: no longer differs"


@pytest.mark.parametrize("reference", REFERENCES)
def test_every_shared_model_is_compared(reference: str) -> None:
    usages = _compared(reference).usages
    assert min(usages.values()) >= 5
    assert len(usages) > 300


def test_more_than_ten_thousand_usages_are_compared() -> None:
    references = ["genai-prices", *(["litellm"] if litellm_path() else [])]
    if len(references) < 2:
        pytest.skip("litellm is not installed: pip install --no-deps litellm")
    assert sum(sum(_compared(r).usages.values()) for r in references) >= 10_000
