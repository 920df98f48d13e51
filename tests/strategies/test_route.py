"""Routing: stable shares that compose, whole conversations, cold caches in money, and conditions that cannot harm."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from llmcost.errors import UsageError
from llmcost.results.scenario import bind
from llmcost.strategies.route import Rule
from llmcost.workload.draw import P, coefficients
from tests.strategies.playing import Log, Row, after, scenario

SMALL: Final = "openai/gpt-4o-mini"
OPUS: Final = "anthropic/claude-opus-4-1"
MANY: Final = 4000


def rows(number: int, **more: Any) -> list[Row]:
    return [
        {
            "request_id": f"r{n}", "provider_name": "openai", "request_model": "gpt-4o", "service_tier": "standard",
            "started_at": after(n), "input_tokens": 1000 + n % 7, "output_tokens": 100,
            "user_id": f"u{n % 200}", "conversation_id": f"c{n // 5}", "feature": ("chat", "bulk")[n % 2], **more,
        }
        for n in range(number)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Log(tmp_path_factory.mktemp("many"), rows(MANY)) as log:
        yield log


def moved(log: Log, *rules: Mapping[str, Any], **options: Any) -> set[str]:
    found = log.rows(("route", {"rules": [{"model": SMALL, **rule} for rule in rules]}), **options)
    return {name for name, row in found.items() if row["model"] == SMALL}


@pytest.mark.parametrize("share", ["0.01", "0.3", "0.8"])
def test_the_achieved_share_is_near_the_asked_one(many: Log, share: str) -> None:
    expected = MANY * Decimal(share)
    spread = Decimal(4) * (expected * (1 - Decimal(share))).sqrt()
    assert abs(len(moved(many, {"share": share})) - expected) < spread


def test_no_share_and_all_of_it_are_exact(many: Log) -> None:
    assert not moved(many, {"share": 0})
    assert len(moved(many, {"share": 1})) == MANY


def test_a_larger_share_takes_the_smaller_one_along(many: Log) -> None:
    assert moved(many, {"share": "0.2"}) < moved(many, {"share": "0.5"}) < moved(many, {"share": "0.51"})


def test_draws_depend_on_seed_and_rule_and_on_nothing_else(many: Log, tmp_path: Path) -> None:
    first = moved(many, {"share": "0.3"})
    assert moved(many, {"share": "0.3"}) == first
    assert moved(many, {"share": "0.3"}, seed=1) != first
    with Log(tmp_path, rows(MANY)[2000:][::-1], rows(2000)) as again:
        assert moved(again, {"share": "0.3"}) == first
    with Log(tmp_path / "part", rows(500)) as part:
        assert moved(part, {"share": "0.3"}) == {name for name in first if int(name[1:]) < 500}


def test_what_a_rule_matched_but_did_not_draw_falls_to_the_next_rule_and_its_own_draw(many: Log) -> None:
    """Two halves one after the other leave a quarter; if the draws were one, the second would take nothing."""
    left = MANY - len(moved(many, {"share": "0.5"}, {"share": "0.5"}))
    assert abs(left - MANY / 4) < 4 * (MANY * 0.25 * 0.75) ** 0.5


def test_shares_compose_with_conditions(many: Log) -> None:
    chats = moved(many, {"share": "0.5", "when": "feature = 'chat'"})
    assert chats == {name for name in moved(many, {"share": "0.5"}) if int(name[1:]) % 2 == 0}


@pytest.mark.parametrize(("by", "groups"), [("conversation", 800), ("user", 200)])
def test_what_is_drawn_together_stays_together(many: Log, by: str, groups: int) -> None:
    taken = {int(name[1:]) for name in moved(many, {"share": "0.4", "by": by})}
    owners = [n // 5 if by == "conversation" else n % 200 for n in range(MANY)]
    whole = {owners[n] for n in taken}
    assert taken == {n for n in range(MANY) if owners[n] in whole}
    assert abs(len(whole) - groups * 0.4) < 4 * (groups * 0.24) ** 0.5


def test_rows_of_an_unknown_conversation_are_drawn_one_by_one(tmp_path: Path) -> None:
    loose = [{k: v for k, v in row.items() if k != "conversation_id"} for row in rows(400)]
    with Log(tmp_path, loose) as log:
        assert moved(log, {"share": "0.5", "by": "conversation"}) == moved(log, {"share": "0.5"})


def test_coefficients_are_a_permutation_of_the_field() -> None:
    """a is never 0, so that no two keys below p are drawn alike; both stay below p, so that no engine overflows."""
    for seed in range(50):
        a, b = coefficients(seed, "scenario", 3, 1)
        assert 0 < a < P
        assert 0 <= b < P
    assert len({coefficients(0, name, step, rule) for name in "ab" for step in range(3) for rule in range(3)}) == 18


def test_a_cold_cache_costs_money(tmp_path: Path) -> None:
    """What the log had as a read at half price is a plain prompt for the model that comes back, and a write on opus."""
    talk = [
        {
            **row,
            "conversation_id": "c",
            "input_tokens": 4000,
            "cache_read_input_tokens": 0 if n == 0 else 3000,
            "feature": "ab"[n == 1],
        }
        for n, row in enumerate(rows(3))
    ]
    with Log(tmp_path, talk) as log:
        rule = {"when": "feature = 'b'", "model": OPUS}
        cold = log.rows(("route", {"rules": [rule]}))
        result = log.replay(scenario(("route", {"rules": [rule]})), extrapolate=True)
    written = cold["r1"]["cache_creation_input_tokens"]
    assert (cold["r1"]["model"], cold["r1"]["cache_read_input_tokens"]) == (OPUS, 0)
    assert written == 3000 * 106 // 100
    assert (cold["r2"]["cache_read_input_tokens"], cold["r2"]["cache_creation_input_tokens"]) == (0, 3000)
    mtok = Decimal(10) ** -6
    first = (4000 * Decimal("2.5") + 100 * 10) * mtok
    on_opus = ((4240 - written) * 15 + written * Decimal("18.75") + 106 * 75) * mtok
    # OpenAI bills no writes: the tokens that are cold are plain input.
    assert result.scenarios[0].cost_usd == first + on_opus + first


def test_requests_that_do_not_fit_are_counted(tmp_path: Path) -> None:
    with Log(tmp_path, rows(3, input_tokens=130_000), [{**rows(1)[0], "request_id": "short"}]) as log:
        step = (
            log.replay(scenario(("route", {"rules": [{"model": "openai/gpt-4"}]})), extrapolate=True)
            .scenarios[0]
            .steps[0]
        )
    assert step.requests_changed == 1
    assert step.facts["requests that do not fit and stay"] == "3"


def test_a_target_without_a_price_on_that_day_is_no_saving(tmp_path: Path) -> None:
    """gpt-4o-mini came in July 2024: what it would have cost in March is unknown, not nothing."""
    early = [{**row, "request_model": "gpt-4-turbo-2024-04-09", "started_at": 1_710_000_000_000_000} for row in rows(2)]
    with Log(tmp_path, early, [{**rows(1)[0], "request_id": "later"}]) as log:
        played = log.replay(scenario(("route", {"rules": [{"model": SMALL}]})), extrapolate=True).scenarios[0]
    later = (1000 * Decimal("2.5") + 100 * 10 - 1000 * Decimal("0.15") - 100 * Decimal("0.6")) / 10**6
    assert played.not_comparable.requests == 2
    assert any("no price on that day" in reason for reason in played.not_comparable.reasons)
    assert played.saving_usd == later


def test_other_models_give_other_answers_of_unknown_quality(many: Log) -> None:
    played = many.replay(scenario(("route", {"rules": [{"model": SMALL}]}))).scenarios[0]
    assert played.changes_answers
    assert played.quality is None


HOSTILE: Final = (
    "1 = 1; drop table usage",
    "feature in (select feature from usage)",
    "exists (select 1)",
    "(select count(*) from usage) > 0",
    "read_text('/etc/passwd') = 'x'",
    "getenv('HOME') = 'x'",
    "current_setting('threads') = 'x'",
    "cast(feature as int) = 1",
    "feature::int = 1",
    "usage.feature = 'x'",
    "feature = $1",
    "feature = ?",
    "* = 1",
    "[1][1] = 1",
    "feature = 'x' union select 1",
    "attach 'x.db'",
    "copy usage to 'x'",
    "feature = 'x' order by 1",
    "regexp_matches(feature, '(a+)+$')",
    "feature",
    "input_tokens + 1",
    "",
    "--",
    "feature = 'it's'",
    "count(*) > 1",
    "row_number() over () = 1",
    "case when feature then 1 end",
    "row_id = 1",
    "prefix_keys = 1",
    "input_tokens > 'many'",
    "team = null",
    "(null) <> team",
    "team in ('a', null)",
    "input_tokens between 1 and null",
)


@pytest.mark.parametrize("when", HOSTILE)
def test_conditions_are_columns_literals_and_operators_and_nothing_else(many: Log, when: str) -> None:
    with pytest.raises(UsageError):
        many.rows(("route", {"rules": [{"when": when, "model": SMALL}]}))
    assert many.store.value("SELECT count(*) FROM usage") == MANY


def test_a_typo_is_told_the_nearest_column_model_and_field(many: Log) -> None:
    with pytest.raises(UsageError, match="output_token") as column:
        moved(many, {"when": "output_token < 5"})
    assert "output_tokens" in (column.value.hint or "")
    with pytest.raises(UsageError, match="gpt-4o-mino") as model:
        many.rows(("route", {"rules": [{"model": "openai/gpt-4o-mino"}]}))
    assert "gpt-4o-mini" in f"{model.value} {model.value.hint}"
    with pytest.raises(UsageError, match=r"modle is not known; did you mean 'model'|modle"):
        bind("route", {"rules": [{"modle": SMALL}]})


@pytest.mark.parametrize(
    ("when", "taken"),
    [
        ("team = 'a'", {"r0"}),
        ("team <> 'a'", {"r1"}),
        ("not team = 'a'", {"r1"}),
        ("team is null", {"r2"}),
        ("team is not null", {"r0", "r1"}),
        ("team not in ('a')", {"r1"}),
        ("coalesce(team, 'a') = 'a'", {"r0", "r2"}),
        ("team = 'a' or input_tokens < 1002", {"r0", "r1"}),
        ("lower(team) like 'B%' or upper(team) ilike 'b%'", {"r1"}),
        ("case when team = 'a' then true else false end", {"r0"}),
        ("input_tokens between 1001 and 1002 and team is null", {"r2"}),
        ("team = 'o''brien; drop table usage'", set()),
    ],
)
def test_unknown_is_neither_equal_nor_different(tmp_path: Path, when: str, taken: set[str]) -> None:
    first, second, third = rows(3)
    with Log(tmp_path, [{**first, "team": "a"}, {**second, "team": "b"}, third]) as log:
        assert moved(log, {"when": when}) == taken


@pytest.mark.parametrize(
    "parameters",
    [{"rules": []}, {"rules": [{"when": "feature = 'x'"}]}, {"rules": [{"model": SMALL, "share": 2}]}, {}],
)
def test_rules_that_mean_nothing_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        bind("route", parameters)


def test_every_field_of_a_rule_is_explained() -> None:
    assert all(field.description for field in Rule.model_fields.values())
