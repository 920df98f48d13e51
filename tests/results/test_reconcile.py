"""Causes of gaps: each is found where its sum is the billed amount, and not where it is not."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.errors import UsageError
from llmcost.results.options import ReplayOptions
from tests.results.reconciling import COST, DAY, START, D, call, cell_of, line, reconciled, stored
from tests.support import shared_data

MINI = "openai/gpt-4o-mini"
PRICED_ALIKE: dict[str, Any] = {"cache_read_input_tokens": 0}
"""0.21 USD a call: nothing for a cache hypothesis to change."""


def _one(tmp_path: Path, cost: str, usage: dict[str, Any] | None = None, **changes: Any) -> Any:
    return cell_of(reconciled(tmp_path, [call(1, **(usage or {}))], [line(0, cost, **changes)]))


@pytest.mark.parametrize(
    ("cost", "usage", "cause", "certainty"),
    [
        ("0.18", {}, "none", "exact"),
        ("0.184", {}, "unexplained", "none"),
        ("0.17999999", {}, "rounding", "explained"),
        ("0", {}, "free allowance", "explained"),
        ("0.21", {}, "cache", "explained"),
        ("0.105", PRICED_ALIKE, "batch discount", "explained"),
        ("0.15", PRICED_ALIKE, "batch discount", "suspected"),
        ("0.21", {**PRICED_ALIKE, "service_tier": "batch"}, "service tier", "explained"),
        ("0.07", {**PRICED_ALIKE, "service_tier": "batch"}, "unexplained", "none"),
        ("0.07", PRICED_ALIKE, "counted twice", "explained"),
        ("0.30", {"request_model": "own-model"}, "unpriced", "explained"),
    ],
)
def test_a_cause_is_named_where_its_sum_is_the_amount(
    tmp_path: Path, cost: str, usage: dict[str, Any], cause: str, certainty: str
) -> None:
    cell = _one(tmp_path, cost, usage)
    assert (cell.cause, cell.certainty) == (cause, certainty), cell.detail


def test_the_bills_own_rounding(tmp_path: Path) -> None:
    cell = _one(tmp_path, "0.19", {"input_tokens": 1_030_000})
    assert cell.list_usd == D("0.1845")
    assert (cell.cause, cell.certainty) == ("unexplained", "none"), "half a cent is the most that one line hides"


def test_rounded_to_cents(tmp_path: Path) -> None:
    cell = _one(tmp_path, "0.18", {"input_tokens": 1_020_000})
    assert cell.gap_usd == D("-0.003")
    assert (cell.cause, cell.certainty) == ("rounding", "explained")


def test_residency(tmp_path: Path) -> None:
    usage: dict[str, Any] = {
        "provider_name": "anthropic",
        "request_model": "claude-opus-4-6",
        "region": "global",
        **PRICED_ALIKE,
    }
    plain = D("7.5")
    found = reconciled(
        tmp_path, [call(1, **usage)], [line(0, "8.25", provider_name="anthropic", model="Claude Opus 4.6")]
    )
    cell = cell_of(found)
    assert (cell.list_usd, cell.model) == (plain, "anthropic/claude-opus-4-6")
    assert (cell.cause, cell.expected_usd) == ("region or residency", plain * D("1.1"))


def test_usage_that_the_log_lacks(tmp_path: Path) -> None:
    found = reconciled(tmp_path, [call(1)], [line(0, "0.18"), line(1, "5.00"), line(2, "0.40"), line(3, "0")])
    assert [cell_of(found, day).cause for day in range(3)] == ["none", "missing usage", "missing usage"]
    assert cell_of(found, 1).list_usd is None
    assert found.parts[0].total.gap_usd == D("5.40")
    assert found.parts[0].total.unexplained_usd == 0


def test_days_above_list_are_suspect_where_the_log_has_holes(tmp_path: Path) -> None:
    found = reconciled(tmp_path, [call(1)], [line(0, "0.777"), line(1, "5.00")])
    assert (cell_of(found).cause, cell_of(found).certainty) == ("missing usage", "suspected")
    assert found.parts[0].total.unexplained_usd == D("0.597"), "a suspicion explains nothing"


@pytest.mark.parametrize(
    ("billed", "cause"), [(3_000_000, "missing usage"), (500_000, "counted twice"), (700_000, "usage not billed")]
)
def test_the_bills_own_quantities(tmp_path: Path, billed: int, cause: str) -> None:
    """Where the bill counts tokens, what they cost at list prices tells a wrong count from a wrong price."""
    usage: dict[str, Any] = {"output_tokens": 0, **PRICED_ALIKE}
    cost = D(billed) * D("0.15") / 10**6
    counted = {"model": "gpt-4o-mini", "token_class": "input", "quantity": D(billed), "quantity_unit": "tokens"}
    cell = _one(tmp_path, str(cost), usage, **counted)
    assert (cell.cause, cell.certainty) == (cause, "explained"), cell.detail


def test_days_that_begin_elsewhere(tmp_path: Path) -> None:
    """A bill by Californian days under dates alone: each holds the last 17 hours of one UTC day and 7 of the next."""
    usage = [
        call(day * 2 + n, day + n * 0.4 - 0.4, input_tokens=10**6 + day * 77_000) for day in range(7) for n in (0, 1)
    ]
    costs: dict[int, Decimal] = {}
    for row in usage:
        day = (row["started_at"] - START - 7 * DAY // 24) // DAY
        paid = (row["input_tokens"] - 400_000) * D("0.15") + 400_000 * D("0.075") + 100_000 * D("0.6")
        costs[day] = costs.get(day, D(0)) + paid / 10**6
    found = reconciled(tmp_path, usage, [line(day, str(cost)) for day, cost in costs.items()])
    causes = {cell.cause for cell in found.parts[0].cells if cell.gap_usd}
    assert causes == {"day boundary"}, [(c.start, c.cause, c.detail) for c in found.parts[0].cells]


def test_one_row_of_the_next_day(tmp_path: Path) -> None:
    late: dict[str, Any] = {"input_tokens": 3_210_000, "cache_read_input_tokens": 0}
    found = reconciled(tmp_path, [call(1), call(2, 1), call(3, 1, **late)], [line(0, "0.7215"), line(1, "0.18")])
    assert [cell_of(found, day).cause for day in (0, 1)] == ["day boundary", "day boundary"]
    assert found.parts[0].total.gap_usd == 0


@pytest.mark.parametrize(("factor", "cause"), [("0.88", "discount"), ("1.055", "markup")])
def test_one_factor_over_everything(tmp_path: Path, factor: str, cause: str) -> None:
    usage = [call(day, day, input_tokens=10**6 + 31_000 * day) for day in range(4)]
    costs = [(COST + D("0.00465") * day) * D(factor) for day in range(4)]
    found = reconciled(tmp_path, usage, [line(day, str(cost)) for day, cost in enumerate(costs)])
    assert {cell.cause for cell in found.parts[0].cells} == {cause}
    few = reconciled(_folder(tmp_path), usage[:2], [line(day, str(cost)) for day, cost in enumerate(costs[:2])])
    assert cause not in {cell.cause for cell in few.parts[0].cells}, "two amounts prove no factor"


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "more"
    folder.mkdir()
    return folder


def test_charges_in_the_log_itself(tmp_path: Path) -> None:
    usage = [
        call(
            day, day, billed_cost=str(COST * D("1.05")), provider_name="openrouter", request_model="openai/gpt-4o-mini"
        )
        for day in range(3)
    ]
    found = reconciled(tmp_path, [*usage, call(9)], [])
    assert [part.basis for part in found.parts] == ["log"]
    part = found.parts[0]
    assert part.total.requests == 3, "a call that says nothing of its charge is not compared"
    assert part.total.billed_usd == COST * D("1.05") * 3
    assert {cell.cause for cell in part.cells} == {"markup"}


def test_credits_and_taxes_are_no_usage(tmp_path: Path) -> None:
    bill = [
        line(0, "0.18"),
        line(0, "-0.10", charge_category="credit", line_item="Promotion"),
        line(0, "0.03", charge_category="tax"),
    ]
    found = reconciled(tmp_path, [call(1)], bill)
    assert found.parts[0].total.gap_usd == 0
    assert [(other.category, other.usd) for other in found.others] == [("credit", D("-0.10")), ("tax", D("0.03"))]


def test_currencies_are_never_added(tmp_path: Path) -> None:
    bill = [line(0, "0.15", billing_currency="EUR"), line(1, "0.18")]
    usage = [call(1), call(2, 1)]
    found = reconciled(tmp_path, usage, bill)
    assert found.parts[0].total.billed_usd == D("0.18")
    assert [(c.currency, c.amount, c.usd) for c in found.currencies] == [
        ("EUR", D("0.15"), None),
        ("USD", D("0.18"), D("0.18")),
    ]
    assert {(x.what, x.currency, x.amount_usd) for x in found.left_out} == {
        ("billed in EUR, for which no rate is known", "EUR", None),
        ("usage of days that are billed in such a currency", None, COST),
    }
    assert any("--rate EUR=" in warning for warning in found.warnings)
    given = reconciled(_folder(tmp_path), usage, bill, rates={"EUR": D("1.20")})
    assert given.parts[0].total.billed_usd == D("0.36")
    assert given.parts[0].total.gap_usd == 0
    assert given.left_out == []


def test_a_bill_that_tells_its_own_rate(tmp_path: Path) -> None:
    found = reconciled(tmp_path, [call(1)], [line(0, "0.90", billing_currency="BRL", tags='{"usd_rate": "5"}')])
    assert found.currencies[0].rate_source == "bill"
    assert cell_of(found).cause == "none"


def test_two_exports_of_one_bill_are_counted_once(tmp_path: Path) -> None:
    detailed = [line(0, "0.10", source="focus", line_item="in"), line(0, "0.08", source="focus", line_item="out")]
    found = reconciled(tmp_path, [call(1)], [line(0, "0.18"), *detailed])
    assert found.parts[0].total.billed_usd == D("0.18")
    assert [(x.what, x.amount_usd) for x in found.left_out] == [("another export of the same bill (costs)", D("0.18"))]
    accounts = [line(0, "0.18", organization="a"), line(0, "0.18", source="focus", organization="b")]
    assert reconciled(_folder(tmp_path), [call(1), call(2)], accounts).parts[0].total.gap_usd == 0


def test_lines_over_many_days_and_models(tmp_path: Path) -> None:
    usage = [call(1), call(2, 1), call(3, 1, request_model="gpt-4o", **PRICED_ALIKE)]
    found = reconciled(tmp_path, usage, [line(0, "0.36", days=3, model="gpt-4o-mini"), line(1, "3.50", model="gpt-4o")])
    cells = {cell.model: cell for cell in found.parts[0].cells}
    assert {model: (cell.start, cell.end) for model, cell in cells.items()} == dict.fromkeys(
        [MINI, "openai/gpt-4o"], (cells[MINI].start, cells[MINI].end)
    )
    assert {cell.gap_usd for cell in cells.values()} == {D(0)}


def test_fees_that_the_bill_charges_to_no_model(tmp_path: Path) -> None:
    usage: dict[str, Any] = {
        "provider_name": "anthropic",
        "request_model": "claude-opus-4-6",
        "web_search_requests": 7,
        **PRICED_ALIKE,
    }
    tokens: dict[str, Any] = {"provider_name": "anthropic", "model": "claude-opus-4-6", "token_class": "input"}
    searches: dict[str, Any] = {"provider_name": "anthropic", "token_class": "web_search"}
    bill = [line(0, "7.50", **tokens), line(0, "0.07", **searches)]
    found = reconciled(tmp_path, [call(1, **usage)], bill)
    assert {(cell.model, cell.gap_usd) for cell in found.parts[0].cells} == {
        ("anthropic/claude-opus-4-6", D(0)),
        (None, D(0)),
    }


def test_what_has_no_other_side_is_told(tmp_path: Path) -> None:
    usage = [
        call(1),
        call(2, 5),
        call(3, provider_name="anthropic", request_model="claude-opus-4-6"),
        call(4, started_at=None),
    ]
    bill = [line(0, "0.18"), line(0, "3", started_at=None, ended_at=None), line(2, "0.36")]
    found = reconciled(tmp_path, [*usage, call(5, 1)], bill)
    told = {x.what: x.amount_usd for x in found.left_out}
    assert told.keys() == {
        "usage of a provider without a bill",
        "usage outside the bill's days",
        "bill lines without a time",
    }
    assert told["bill lines without a time"] == 3
    between = cell_of(found, 1)
    assert (between.billed_usd, between.list_usd) == (D(0), COST), "usage between two billed days"
    assert between.cause == "missing from the bill"


def test_nothing_was_billed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing here was billed"):
        reconciled(tmp_path, [call(1)], [])


@pytest.mark.parametrize(
    ("cost", "threshold", "over"), [("0.18", "0", False), ("0.19", "0.05", True), ("0.19", "0.06", False)]
)
def test_the_verdict(tmp_path: Path, cost: str, threshold: str, over: bool) -> None:
    found = reconciled(tmp_path, [call(1)], [line(0, cost)], threshold=D(threshold))
    assert found.verdict.over is over


def test_providers_do_not_cancel_out(tmp_path: Path) -> None:
    other: dict[str, Any] = {"provider_name": "anthropic", "request_model": "claude-opus-4-6", **PRICED_ALIKE}
    bill = [line(0, "0.08"), line(0, "7.60", provider_name="anthropic")]
    found = reconciled(tmp_path, [call(1), call(2, **other)], bill)
    assert found.parts[0].total.gap_usd == 0
    assert found.verdict.over, "a gap of one provider is not excused by another's"
    assert "openai" in found.verdict.reason


def test_what_was_billed_is_never_changed(tmp_path: Path) -> None:
    with stored(tmp_path, [call(1, billed_cost="0.5")], [line(0, "0.9")]) as store:
        before = store.rows("SELECT * FROM billed ORDER BY ALL"), store.rows("SELECT billed_cost FROM usage")
        llmcost.reconcile(store=store)
        assert (store.rows("SELECT * FROM billed ORDER BY ALL"), store.rows("SELECT billed_cost FROM usage")) == before


def test_the_real_pair(tmp_path: Path) -> None:
    """A dashboard's usage and cost of the same days: one day equal, others incomplete."""
    folder = shared_data("formats", "openai_dashboard_csv")
    costs = next(folder.glob("cost_*.csv"))
    bill = [
        line(0, row["amount_value"], started_at=int(row["start_time"]) * 10**6, ended_at=int(row["end_time"]) * 10**6)
        for row in csv.DictReader(io.StringIO(costs.read_text()))
        if row["amount_value"]
    ]
    with stored(tmp_path, [], bill) as store:
        llmcost.ingest_files(store, next(folder.glob("completions_usage_*.csv")))
        found = llmcost.reconcile(store=store)
    cells = {cell.start.isoformat()[5:]: cell for cell in found.parts[0].cells}
    assert (cells["10-07"].cause, cells["10-07"].gap_usd, cells["10-07"].list_usd) == ("none", D(0), D("0.569788"))
    assert {cells[day].cause for day in ("10-08", "10-10", "10-11")} == {"missing usage"}
    assert (cells["10-05"].cause, cells["10-05"].certainty) == ("day boundary", "explained")
    assert (cells["10-06"].cause, cells["10-06"].certainty) == ("missing usage", "suspected")


@pytest.mark.parametrize(
    ("chosen", "days", "compared", "told"),
    [
        ({"until": START + int(1.6 * DAY)}, (1, 1), [0], "0.36"),
        ({"since": START + DAY // 4}, (1, 1), [1], "0.18"),
        ({"since": START, "until": START + 2 * DAY}, (1, 1), [0, 1], "0"),
        ({"since": START + DAY}, (1, 1), [1], "0"),
        ({"until": START + 2 * DAY}, (1, 9), [0], "0.36"),
        ({"since": START + DAY}, (9, 1), [], "0.54"),
    ],
)
def test_a_line_of_which_the_period_holds_a_part_is_compared_with_nothing(
    tmp_path: Path, chosen: dict[str, int], days: tuple[int, int], compared: list[int], told: str
) -> None:
    """Nobody knows what a part of a day, or of a month, cost: it is no gap, and it is told."""
    bill = [line(0, "0.18", days=days[0]), line(1, "0.36", days=days[1])]
    found = reconciled(tmp_path, [call(1), call(2, 1), call(3, 1.4)], bill, chosen=chosen)
    cells = [cell for part in found.parts for cell in part.cells]
    assert sorted(cell.start.toordinal() - 719_163 - START // DAY for cell in cells) == compared
    assert {cell.gap_usd for cell in cells} <= {D(0)}, "what is compared agrees"
    assert found.verdict.over is (False if compared else None)
    left = [entry.amount_usd or D(0) for entry in found.left_out if not entry.what.startswith("usage")]
    assert sum(left) == D(told)


def test_a_day_that_agrees_with_its_bill_gives_nothing_to_its_neighbour(tmp_path: Path) -> None:
    found = reconciled(tmp_path, [call(1), call(2, 1)], [line(0, "0.18"), line(1, "0.36")])
    assert [cell_of(found, day).cause for day in (0, 1)] == ["none", "unexplained"]
    assert found.parts[0].total.unexplained_usd == D("0.18")


def test_a_day_gives_what_it_has_too_much_once(tmp_path: Path) -> None:
    late: dict[str, Any] = {"input_tokens": 3_210_000, "cache_read_input_tokens": 0}
    usage = [call(1), call(2, 1), call(3, 1, **late), call(4, 2)]
    found = reconciled(tmp_path, usage, [line(0, "0.7215"), line(1, "0.18"), line(2, "0.7215")])
    causes = [(cell.cause, cell.gap_usd) for cell in (cell_of(found, day) for day in range(3))]
    assert [cause for cause, _ in causes] == ["day boundary", "day boundary", "unexplained"]
    assert found.parts[0].total.unexplained_usd == D("0.5415")


def test_charges_of_the_log_that_have_no_time_are_told(tmp_path: Path) -> None:
    found = reconciled(tmp_path, [call(1, billed_cost="0.18"), call(2, started_at=None, billed_cost="0.5")], [])
    assert found.parts[0].total.billed_usd == D("0.18")
    assert [(x.what, x.amount_usd, x.lines) for x in found.left_out] == [
        ("charges that the log carries, without a time", D("0.5"), 1)
    ]


def test_a_condition_on_usage_is_warned_of_where_a_bill_is_compared_whole(tmp_path: Path) -> None:
    usage = [call(1, project="a"), call(2, project="b")]
    found = reconciled(tmp_path, usage, [line(0, "0.36")], chosen={"where": "project = 'a'"})
    assert found.warnings == ["--where selects usage only: what was billed is compared whole"]


def test_lines_that_cancel_out_are_no_free_allowance(tmp_path: Path) -> None:
    found = reconciled(tmp_path, [call(1)], [line(0, "5", line_item="x"), line(0, "-5", line_item="y")])
    assert (cell_of(found).cause, cell_of(found).certainty) == ("unexplained", "none")
    free = reconciled(_folder(tmp_path), [call(1)], [line(0, "0", line_item="x"), line(0, "0", line_item="y")])
    assert cell_of(free).cause == "free allowance"


def test_a_deployment_under_a_name_of_its_own_is_suspected_and_an_alias_settles_it(tmp_path: Path) -> None:
    """Azure bills models and logs deployments; which is which is the user's to say, once, in an overlay."""
    azure: dict[str, Any] = {"provider_name": "azure", "request_model": "chat-prod", "region": "global", **PRICED_ALIKE}
    bill = [line(0, "3.50", provider_name="azure", model="gpt-4o", region="global")]
    found = reconciled(tmp_path, [call(1, **azure)], bill)
    billed = cell_of(found, model="azure/gpt-4o")
    assert (billed.cause, billed.certainty) == ("unpriced", "suspected"), billed.detail
    assert "chat-prod" in billed.detail
    assert found.parts[0].total.unexplained_usd == D("3.50"), "a suspicion explains nothing"
    overlay = tmp_path / "deployments.toml"
    overlay.write_text('[[model]]\nprovider = "azure"\nid = "gpt-4o"\naliases = ["chat-prod"]\n')
    with stored(_folder(tmp_path), [call(1, **azure)], bill) as store:
        options = ReplayOptions(now=START + 30 * DAY)
        named = llmcost.reconcile(store=store, options=options, prices=llmcost.load_prices(overlay))
    assert [(cell.model, cell.cause) for cell in named.parts[0].cells] == [("azure/gpt-4o", "none")]


def test_a_cloud_s_own_export_and_its_focus_rows_are_one_bill(tmp_path: Path) -> None:
    """Both name the account by its id; a name in one of them would make two bills of one."""
    own = {
        "bill_payer_account_id": "111122223333", "line_item_usage_account_id": "444455556666", "line_item_line_item_type": "Usage",
        "line_item_usage_start_date": "2026-10-01T00:00:00Z", "line_item_usage_end_date": "2026-10-02T00:00:00Z", "line_item_product_code": "AmazonBedrock",
        "line_item_usage_type": "USE1-NovaLite-input-tokens", "line_item_usage_amount": "10", "line_item_currency_code": "USD", "line_item_unblended_cost": "0.6",
    }  # fmt: skip
    focus = {
        "BilledCost": "0.6", "EffectiveCost": "0.6", "BillingCurrency": "USD", "ChargeCategory": "Usage", "ChargePeriodStart": "2026-10-01T00:00:00Z",
        "ChargePeriodEnd": "2026-10-02T00:00:00Z", "BillingAccountId": "111122223333", "BillingAccountName": "Larkspur", "SubAccountId": "444455556666",
        "SubAccountName": "bots", "ServiceName": "Amazon Bedrock", "ProviderName": "AWS", "ServiceCategory": "AI and Machine Learning",
    }  # fmt: skip
    for name, row in (("cur", own), ("focus", focus)):
        (tmp_path / f"{name}.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    found = llmcost.reconcile(tmp_path / "cur.csv", tmp_path / "focus.csv", options=ReplayOptions(now=START))
    assert found.parts[0].total.billed_usd == D("0.6")
    assert [(x.what.partition(" (")[0], x.amount_usd) for x in found.left_out] == [
        ("another export of the same bill", D("0.6"))
    ]


def test_a_bill_of_snapshots_meets_a_log_of_names(tmp_path: Path) -> None:
    usage = [call(1, request_model="gpt-4o", **PRICED_ALIKE), call(2, 1, request_model="gpt-4o", **PRICED_ALIKE)]
    named: dict[str, Any] = {"token_class": "input", "quantity": D(1_000_000), "quantity_unit": "tokens"}
    made: dict[str, Any] = {"token_class": "output"}
    bill = [
        line(0, "2.50", model="gpt-4o-2024-08-06", **named), line(0, "1.00", model="gpt-4o-2024-08-06", **made),
        line(1, "2.50", model="gpt-4o-2024-08-06"), line(1, "9.00", model="gpt-4o-2024-05-13"),
    ]  # fmt: skip
    found = reconciled(tmp_path, usage, bill)
    assert (cell_of(found).model, cell_of(found).cause) == ("openai/gpt-4o-2024-08-06", "none")
    assert {item.logged_quantity for item in found.items if item.billed_quantity} == {D(1_000_000)}
    between = {
        (cell.model, cell.cause) for cell in found.parts[0].cells if (cell.start - cell_of(found).start).days == 1
    }
    assert ("openai/gpt-4o", "missing from the bill") in between, "which of two snapshots it was nobody knows"


@pytest.mark.parametrize(
    ("part", "taken"),
    [
        (["0.05", "0.05"], "costs"),
        (["0.10", "0.08"], "focus"),
        (["0.0999", "0.0799"], "focus"),
        (["0.09", "0.08"], "focus"),
        (["0.0899", "0.0799"], "costs"),
    ],
    ids=["a project's", "all, in detail", "but for a thousandth", "rounded to cents", "too little for exact amounts"],
)
def test_an_export_that_holds_a_part_in_many_lines_is_not_the_bill(tmp_path: Path, part: list[str], taken: str) -> None:
    detailed = [line(0, cost, source="focus", line_item=f"i{n}") for n, cost in enumerate(part)]
    found = reconciled(tmp_path, [call(1)], [line(0, "0.18"), *detailed])
    assert [x.what for x in found.left_out] == [
        f"another export of the same bill ({'focus' if taken == 'costs' else 'costs'})"
    ]
    assert found.parts[0].total.billed_usd == (D("0.18") if taken == "costs" else sum(map(D, part)))
