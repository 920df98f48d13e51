"""Synthetic results that hold everything a report must survive: losses, gaps, problems, unicode and hostile names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from llmcost.results import model as m
from tests.reports import sample_parts as p

D = Decimal


def rich() -> m.Result:
    """A month with two savings, a loss, an unpriced model and every kind of remark."""
    breakdown = p.breakdown()
    cost = sum((line.cost_usd for line in breakdown if line.cost_usd is not None), D(0))
    baseline = m.Totals(
        **p.tokens(1_240_311, 2_900_000_123, 310_000_007, 412_345_678),
        cost_usd=cost,
        monthly_cost_usd=cost * D("30.4375") / 31,
        lines=p.token_lines(cost),
        breakdown=breakdown,
        series=p.series(cost),
    )
    return m.Result(
        generated_with="llmcost 1.0.0",
        title="October bill",
        sources=["logs/openai/october.jsonl", "logs/anthropic/", f"logs/{p.SCRIPT}.csv", "more.jsonl"],
        period=m.Period(
            start=datetime(2026, 10, 1, tzinfo=UTC),
            end=datetime(2026, 11, 1, tzinfo=UTC),
            days=D(31),
            month_days=D("30.4375"),
        ),
        prices=m.PricesUsed(catalogue_sha256="9f2c" * 16, overlay="negotiated.yml"),
        coverage=p.coverage(),
        problems=p.problems(),
        baseline=baseline,
        scenarios=[p.cheap_first(cost), p.thinking(cost), p.self_host(cost)],
        warnings=[f"Owner {p.SCRIPT} has no budget.", "The last day is not complete."],
    )


def empty() -> m.Result:
    """A selection that holds nothing at all."""
    return m.Result(
        generated_with="llmcost 1.0.0",
        period=m.Period(start=None, end=None, days=None, month_days=D("30.4375")),
        prices=m.PricesUsed(catalogue_sha256="0" * 64),
        coverage=m.Coverage(
            records_read=0,
            ingested=0,
            duplicates=0,
            superseded=0,
            rejected=0,
            requests=0,
            priced_requests=0,
            priced_share=None,
        ),
        baseline=m.Totals(requests=0, rows=0, cost_usd=D(0), monthly_cost_usd=None),
    )


def no_times() -> m.Result:
    """Sub-cent spend of a log without times, with one scenario that changes nothing and one unpriced feature."""
    cost = D("0.003456789")
    scenario = m.Scenario(
        **p.tokens(12, 4_000, None, 800),
        cost_usd=cost,
        monthly_cost_usd=None,
        name="identity",
        saving_usd=D(0),
        saving_share=D(0),
        monthly_saving_usd=None,
        comparable_baseline_usd=cost,
        not_comparable=m.NotComparable(requests=0, cost_usd=D(0)),
        steps=[],
    )
    lines = [("known", D("0.003456789"), 12), (None, None, 3)]
    return m.Result(
        generated_with="llmcost 1.0.0",
        title="A few test calls",
        sources=["-"],
        period=m.Period(start=None, end=None, days=None, month_days=D(30)),
        prices=m.PricesUsed(catalogue_sha256="1" * 64, on=date(2026, 11, 1)),
        coverage=m.Coverage(
            records_read=15,
            ingested=15,
            duplicates=0,
            superseded=0,
            rejected=0,
            requests=15,
            priced_requests=12,
            priced_share=D("0.8"),
            unpriced=[m.Unpriced(provider=None, model=None, reason="no model name", requests=3)],
        ),
        baseline=m.Totals(
            **p.tokens(15, 4_000, None, 800),
            cost_usd=cost,
            monthly_cost_usd=None,
            breakdown=[
                m.Slice(
                    **p.tokens(n, None, None, None),
                    dimensions={"feature": f},
                    cost_usd=c,
                    unpriced_requests=0 if c else n,
                )
                for f, c, n in lines
            ],
        ),
        scenarios=[scenario],
    )


def large(models: int = 40, features: int = 200, days: int = 90) -> m.Result:
    """Many models, features and days: what a page and a terminal must fold."""
    base = rich()
    lines = [
        m.Slice(
            **p.tokens(1000 + i, 500_000 + i, i * 1000, 40_000 + i),
            dimensions={
                "provider": f"provider-{i % 5}",
                "model": f"model-{i % models:02}",
                "feature": f"feature-{i:03}",
            },
            cost_usd=D(i * i) / 8 + D("0.0049"),
        )
        for i in range(features)
    ]
    cost = sum((line.cost_usd for line in lines if line.cost_usd is not None), D(0))
    first = date(2026, 8, 1)
    series = [
        m.SeriesPoint(
            date=first + timedelta(days=d),
            dimensions={"provider": "p", "model": f"model-{i:02}"},
            cost_usd=cost / (days * models),
            requests=10 + i,
        )
        for d in range(days)
        for i in range(models)
    ]
    totals = base.baseline.model_copy(
        update={"cost_usd": cost, "lines": p.token_lines(cost), "breakdown": lines, "series": series}
    )
    return base.model_copy(update={"title": "A large bill", "baseline": totals, "scenarios": [p.cheap_first(cost)]})


def hostile() -> m.Result:
    """Every string that a log or a scenario can supply is an attack."""
    base = rich()
    cost = base.baseline.cost_usd
    lines = [
        m.Slice(
            **p.tokens(7, 70, 0, 7),
            dimensions={"provider": x, "model": x, "feature": x, f"tag {x}": x},
            cost_usd=cost / 9,
        )
        for x in p.HOSTILE
    ]
    lines[0] = lines[0].model_copy(update={"cost_usd": cost - cost / 9 * 8})
    return base.model_copy(
        update={
            "title": p.SCRIPT,
            "sources": list(p.HOSTILE),
            "generated_with": f"llmcost {p.ANSI}",
            "period": base.period.model_copy(update={"timezone": "../../" + p.SCRIPT}),
            "warnings": list(p.HOSTILE),
            "baseline": base.baseline.model_copy(
                update={
                    "breakdown": lines,
                    "series": [
                        m.SeriesPoint(
                            date=date(2026, 10, 1),
                            dimensions={"provider": x, "model": x},
                            cost_usd=cost / 9,
                            requests=7,
                        )
                        for x in p.HOSTILE
                    ],
                    "lines": [m.TokenLine(token_class=x, quantity=D(1), cost_usd=cost / 9) for x in p.HOSTILE],
                }
            ),
            "coverage": base.coverage.model_copy(
                update={
                    "unpriced": [m.Unpriced(provider=x, model=x, reason=x, requests=1) for x in p.HOSTILE],
                    "token_sources": dict.fromkeys(p.HOSTILE, 1),
                    "assumed": dict.fromkeys(p.HOSTILE, 1),
                }
            ),
            "problems": [m.ProblemCount(kind=x, count=1, example=x) for x in p.HOSTILE],
            "scenarios": [_hostile_scenario(x, cost) for x in p.HOSTILE],
        }
    )


def _hostile_scenario(text: str, cost: Decimal) -> m.Scenario:
    step = m.Step(
        strategy=text,
        title=text,
        saving_usd=cost / 4,
        cost_added_usd=D(1),
        requests_changed=1,
        evidence=m.Evidence(measured_usd=cost / 4, modelled_usd=D(0), assumed_usd=D(0)),
        assumptions=[m.Assumption(name=text, value=text, unit=text, source=text)],
        warnings=[text],
        facts={text: text},
    )
    base = p.make_scenario(text, cost, [step])
    flat = [m.FlatChargeLine(sku=text, quantity=D(1), unit=text, cost_usd=D(1), model=text, note=text)]
    left = m.NotComparable(requests=1, cost_usd=None, reasons={text: 1})
    extra = {"flat_charges": flat, "quality": {text: text}, "latency": {text: text}, "not_comparable": left}
    return base.model_copy(update=extra)
