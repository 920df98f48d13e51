"""Laws of pricing: linear, exact, every token once; and the two forms of a price file agree."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from llmcost.pricing import entries, price, resolve, schema
from llmcost.pricing.entries import Price, TokenClass, UnitClass
from llmcost.pricing.grid import SUMMED
from llmcost.pricing.units import BILLED_AS, PAID_BY_TOKENS, UNIT_COUNTERS, Counts
from llmcost.usage.columns import BY_NAME

CLASSES: tuple[TokenClass, ...] = (
    "input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "cache_read_audio", "audio_output",
)  # fmt: skip
FEES: tuple[UnitClass, ...] = tuple(c for c in UNIT_COUNTERS if c not in {"request", *PAID_BY_TOKENS})
FEE_RATES: dict[UnitClass, Decimal] = {c: Decimal(f"0.00{n + 1}") for n, c in enumerate((*FEES, "request"))}
RATES = resolve.Rates(
    price_id="t",
    per_mtok={c: Decimal(f"0.{7 * i + 3}") for i, c in enumerate(CLASSES)},
    per_unit=dict(FEE_RATES),
    billed_as=BILLED_AS,
    assumptions=(),
    discount=Decimal(1),
    list_per_mtok={},
    entry=Price(valid_from=0),
)
small = st.integers(0, 10**9)


@st.composite
def counts(draw: st.DrawFn) -> dict[str, int]:
    text, cached, audio_cached, audio, written, hour, out, spoken, thought = (draw(small) for _ in range(9))
    return {
        "input_tokens": text + cached + audio_cached + audio + written + hour,
        "cache_read_input_tokens": cached + audio_cached,
        "cache_read_audio_tokens": audio_cached,
        "input_audio_tokens": audio + audio_cached,
        "cache_creation_input_tokens": written + hour,
        "cache_creation_1h_input_tokens": hour,
        "output_tokens": out + spoken + thought,
        "output_audio_tokens": spoken,
        "reasoning_output_tokens": thought,
        **{UNIT_COUNTERS[unit]: draw(st.integers(0, 9)) for unit in FEES},
        "requests": draw(st.integers(1, 9)),
    }


def cost(usage: Counts) -> Decimal:
    charge = price.charge(usage, RATES)
    assert isinstance(charge, price.Charge), charge
    return charge.cost


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(counts(), min_size=1, max_size=5))
def test_summing_first_is_exact(rows: list[dict[str, int]]) -> None:
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    assert cost(total) == sum((cost(row) for row in rows), Decimal(0))


@settings(max_examples=200, deadline=None)
@given(usage=counts())
def test_every_token_lands_in_one_class(usage: dict[str, int]) -> None:
    charge = price.charge(usage, RATES)
    assert isinstance(charge, price.Charge)
    tokens = [line.quantity for line in charge.lines if line.token_class not in UNIT_COUNTERS]
    assert sum(tokens) == usage["input_tokens"] + usage["output_tokens"]
    assert all(quantity > 0 for quantity in tokens)
    assert charge.cost == sum((line.unit_price * line.quantity for line in charge.lines), Decimal(0))


def test_money_is_exact_at_any_size() -> None:
    charge = price.charge({"input_tokens": 10**15 + 1, "output_tokens": 1}, RATES)
    assert isinstance(charge, price.Charge)
    assert charge.cost == Decimal("300000000.0000004")


def test_every_counter_that_is_billed_is_a_column_and_is_summed() -> None:
    assert {*UNIT_COUNTERS.values()} - {"requests"} < {*SUMMED} < BY_NAME.keys()


def test_weighted_counts_stay_exact() -> None:
    weighted = {"input_tokens": Decimal("0.95"), "output_tokens": Decimal("0.05")}
    assert cost(weighted) == Decimal("0.95") * Decimal("0.0000003") + Decimal("0.05") * Decimal("0.00000010")


def test_both_forms_of_a_price_file_have_the_same_fields() -> None:
    pairs: list[tuple[type[BaseModel], type[msgspec.Struct]]] = [
        (schema.Window, entries.Window), (schema.Tier, entries.Tier), (schema.OverlayPrice, entries.Price), (schema.CacheRule, entries.CacheRule),
        (schema.AliasSpan, entries.AliasSpan), (schema.FineTune, entries.FineTune), (schema.OverlayModel, entries.ModelEntry),
        (schema.BatchRule, entries.BatchRule), (schema.Discount, entries.Discount),
    ]  # fmt: skip
    for form, record in pairs:
        names = {field.alias or name for name, field in form.model_fields.items()}
        assert names == {field.encode_name for field in msgspec.structs.fields(record)}, record
        for name, field in form.model_fields.items():
            other = next(f for f in msgspec.structs.fields(record) if f.name == name)
            if not field.is_required() and other.default is not msgspec.NODEFAULT and name not in {"rates", "per_unit"}:
                assert other.default == field.default, (record, name)
    assert {f.alias or n for n, f in schema.PriceFile.model_fields.items()} | {"discount"} == {
        f.encode_name for f in msgspec.structs.fields(entries.PriceFile)
    }
    assert (schema.TokenClass, schema.UnitClass, schema.Service, schema.Weekday) == (
        entries.TokenClass,
        entries.UnitClass,
        entries.Service,
        entries.Weekday,
    )


def test_pricing_starts_without_heavy_imports() -> None:
    code = "import sys, llmcost.pricing.catalogue, llmcost.pricing.price; print(sorted({'pydantic', 'duckdb', 'polars', 'numpy'} & set(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert out.stdout.strip() == "[]"
