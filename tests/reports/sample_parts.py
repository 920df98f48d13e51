"""The pieces of the sample results: hostile strings, counters, breakdowns, series, scenarios."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from llmcost.money import ZERO
from llmcost.results import model as m

D = Decimal
SCRIPT = "<script>alert(1)</script>"
FORMULA = "=cmd()|'/C calc'!A0"
ANSI = "\x1b[31mred\x1b[0m\x9b2J\x07"
MARKDOWN = "a|b `c` **d** [e](https://evil.example/) \n# f @everyone"
SQL = "'; drop table usage; --"
UNICODE = "Zürich 東京 \u202etxt.exe\u2028next"
HOSTILE = (
    SCRIPT,
    FORMULA,
    ANSI,
    MARKDOWN,
    SQL,
    UNICODE,
    "-1+1",
    "</script><img src=x onerror=alert(1)>",
    "${x} $y %{z}",
)


def tokens(requests: int, input_: int | None, cached: int | None, output: int | None) -> dict[str, int | None]:
    return {
        "requests": requests,
        "rows": requests,
        "input_tokens": input_,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": None,
        "output_tokens": output,
        "reasoning_output_tokens": None,
    }


def breakdown() -> list[m.Slice]:
    rows: list[tuple[str, str, str | None, str | None, int, Decimal | None]] = [
        ("anthropic", "claude-sonnet-4-5", "support chat", "care", 512_000, D("7421.335")),
        ("anthropic", "claude-haiku-4-5", "support chat", "care", 402_311, D("812.005")),
        ("openai", "gpt-4o", "contract review", "legal", 120_000, D("3310.4450001")),
        ("openai", "gpt-4o-mini", "tagging", "search", 160_000, D("66.6650000")),
        ("openai", "gpt-4o-mini", SCRIPT, "search", 4_000, D("2.0049999")),
        ("openai", "gpt-4o-mini", FORMULA, None, 900, D("0.0019")),
        ("google", "gemini-2.5-flash", "Zürich 東京", "care", 2_000, D("1.1150001")),
        ("own", "gpt-internal-v3", None, None, 39_100, None),
    ]
    return [
        m.Slice(
            **tokens(n, n * 2300, n * 240 if c is not None else None, n * 330),
            dimensions={"provider": p, "model": x, "feature": f, "team": t},
            cost_usd=c,
            unpriced_requests=n if c is None else 0,
        )
        for p, x, f, t, n, c in rows
    ]


def token_lines(cost: Decimal) -> list[m.TokenLine]:
    rest = {"output": D("5300.0000033"), "cache_read": D("93.0000021"), "web_search": D("6.999999")}
    costs = {"input": cost - sum(rest.values(), ZERO), **rest}
    quantities = (D(2_589_000_116), D(412_345_678), D(310_000_007), D(699))
    return [
        m.TokenLine(token_class=key, quantity=n, cost_usd=costs[key]) for key, n in zip(costs, quantities, strict=True)
    ]


def series(cost: Decimal) -> list[m.SeriesPoint]:
    """31 days of three models with weekends at a third, summing exactly to ``cost``."""
    weights = [(D(2) if date(2026, 10, d).weekday() < 5 else D("0.6")) * (80 + d) for d in range(1, 32)]
    shares = {
        ("anthropic", "claude-sonnet-4-5"): D("0.64"),
        ("openai", "gpt-4o"): D("0.29"),
        ("openai", "gpt-4o-mini"): D("0.07"),
    }
    points = [
        m.SeriesPoint(
            date=date(2026, 10, d),
            dimensions={"provider": p, "model": x},
            cost_usd=(cost * share * weight / sum(weights)).quantize(D("0.00000001")),
            requests=int(weight * 70 * share),
        )
        for d, weight in enumerate(weights, 1)
        for (p, x), share in shares.items()
    ]
    rest = cost - sum((p.cost_usd for p in points), D(0))
    points[0] = points[0].model_copy(update={"cost_usd": points[0].cost_usd + rest})
    return points


def coverage() -> m.Coverage:
    return m.Coverage(
        records_read=1_310_000,
        ingested=1_240_311,
        duplicates=69_000,
        superseded=600,
        repeated=[
            m.Repeated(
                source="claude-code",
                key="message.id, else requestId",
                superseded=False,
                count=69_000,
                cost_usd=D("512.125"),
            ),
            m.Repeated(source="otlp-json", key="content and occurrence", superseded=True, count=600, cost_usd=None),
        ],
        rejected=89,
        requests=1_240_311,
        priced_requests=1_201_211,
        priced_share=D(1_201_211) / D(1_240_311),
        unpriced=[
            m.Unpriced(provider="own", model="gpt-internal-v3", reason="no price for this model", requests=39_000),
            m.Unpriced(provider="own", model=FORMULA, reason="no price for this model", requests=100),
        ],
        token_sources={"provider": 1_200_311, "tokenizer": 40_000},
        assumed={"standard tier": 3_000},
    )


def problems() -> list[m.ProblemCount]:
    return [
        m.ProblemCount(
            kind="cache_exceeds_input",
            count=1_204,
            cost_usd=D("3.21"),
            example="october.jsonl:132: cache_read_input_tokens 900, input_tokens 500",
        ),
        m.ProblemCount(kind="not_json", count=89, example=f"october.jsonl:77: {ANSI}", rejected=True),
        m.ProblemCount(kind="no_time", count=3, cost_usd=D("0.00042"), example="more.jsonl:1: id req_91"),
    ]


def cheap_first(cost: Decimal) -> m.Scenario:
    steps = [
        make_step(
            "route",
            "classification to anthropic/claude-haiku-4-5, 402,311 requests",
            D("2150.5049999"),
            modelled=D("2150.5049999"),
            facts={"achieved_share": "0.7996", "cost_weighted_share": "0.41"},
        ),
        make_step(
            "prompt-cache",
            "explicit, ttl 1h, provider's minimum prefix",
            D("1340.2050003"),
            added=D("88.1234567"),
            measured=D("1300.1"),
            modelled=D("40.1050003"),
            facts={"hit_rate": "0.871"},
        ),
        make_step(
            "judge-route",
            "judge anthropic/claude-haiku-4-5 on all requests",
            D("-120.7549"),
            added=D("305.4"),
            modelled=D("-100"),
            assumed=D("-20.7549"),
            assumptions=[
                m.Assumption(name="judge_output_tokens", value="4", unit="tokens", source="user"),
                m.Assumption(name="unparsable_rate", value="0.02", source="default: https://example.org/judge"),
            ],
            warnings=["The judge costs more than it saves here."],
        ),
        make_step("batch", "22 cadences eligible", D("0.0031"), measured=D("0.0031")),
    ]
    scenario = make_scenario("cheap first, cached", cost, steps)
    return scenario.model_copy(
        update={
            "range": m.ScenarioRange(
                p10_usd=scenario.cost_usd - 210,
                p50_usd=scenario.cost_usd,
                p90_usd=scenario.cost_usd + 340,
                saving=around(scenario.saving_usd, 340, 210),
                monthly_cost=around(scenario.monthly_cost_usd or D(0), 210, 340),
                monthly_saving=around(scenario.monthly_saving_usd or D(0), 340, 210),
                drivers=[
                    m.Driver(
                        step=1,
                        strategy="route",
                        parameter="rules.0.share",
                        low=D("0.5"),
                        mode=D("0.8"),
                        high=D("0.9"),
                        saving_low_usd=scenario.saving_usd - 420,
                        saving_high_usd=scenario.saving_usd + 230,
                    ),
                    m.Driver(
                        step=3,
                        strategy="judge-route",
                        parameter="unparsable_rate",
                        low=D(0),
                        mode=D("0.02"),
                        high=D("0.1"),
                        saving_low_usd=scenario.saving_usd + 2,
                        saving_high_usd=scenario.saving_usd - 11,
                    ),
                ],
                replays=9,
                draws=4005,
                held=3,
                off_usd=D("1.25"),
            )
        }
    )


def around(middle: Decimal, below: int, above: int) -> m.Range:
    return m.Range(p10_usd=middle - below, p50_usd=middle, p90_usd=middle + above)


def thinking(cost: Decimal) -> m.Scenario:
    step = make_step(
        "cap-thinking",
        "2,048 tokens for the simple tier",
        D("402.1"),
        assumed=D("402.1"),
        assumptions=[m.Assumption(name="retry_rate", value="0.05", source="user")],
    )
    scenario = make_scenario("cap thinking", cost, [step])
    extra = {"quality": {"expected_quality": "0.912", "lower_95": "0.897"}, "latency": {"p50_seconds": "1.2"}}
    return scenario.model_copy(update=extra)


def self_host(cost: Decimal) -> m.Scenario:
    comparable = D("812.005")
    step = make_step(
        "self-host",
        "2 x H100 around the clock",
        comparable - D("28800"),
        modelled=comparable - D("28800"),
        added=D("28800"),
        warnings=["Break-even utilisation is above 1: never."],
    )
    base = make_scenario("self-host haiku traffic", cost, [step])
    new_cost = cost - step.saving_usd
    return base.model_copy(
        update={
            "cost_usd": new_cost,
            "month_range": m.MonthRange(
                cost=around(new_cost, 90, 120), saving=around(step.saving_usd, 120, 90), days=31, draws=2005
            ),
            "monthly_cost_usd": new_cost * D("30.4375") / 31,
            "comparable_baseline_usd": cost - D("2.0049999"),
            "saving_share": step.saving_usd / (cost - D("2.0049999")),
            "not_comparable": m.NotComparable(
                requests=4_000, cost_usd=D("2.0049999"), reasons={"no price for the target model": 4_000}
            ),
            "flat_charges": [
                m.FlatChargeLine(
                    sku="h100-on-demand", quantity=D(1488), unit="GPU hours", cost_usd=D("28800"), note="not allocated"
                )
            ],
        }
    )


def make_step(
    strategy: str,
    title: str,
    saving: Decimal,
    *,
    added: Decimal = ZERO,
    measured: Decimal = ZERO,
    modelled: Decimal = ZERO,
    assumed: Decimal = ZERO,
    facts: dict[str, str] | None = None,
    assumptions: list[m.Assumption] | None = None,
    warnings: list[str] | None = None,
) -> m.Step:
    assert measured + modelled + assumed == saving, "a sample must keep the law it shows"
    return m.Step(
        strategy=strategy,
        title=title,
        saving_usd=saving,
        cost_added_usd=added,
        requests_changed=402_311,
        changes_answers=strategy == "route",
        evidence=m.Evidence(measured_usd=measured, modelled_usd=modelled, assumed_usd=assumed),
        assumptions=assumptions or [],
        warnings=warnings or [],
        facts=facts or {},
    )


def make_scenario(name: str, cost: Decimal, steps: list[m.Step]) -> m.Scenario:
    saving = sum((step.saving_usd for step in steps), D(0))
    monthly = D("30.4375") / 31
    return m.Scenario(
        **tokens(1_240_311, 2_900_000_123, 310_000_007, 412_345_678),
        cost_usd=cost - saving,
        monthly_cost_usd=(cost - saving) * monthly,
        name=name,
        saving_usd=saving,
        saving_share=saving / cost,
        monthly_saving_usd=saving * monthly,
        comparable_baseline_usd=cost,
        not_comparable=m.NotComparable(requests=0, cost_usd=D(0)),
        steps=steps,
    )
