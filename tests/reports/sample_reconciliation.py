"""Reconciliations that hold everything a report must survive: every cause, other currencies, hostile names."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from llmcost.results.reconcile import model as r
from tests.reports import sample_parts as p
from tests.reports import sample_result

D = Decimal


def _sum(billed: str, cost: str, **place: object) -> r.Sum:
    gap = D(billed) - D(cost)
    share = gap / D(billed) if D(billed) else None
    base = r.Sum(
        billed_usd=D(billed),
        list_usd=D(cost),
        gap_usd=gap,
        gap_share=share,
        unexplained_usd=gap / 2,
        requests=7,
        cells=3,
    )
    return base.model_copy(update=place)


def _cell(
    provider: str, model: str | None, billed: str, cost: str | None, cause: str, certainty: r.Certainty
) -> r.GapCell:
    gap = D(billed) - D(cost or 0)
    return r.GapCell(
        provider=provider, model=model, line_item=provider, start=date(2026, 10, 1), end=date(2026, 10, 2), billed_usd=D(billed),
        list_usd=None if cost is None else D(cost), gap_usd=gap, gap_share=gap / D(billed) if D(billed) else None, requests=7,
        unpriced_requests=0 if cost else 3, cause=cause, certainty=certainty, detail=f"at {provider} prices it costs $1",
        also=[cause],
    )  # fmt: skip


def _part(basis: r.Basis, names: list[str]) -> r.Part:
    kinds: list[r.Certainty] = ["exact", "explained", "suspected", "none"]
    cells = [
        _cell(n, n if i % 2 else None, f"{i + 1}.25", f"{i}.5" if i else None, n, kinds[i % 4])
        for i, n in enumerate(names)
    ]
    return r.Part(
        basis=basis,
        total=_sum("1234.56", "1200.00", unpriced_requests=3),
        providers=[_sum("10", "8.5", provider=n) for n in names],
        models=[_sum("10", "11", provider=n, model=n) for n in names] + [_sum("0", "0.004", provider="openai")],
        days=[_sum("5", "4.999", day=date(2026, 10, d)) for d in (1, 2, 3)],
        causes=[
            r.CauseSum(cause=n, certainty=kinds[i % 4], gap_usd=D(i - 1), cells=2, detail=n)
            for i, n in enumerate(names)
        ],
        cells=cells,
    )


def _reconciliation(names: list[str], bases: tuple[r.Basis, ...] = ("bill", "log")) -> r.Reconciliation:
    base = sample_result.rich()
    return r.Reconciliation(
        generated_with="llmcost 1.0.0",
        title=names[0],
        sources=names,
        period=base.period,
        prices=base.prices,
        tolerance_share=D("0.001"),
        parts=[_part(basis, names) for basis in bases],
        items=[
            r.ItemLine(
                provider=n, line_item=n, model=n, token_class=n, billed_usd=D("3.21"), billed_quantity=D(12_345), quantity_unit=n,
                logged_quantity=None if i % 2 else D(12_000), list_usd=None if i % 2 else D("3.1"), lines=4,
            )
            for i, n in enumerate(names)
        ],
        others=[r.OtherCharge(provider=n, category=n, line_item=n, currency="EUR", amount=D(-5), usd=None, lines=1) for n in names],
        currencies=[
            r.Currency(currency="EUR", amount=D(-5), usd_per_unit=None, rate_source="", usd=None, lines=1),
            r.Currency(currency="GBP", amount=D(2), usd_per_unit=D("1.31"), rate_source="user", usd=D("2.62"), lines=1),
            r.Currency(currency="USD", amount=D(9), usd_per_unit=D(1), rate_source="", usd=D(9), lines=3),
        ],
        left_out=[r.LeftOut(what=n, provider=n, amount_usd=None, amount=D(4), currency="EUR", lines=2) for n in names],
        verdict=r.Verdict(over=True, threshold_share=D("0.05"), worst_share=D("0.15"), reason=f"the gap of {names[0]} is 15%"),
        warnings=names,
    )  # fmt: skip


def ordinary() -> r.Reconciliation:
    """Every cause, on a bill and in a log."""
    return _reconciliation(list(r.CAUSES))


def hostile() -> r.Reconciliation:
    """Every string is an attack."""
    return _reconciliation(list(p.HOSTILE), ("bill",))


def nothing() -> r.Reconciliation:
    """Nothing on either side could be compared."""
    empty = _reconciliation(["openai"], ())
    verdict = r.Verdict(over=None, threshold_share=D("0.05"), worst_share=None, reason="nothing could be compared")
    return empty.model_copy(update={"items": [], "others": [], "currencies": [], "verdict": verdict, "warnings": []})
