"""FOCUS files: every row is what pricing makes of its request, products hold in doubles, sums hold to the last digit."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchmarks import focus as bench
from llmcost import api
from llmcost.errors import UsageError
from llmcost.pricing.catalogue import Catalogue, load
from llmcost.pricing.price import Charge, charge, token_leaves, weights
from llmcost.pricing.resolve import Rates, Unpriced
from llmcost.results.focus.columns import columns
from llmcost.results.focus.export import export_focus
from llmcost.results.focus.query import Grain
from llmcost.results.options import ReplayOptions
from llmcost.usage.store import Store
from scripts import focus_added as added
from scripts import focus_own as own
from scripts.focus_check import check
from tests.pricing.support import instant

NOW = instant("2026-11-23T00:00:00Z")
START = instant("2026-10-30T22:00:00Z")
MODEL = Path(os.environ.get("LLMCOST_SHARED_DATA", "../shared/data")) / "focus" / "model-1.2.json"
MODELS = (
    ("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("openai", "gpt-5.1"), ("anthropic", "claude-sonnet-4-5"),
    ("google", "gemini-2.5-pro"), ("openai", "gpt-4o-audio-preview"), ("openai", "nobody-knows"),
)  # fmt: skip
OPTIONS = ReplayOptions(now=NOW)


def _rows(number: int, *, billed: bool = False, seed: int = 7) -> list[dict[str, Any]]:
    """Seeded requests of many shapes: caches, reasoning, audio, tools, long contexts, errors and unknown counters."""
    rng = random.Random(seed)
    made = []
    for n in range(number):
        provider, model = rng.choice(MODELS)
        whole, out = rng.choice([rng.randrange(1, 9_000), rng.randrange(100_000, 400_000)]), rng.randrange(0, 5_000)
        read = rng.choice([0, 0, rng.randrange(whole)])
        row: dict[str, Any] = {
            "request_id": f"r{n}", "started_at": START + n * 41_000_000 + rng.randrange(1_000_000), "provider_name": provider, "request_model": model,
            "input_tokens": whole, "output_tokens": out, "cache_read_input_tokens": read,
            "reasoning_output_tokens": rng.randrange(out + 1), "duration_ms": rng.choice([None, 0, 1, 2_500]),
            "service_tier": rng.choice([None, "standard", "batch"]), "project": rng.choice([None, "=cmd()", "search"]),
            "feature": rng.choice([None, "chat", 'a "quoted" one']), "organization": "org-1", "team": rng.choice([None, "t\u202ex"]),
        }  # fmt: skip
        if provider == "anthropic":
            row["cache_creation_input_tokens"] = rng.randrange(whole - read + 1)
            row["cache_creation_1h_input_tokens"] = rng.randrange(row["cache_creation_input_tokens"] + 1)
            row["web_search_requests"] = rng.choice([None, 0, 2])
        if model.endswith("audio-preview"):
            row |= {"cache_read_input_tokens": 0, "input_audio_tokens": rng.randrange(whole), "output_audio_tokens": 0}
        if rng.random() < 0.05:
            row |= {"status": "error", "output_tokens": 0, "reasoning_output_tokens": 0}
        if rng.random() < 0.05:
            row["output_tokens"] = row["reasoning_output_tokens"] = None
        if billed and rng.random() < 0.5:
            row["billed_cost"] = str(Decimal(rng.randrange(0, 10**9)).scaleb(-9))
        made.append({key: value for key, value in row.items() if value is not None})
    return made


@pytest.fixture
def discounted(tmp_path: Path) -> Catalogue:
    own = tmp_path / "own.toml"
    own.write_text('provider = "openai"\n[[discount]]\nfactor = 0.925\n', encoding="utf-8")
    return load([own], now=NOW)


def _store(folder: Path, rows: list[dict[str, Any]]) -> Store:
    log = folder / "usage.jsonl"
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    store = Store(None)
    api.ingest_files(store, log)
    return store


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _slow(store: Store, catalogue: Catalogue) -> dict[tuple[str, str], tuple[Decimal, Decimal, Decimal]]:
    """(request, class) -> quantity, list cost and contracted cost, priced one row at a time in Python."""
    found: dict[tuple[str, str], tuple[Decimal, Decimal, Decimal]] = {}
    for row in store.arrow("SELECT * FROM usage").to_pylist():
        model = catalogue.resolve(row["provider_name"], row["request_model"], row["started_at"])
        if model is None or (row["status"] == "error" and not row["output_tokens"]):
            continue
        rates = catalogue.rates(
            model, at=row["started_at"], service_tier=row["service_tier"], region=row["region"], input_tokens=row["input_tokens"], now=NOW
        )  # fmt: skip
        if isinstance(rates, Unpriced):
            continue
        paid = charge({**row, "requests": 1}, rates)
        if isinstance(paid, Charge):
            for line in paid.lines:
                listed = line.cost / rates.discount
                found[row["request_id"], str(line.token_class)] = (Decimal(line.quantity), listed, line.cost)
    return found


def _sums(rows: list[dict[str, str]]) -> dict[tuple[str, str], tuple[Decimal, Decimal, Decimal]]:
    found: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for row in rows:
        if row["ChargeCategory"] == "Usage":
            key = row["x_RequestId"], row["x_TokenClass"]
            amounts = (row["PricingQuantity"], row["ListCost"], row["ContractedCost"])
            found[key] = [a + Decimal(b) for a, b in zip(found[key], amounts, strict=True)]
    return {key: (a, b, c) for key, (a, b, c) in found.items()}


@pytest.mark.parametrize("billed", [False, True])
def test_every_row_is_what_pricing_says_one_request_at_a_time(
    tmp_path: Path, discounted: Catalogue, billed: bool
) -> None:
    with _store(tmp_path, _rows(400, billed=billed)) as store:
        out = tmp_path / "focus.csv"
        done = export_focus(store, discounted, OPTIONS, out)
        rows = _read(out)
        slow = _slow(store, discounted)
        assert done.rows == len(rows)
        assert done.unpriced > 0, "a model that nobody knows is among them"
        assert len({name for _, name in slow}) > 6, "many classes"
        assert _sums(rows) == slow


@pytest.mark.parametrize("grain", ["request", "hour", "day"])
def test_totals_are_those_of_the_result_to_the_last_digit(tmp_path: Path, discounted: Catalogue, grain: Grain) -> None:
    with _store(tmp_path, _rows(300, billed=True)) as store:
        result = api.simulate(scenarios=[], store=store, prices=discounted, options=OPTIONS)
        out = tmp_path / "focus.csv"
        done = export_focus(store, discounted, OPTIONS, out, grain=grain)
        rows = _read(out)
        told = store.value(
            "SELECT sum(billed_cost) FROM usage WHERE NOT (status = 'error' AND output_tokens = 0) OR status IS NULL"
        )
    usage = [row for row in rows if row["ChargeCategory"] == "Usage"]
    assert sum(Decimal(row["ContractedCost"]) for row in usage) == result.baseline.cost_usd == done.contracted_cost
    assert sum(Decimal(row["BilledCost"]) for row in rows if row["x_CostStatus"] == "recorded") == told
    assert sum(Decimal(row["ConsumedQuantity"]) for row in usage) > 0
    for row in usage:
        for price, cost in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
            quantity = row["PricingQuantity"]
            assert float(row[price]) * float(quantity) == float(row[cost]), "a validator's double precision"
            assert Decimal(row[price]) * Decimal(quantity) == Decimal(row[cost]), "and exactly"
    assert {row["ChargeClass"] for row in rows} == {""}


def test_what_is_unknown_has_no_quantity_and_no_price(tmp_path: Path) -> None:
    rows = [
        {
            "request_id": "a",
            "started_at": START,
            "provider_name": "openai",
            "request_model": "nobody-knows",
            "input_tokens": 5,
            "output_tokens": 1,
        }
    ]
    rows += [
        {"request_id": "b", "provider_name": "openai", "request_model": "gpt-4o", "input_tokens": 5, "output_tokens": 1}
    ]
    with _store(tmp_path, rows) as store:
        done = export_focus(store, load([], now=NOW), OPTIONS, tmp_path / "f.csv")
    (row,) = _read(tmp_path / "f.csv")
    assert (row["ChargeCategory"], row["x_CostStatus"], row["PricingQuantity"], row["ListUnitPrice"]) == (
        "Adjustment",
        "unknown",
        "",
        "",
    )
    assert row["ChargeDescription"].startswith("cost unknown: ")
    assert (done.unpriced, done.timeless) == (1, 1), "what has no time has no charge period"
    assert done.timeless_cost > 0


def test_periods_end_exclusively_and_months_are_whole(tmp_path: Path) -> None:
    rows = [
        {"request_id": "a", "started_at": instant("2026-10-31T23:59:59Z") + 250_000, "duration_ms": 1500, "provider_name": "openai", "request_model": "gpt-4o", "input_tokens": 5, "output_tokens": 1},
        {"started_at": instant("2026-10-31T23:00:00Z"), "ended_at": instant("2026-11-01T01:00:00Z"), "provider_name": "google", "request_model": "gemini-2.5-pro", "requests": 3, "input_tokens": 50, "output_tokens": 9},
    ]  # fmt: skip
    with _store(tmp_path, rows) as store:
        spans = {}
        for grain in ("request", "hour"):
            export_focus(store, load([], now=NOW), OPTIONS, tmp_path / "f.csv", grain=grain)
            spans[grain] = {
                (r["ChargePeriodStart"][8:19], r["ChargePeriodEnd"][8:19]) for r in _read(tmp_path / "f.csv")
            }
        months = {(r["BillingPeriodStart"], r["BillingPeriodEnd"]) for r in _read(tmp_path / "f.csv")}
    bucket = ("31T23:00:00", "01T01:00:00")
    assert spans["request"] == {("31T23:59:59", "01T00:00:01"), bucket}
    assert spans["hour"] == {("31T23:00:00", "01T00:00:00"), bucket}
    assert months == {("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")}


def test_forms_and_versions_hold_the_same_rows(tmp_path: Path) -> None:
    with _store(tmp_path, _rows(60)) as store:
        catalogue = load([], now=NOW)
        export_focus(store, catalogue, OPTIONS, tmp_path / "f.csv")
        export_focus(store, catalogue, OPTIONS, tmp_path / "f.csv.gz", version="1.3")
        export_focus(store, catalogue, OPTIONS, tmp_path / "f.parquet")
        with pytest.raises(UsageError, match="CSV or Parquet"):
            export_focus(store, catalogue, OPTIONS, tmp_path / "f.xls")
    plain = _read(tmp_path / "f.csv")
    with gzip.open(tmp_path / "f.csv.gz", "rt", encoding="utf-8", newline="") as file:
        zipped = list(csv.DictReader(file))
    assert list(zipped[0]) == list(columns("1.3"))
    assert "HostProviderName" in zipped[0]
    assert "HostProviderName" not in plain[0]
    assert list(plain[0]) == list(columns("1.2"))
    ours = [name.startswith("x_") for name in plain[0]]
    assert ours == sorted(ours), "own columns stand last"
    table = pq.read_table(tmp_path / "f.parquet").to_pylist()
    keys = ("x_RequestId", "SkuPriceId", "ListCost")
    for others in (zipped, table):
        pairs = [
            sorted((str(r[a]), str(r[b] or ""), Decimal(r[c])) for r in rows)
            for rows in (plain, others)
            for a, b, c in [keys]
        ]
        assert pairs[0] == pairs[1]
    assert {row["SubAccountId"] for row in plain} == {"", "'=cmd()", "search"}, "no formula in a CSV"
    assert "=cmd()" in {row["SubAccountId"] for row in table}, "a name stays itself where nothing runs it"
    tags = [json.loads(row["Tags"]) for row in plain if row["Tags"]]
    assert {"feature": 'a "quoted" one'} in tags


def test_the_split_of_counters_is_that_of_pricing() -> None:
    catalogue = load([], now=NOW)
    rng = random.Random(3)
    for provider, name in MODELS[:-1]:
        model = catalogue.resolve(provider, name, START)
        assert model is not None
        rates = catalogue.rates(model, at=START, service_tier=None, region=None, input_tokens=10, now=NOW)
        assert isinstance(rates, Rates)
        counts = {
            "input_tokens": 10_000,
            "cache_read_input_tokens": rng.randrange(3000),
            "output_tokens": 900,
            "reasoning_output_tokens": rng.randrange(800),
            "input_audio_tokens": rng.randrange(2000),
        }
        leaves = token_leaves(counts, rates)
        split = {
            name: sum(weight * counts.get(c, 0) for c, weight in of.items()) for name, of in weights(rates).items()
        }
        assert {name: q for name, q in split.items() if q} == leaves


@pytest.mark.skipif(not MODEL.exists(), reason="the Foundation's model is not at hand")
@pytest.mark.parametrize("billed", [False, True])
def test_every_checkable_rule_of_the_foundations_model_holds(
    tmp_path: Path, discounted: Catalogue, billed: bool
) -> None:
    with _store(tmp_path, _rows(300, billed=billed)) as store:
        export_focus(store, discounted, OPTIONS, tmp_path / "f.csv")
    found = check(MODEL, MODEL.parent / "currency_codes.csv", tmp_path / "f.csv")
    assert (found.rules, found.checked, found.permitting, len(found.beyond)) == (510, 427, 40, 43), found.text()
    assert not found.failed, found.text()
    assert not found.advised, found.text()


@pytest.mark.skipif(not MODEL.exists(), reason="the Foundation's model is not at hand")
@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("ListCost", "0.1", "ListUnitPrice-C-010-C"), ("BillingCurrency", "XXQ", "BillingCurrency-C-00"), ("ChargePeriodEnd", "2026-10-31 00:00", "ChargePeriodEnd-C-002-M"),
        ("Tags", '{"a": {"b": 1}}', "Tags-C-001-M"), ("PricingQuantity", "", "PricingQuantity-C-005-C"), ("ServiceCategory", "Chat", "ServiceCategory"),
        ("SkuId", "other", "SkuPriceId-C-008-M"),
        # rules whose requirement the model leaves empty: our own SQL
        ("ChargePeriodStart", "2026-10-31T24:00:00Z", "DateTimeFormat-A-00"), ("ContractedUnitPrice", "+0.1", "NumericFormat-A-010-M"),
        ("ListCost", "1e+3", "NumericFormat-A-006-M"), ("PricingUnit", "tokens", "UnitFormat-A-003-M"), ("RegionName", "N/A", "NullHandling-A-002-M"),
        ("SkuMeter", "Another meter", "SkuMeter-C-006-O"), ("SkuPriceDetails", '{"modelId": "x"}', "SkuPriceDetails-C-017-C"),
        ("SkuPriceDetails", '{"x_Size": 5}', "SkuPriceDetails-C-018-C"), ("Tags", '{"a": null}', "Tags-C-006-M"),
        ("PricingCurrencyListUnitPrice", "9", "ListUnitPrice-C-009-M"), ("CommitmentDiscountId", "cd-1", "PricingCategory-C-009-C"),
        ("ResourceId", "r-1", "ResourceId-C-004-C"), ("ChargeClass", "Correction", "ChargeClass-C-003-C"), ("BillingPeriodEnd", "2026-10-01T00:00:00Z", "BillingPeriodEnd-C-004-M"),
        ("PricingCurrencyContractedUnitPrice", "", "PricingCurrencyContractedUnitPrice-C-005-C"), ("BillingAccountType", "org_type", "BillingAccountType-C-006-M"),
        ("SkuId", "changed", "SkuId-C-009-M"), ("InvoiceId", "i-1", "BilledCost-C-007-M"),
    ],
)  # fmt: skip
def test_the_check_finds_what_is_wrong(tmp_path: Path, column: str, value: str, rule: str) -> None:
    with _store(tmp_path, _rows(40)) as store:
        export_focus(store, load([], now=NOW), OPTIONS, tmp_path / "f.csv")
    rows = _read(tmp_path / "f.csv")
    rows[next(n for n, row in enumerate(rows) if row["ChargeCategory"] == "Usage" and row["ListUnitPrice"])][column] = (
        value
    )
    with (tmp_path / "f.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    found = check(MODEL, MODEL.parent / "currency_codes.csv", tmp_path / "f.csv")
    assert any(name.startswith(rule) for name in (*found.failed, *found.advised)), found.text()


@pytest.mark.skipif(not MODEL.exists(), reason="the Foundation's model is not at hand")
def test_every_rule_of_our_own_is_one_that_applies_and_that_the_model_leaves_empty() -> None:
    model = json.loads(MODEL.read_text(encoding="utf-8"))["ModelRules"]
    tables = [
        set(table) for table in (own.ROWS, own.GROUPS, own.FORMATS, own.HEADER, own.KEY_VALUE, own.READ, own.BEYOND)
    ]
    for place, table in enumerate(tables):
        assert not table & set().union(*tables[place + 1 :]), "a rule is looked at in one way"
        for name in table:
            assert not model[name]["ValidationCriteria"]["Requirement"] or name == "ResourceType-C-005-C", name


@pytest.mark.skipif(not MODEL.exists(), reason="the Foundation's model is not at hand")
@pytest.mark.parametrize(
    ("header", "rule"), [("x_requestId", "ColumnHandling-A-001-M"), ("RequestId", "ColumnHandling-A-010-M"), ("x_" + "A" * 50, "ColumnHandling-A-005-O")]
)  # fmt: skip
def test_the_check_finds_a_wrong_header(tmp_path: Path, header: str, rule: str) -> None:
    with _store(tmp_path, _rows(10)) as store:
        export_focus(store, load([], now=NOW), OPTIONS, tmp_path / "f.csv")
    text = (tmp_path / "f.csv").read_text(encoding="utf-8")
    (tmp_path / "f.csv").write_text(text.replace("x_RequestId", header, 1), encoding="utf-8")
    found = check(MODEL, MODEL.parent / "currency_codes.csv", tmp_path / "f.csv")
    assert rule in {**found.failed, **found.advised}, found.text()


def test_version_1_3_adds_its_columns_and_keeps_those_it_deprecates(tmp_path: Path) -> None:
    with _store(tmp_path, _rows(80)) as store:
        export_focus(store, load([], now=NOW), OPTIONS, tmp_path / "f.csv", version="1.3")
    rows = _read(tmp_path / "f.csv")
    assert set(columns("1.3")) - set(columns("1.2")) == added.COLUMNS
    assert {"ProviderName", "PublisherName"} <= set(rows[0]), "deprecated in 1.3, removed in 1.4"
    assert all(row["ServiceProviderName"] == row["ProviderName"] for row in rows)
    named = [name for name in rows[0] if not name.startswith("x_")]
    assert named == sorted(named)


@pytest.fixture(scope="module")
def of_1_3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("focus")
    with _store(folder, _rows(200, billed=True)) as store:
        export_focus(store, load([], now=NOW), OPTIONS, folder / "f.csv", version="1.3")
    return folder / "f.csv"


@pytest.mark.skipif(not MODEL.exists(), reason="the Foundation's model is not at hand")
def test_version_1_3_keeps_every_rule_of_1_2_and_those_of_the_columns_it_adds(of_1_3: Path) -> None:
    found = check(MODEL, MODEL.parent / "currency_codes.csv", of_1_3)
    assert not found.failed, found.text()
    assert not found.advised, found.text()
    assert found.checked == 427
    assert found.added == len(added.ADDED) + len(added.MANDATORY) == 25
    assert "25 rules of the columns that 1.3 adds are checked" in found.text()


ALLOCATED = {"AllocatedMethodId": "by-cpu", "AllocatedResourceId": "pod-1", "AllocatedResourceName": "pod 1"}
SPLIT = ALLOCATED | {
    "AllocatedMethodDetails": '{"Elements": [{"AllocatedRatio": 0.25, "UsageUnit": "CPU"}]}', "AllocatedTags": '{"k8s/app": "search"}',
}  # fmt: skip
BROKEN: tuple[tuple[dict[str, str], set[str]], ...] = (
    ({"ServiceProviderName": ""}, {"is never null"}),
    ({"HostProviderName": " Acme"}, {"is a text without blanks around it"}),
    ({"AllocatedTags": '{"a": "b"}'}, {"is null where the charge is of no split cost allocation"}),
    (SPLIT | {"AllocatedResourceName": ""}, {"is null exactly where AllocatedResourceId is"}),
    (SPLIT | {"AllocatedTags": "[1]"}, {"is an object in JSON"}),
    ({"ContractApplied": "{no"}, {"is an object in JSON"}),
    (SPLIT | {"AllocatedTags": '{"a": "b", "a": "c"}'}, {"has each key once"}),
    (
        SPLIT | {"AllocatedTags": '{"a": {"b": 1}}'},
        {"has values that are texts, numbers or true, none nested and none null"},
    ),
    (SPLIT | {"Tags": '{"k8s/app": "search"}'}, {"repeats no tag of Tags"}),
    (
        SPLIT | {"AllocatedMethodDetails": '{"Elements": [{"UsageUnit": "CPU"}]}'},
        {"has Elements, each with an AllocatedRatio"},
    ),
    (SPLIT | {"AllocatedMethodDetails": '{"x_More": 1}'}, {"has Elements, each with an AllocatedRatio"}),
    (SPLIT | {"AllocatedMethodDetails": '{"Elements": [{"AllocatedRatio": 25}]}'}, {"has ratios from 0 to 1"}),
    (SPLIT, set()),
)


@pytest.mark.skipif(not MODEL.exists(), reason="the Foundation's model is not at hand")
@pytest.mark.parametrize(("change", "broken"), BROKEN)
def test_a_row_that_breaks_a_rule_of_1_3_is_told_by_that_rule_alone(
    of_1_3: Path, tmp_path: Path, change: dict[str, str], broken: set[str]
) -> None:
    rows = _read(of_1_3)[:20]
    rows[7] |= change
    with (tmp_path / "f.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    found = check(MODEL, MODEL.parent / "currency_codes.csv", tmp_path / "f.csv")
    told = {name: text for name, text in found.failed.items() if name in added.ADDED}
    assert {added.ADDED[name].asks for name in told} == broken, found.text()
    assert all(text.endswith("(1 rows)") for text in told.values())
    others = {name for name in found.failed if name not in added.ADDED}
    assert not others, found.text()


@pytest.mark.skipif(not MODEL.exists(), reason="the Foundation's model is not at hand")
def test_a_file_of_1_3_without_its_mandatory_columns_is_told(of_1_3: Path, tmp_path: Path) -> None:
    rows = _read(of_1_3)[:5]
    with (tmp_path / "f.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name != "HostProviderName"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    found = check(MODEL, MODEL.parent / "currency_codes.csv", tmp_path / "f.csv")
    assert list(found.failed) == ["HostProviderName-1.3-00"]


@pytest.mark.slow
@pytest.mark.skipif(not MODEL.exists(), reason="the Foundation's model is not at hand")
def test_a_million_requests_keep_every_rule_in_flat_memory(tmp_path: Path) -> None:
    store = bench.store_of(tmp_path, 1_000_000)
    done = bench.exported(store, tmp_path / "f.csv", "1.2", "1GB")
    assert done.rows > 2_500_000
    assert done.peak_mb < 1_100, "the best peer's own figure"
    found = check(MODEL, MODEL.parent / "currency_codes.csv", tmp_path / "f.csv")
    assert found.rows == done.rows
    assert found.checked == 427
    assert not found.failed, found.text()
