"""When a strategy pays, in words a manager understands: volume, price, use, and what decides it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from llmcost.money import ZERO, rounded
from llmcost.results import exhibit_tables
from llmcost.results.breakeven.model import BreakEven, CurvePoint, LeverLine
from llmcost.results.cells import DASH, cells, change_cell, columns, number_cell, share_cell, tone_of, usd_cell
from llmcost.results.chart import Axis, Bars, Line, Lines, Point, Series
from llmcost.results.document import Block, Cell, Document, Figure, Notes, Section, Table
from llmcost.results.headline import period_text
from llmcost.results.outcome import Kind
from llmcost.results.present import clean, counted, money, number, percent, places_of, tiny, told
from llmcost.results.trust_tables import prices_text

_VERDICTS = {
    "always": "pays at every volume tried",
    "never": "pays at no volume tried",
    "above": "pays above the break-even volume",
    "below": "pays below the break-even volume",
    "mixed": "pays at some volumes and not at others",
    "no-effect": "finds nothing to change in this log",
}


def document(found: BreakEven, top_n: int = 10, title: str = "") -> Document:
    """``found`` in words, figures and curves."""
    del top_n
    return Document(
        title=clean(title or found.title) or f"When {clean(found.strategy)} pays",
        subtitle=f"{clean(found.option)} · {period_text(found.period)} · {counted(found.requests, 'request')}",
        sentence=" ".join(_paragraph(found)),
        caveats=tuple(clean(warning) for warning in found.warnings),
        figures=tuple(_figures(found)),
        sections=tuple(_sections(found)),
        footer=f"{clean(found.generated_with)} · {prices_text(found.prices)}",
    )


class _Gap:
    """Two amounts and what lies between them, shown so that what is shown adds up.

    Each is rounded by itself and the third is the difference of what is shown, at most a unit of the last place from its own
    rounding; exact values stand beside the texts.
    """

    def __init__(self, before: Decimal, after: Decimal, exact: Decimal) -> None:
        self.places, self._exact = places_of([before, after]), exact
        shown = [rounded(value, self.places) for value in (before, after)]
        self.before, self.after = (money(value, self.places) for value in (before, after))
        self._shown = shown[0] - shown[1]

    @property
    def saved(self) -> str:
        """``before`` less ``after``."""
        return tiny(self._exact, self._shown, self.places)

    @property
    def apart(self) -> str:
        """The same without its sign."""
        return tiny(abs(self._exact), abs(self._shown), self.places)

    @property
    def cell(self) -> Cell:
        """The saving with its sign, as a cell."""
        return Cell(f"{'+' if self._exact > 0 else ''}{self.saved}", tone_of(self._exact), self._exact)


def _month(found: BreakEven) -> _Gap:
    return _Gap(found.baseline_usd, found.option_usd, found.saving_usd)


def _paragraph(found: BreakEven) -> Iterator[str]:
    """What one would tell a manager."""
    yield f"{_sided(found)}, the strategy {clean(found.strategy)} {_VERDICTS[found.verdict]}."
    month = _month(found)
    yield (
        f"A month of this log costs {month.before} as it is and {month.after} with it: "
        + (f"{month.apart} {'less' if found.saving_usd > 0 else 'more'}." if found.saving_usd else "the same.")
    )
    for crossing in found.crossings[:3]:
        yield (
            f"Both cost the same at {number(crossing.factor)} times today's volume ({number(_whole(crossing.requests_per_month))} requests, "
            f"{number(crossing.mtok_per_month)} million tokens and {money(crossing.usd_per_month)} a month); it pays {crossing.pays} that."
        )
    use = found.use
    if use is not None and use.break_even is not None:
        yield f"What is bought is used {percent(use.now)}; it would have to be used {percent(use.break_even)} to cost what the API does."
        if use.break_even > 1:
            yield (
                "That is more than all of it: even if it never stood idle it would cost more than the API for the same tokens, and more "
                "volume only needs more of it."
            )
        elif use.target is not None and use.break_even > use.target:
            yield (
                f"No more than {percent(use.target)} is meant to be used, so that answers stay quick: at that, no volume gets there, "
                "more volume only needs more of it."
            )
        elif use.most is not None and use.most < use.break_even:
            yield f"The demand comes in peaks: at no volume tried is more than {percent(use.most)} of it used."
    if found.price_factor is not None:
        yield f"With the API's prices at {number(found.price_factor)} times today's, both would cost the same."
    yield from _earned(found)


def _sided(found: BreakEven) -> str:
    low, high = found.curve[0].factor, found.curve[-1].factor
    return f"Over {number(low)} to {number(high)} times today's volume"


def _earned(found: BreakEven) -> Iterator[str]:
    once = found.once
    if once is None:
        return
    if once.months is None:
        again = f" They come again every {number(once.life_months)} months." if once.life_months is not None else ""
        yield (
            f"The {money(once.upfront_usd)} paid at the start are never earned back: a month saves {money(once.monthly_net_usd)} "
            f"before them.{again}"
        )
        return
    days = f", by {_day(once.on)}" if once.on else ""
    low = _ends(once.months_low, once.on_low) if once.months_low is not None else "unknown"
    yield (
        f"The {money(once.upfront_usd)} paid at the start are earned back in {number(once.months)} months{days} "
        f"(between {low} and {_ends(once.months_high, once.on_high)} as the uncertain numbers go)."
    )


def _ends(months: Decimal | None, on: date | None) -> str:
    if months is None:
        return "never"
    return f"{number(months)} months" + (f", {_day(on)}," if on else "")


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _figures(found: BreakEven) -> Iterator[Figure]:
    tone = "saving" if found.saving_usd > 0 else "loss" if found.saving_usd < 0 else ""
    month = _month(found)
    yield Figure("A month as it is", month.before, counted(found.requests, "request") + " in the log")
    yield Figure("A month with it", month.after, clean(found.option))
    yield Figure("Saving a month", month.saved, _VERDICTS[found.verdict], tone)  # type: ignore[arg-type]  # one of the three tones
    if found.crossings:
        first = found.crossings[0]
        yield Figure(
            "Break-even volume", f"{number(first.factor)} x", f"{number(first.mtok_per_month)} million tokens a month"
        )
    if found.use is not None and found.use.break_even is not None:
        yield Figure("Break-even use", percent(found.use.break_even), f"used now: {percent(found.use.now)}")
    if found.once is not None:
        months = "never" if found.once.months is None else f"{number(found.once.months)} months"
        yield Figure("Earned back", months, f"{money(found.once.upfront_usd)} at the start")


def _sections(found: BreakEven) -> Iterator[Section]:
    yield Section("volume", "Cost over volume", (_chart(found), _curve(found), *_crossed(found)), short="Volume")
    if found.ranges:
        yield Section("ranges", "With the ranges at their ends", (_ranges(found),), short="Ranges")
    if found.sizes:
        yield Section("size", f"How much of it: {clean(found.size_name)}", tuple(_sizes(found)), short="Size")
    yield Section("levers", "What decides it", (_tornado(found), _levers(found.levers)), short="Levers")
    if found.use is not None:
        yield Section("use", "Use and price", (_use(found),), short="Use")
    if found.facts or found.exhibits:
        yield Section("found", "What the replay found", tuple(_found(found)), short="Found")
    rows = tuple(
        cells(clean(a.name), f"{clean(a.value)} {clean(a.unit)}".strip(), clean(a.source)) for a in found.assumptions
    )
    if rows:
        table = Table("assumptions", "Assumptions", columns("Assumption", "Value", "Source"), rows, titled=False)
        yield Section("assumptions", "Assumptions", (table,))


def _chart(found: BreakEven) -> Lines:
    def line(label: str, attribute: str) -> Line:
        points = tuple(
            Point(p.mtok_per_month, value, f"{number(p.mtok_per_month)} MTok: {money(value)}")
            for p in found.curve
            for value in (getattr(p, attribute),)
        )
        return Line(label, points)

    marks = tuple(
        Point(c.mtok_per_month, c.usd_per_month, f"{number(c.factor)} x: {money(c.usd_per_month)}")
        for c in found.crossings
    )
    label = "Monthly cost over volume as it is and with the strategy; the numbers are in the table."
    lines = (line("as it is", "baseline_usd"), line(f"with {clean(found.strategy)}", "option_usd"))
    return Lines("curve", label, "million tokens a month", lines, marks)


def _curve(found: BreakEven) -> Table:
    heads = columns("Volume", "Requests a month#", "MTok a month#?", "As it is#$", "With it#$", "Saving#$")
    return Table("curve", "Cost over volume", heads, tuple(_point(p) for p in found.curve), titled=False)


def _point(point: CurvePoint) -> tuple:  # type: ignore[type-arg]  # cells() says it
    gap = _Gap(point.baseline_usd, point.option_usd, point.baseline_usd - point.option_usd)
    return cells(
        f"{number(point.factor)} x", number_cell(_whole(point.requests_per_month)), number_cell(point.mtok_per_month),
        usd_cell(point.baseline_usd, gap.places), usd_cell(point.option_usd, gap.places), gap.cell,
    )  # fmt: skip


def _crossed(found: BreakEven) -> Iterator[Block]:
    if not found.crossings:
        yield Notes(("The two lines do not cross.",))
        return
    rows = tuple(
        cells(
            f"{number(c.factor)} x", number_cell(_whole(c.requests_per_month)), number_cell(c.mtok_per_month), usd_cell(c.usd_per_month),
            f"pays {c.pays}",
        )
        for c in found.crossings
    )  # fmt: skip
    heads = columns("Break-even at", "Requests a month#", "MTok a month#", "Cost a month#$", "Side")
    yield Table("crossings", "Where both cost the same", heads, rows)


def _ranges(found: BreakEven) -> Table:
    heads = columns("Parameter", "Value#", "Saving a month#$", "Break-even at", "Requests a month#", "In words")
    rows = tuple(
        cells(
            f"{clean(end.parameter)}, {end.end}", number_cell(end.value), change_cell(end.saving_usd, good=True),
            ", ".join(f"{number(c.factor)} x" for c in end.crossings[:3]) or "no volume",
            number_cell(_whole(end.crossings[0].requests_per_month)) if end.crossings else DASH,
            _VERDICTS[end.verdict],
        )
        for end in found.ranges
    )  # fmt: skip
    note = "Each range alone at its values, everything else as it is; the log is replayed at all volumes for each."
    return Table("ranges", "With the ranges at their ends", heads, rows, note=note, titled=False)


def _sizes(found: BreakEven) -> Iterator[Block]:
    points = tuple(Point(s.size, s.option_usd, f"{number(s.size)}: {money(s.option_usd)}") for s in found.sizes)
    best = tuple(p for p, s in zip(points, found.sizes, strict=True) if s.best)
    label = f"Monthly cost by {clean(found.size_name)}; the numbers are in the table."
    unit: Axis = "count" if all(size.size == int(size.size) for size in found.sizes) else "number"
    yield Lines("sizes", label, clean(found.size_name), (Line("a month", points),), best, x_unit=unit)
    names = sorted({key for size in found.sizes for key in size.facts})
    heads = columns(_headed(found.size_name), "A month#$", *(f"{_headed(key)}?" for key in names), "Remark")
    rows = tuple(
        cells(
            number(size.size), usd_cell(size.option_usd), *(clean(told(key, size.facts.get(key, ""))) for key in names),
            ", ".join(word for word, there in (("cheapest", size.best), ("the median hour", size.usual)) if there),
        )
        for size in found.sizes
    )  # fmt: skip
    yield Table("sizes", "By size", heads, rows, titled=False)


def _headed(text: str) -> str:
    """A name as a heading: GPUs stay GPUs."""
    return clean(text[:1].upper() + text[1:])


def _whole(value: Decimal) -> Decimal:
    """Requests of a month: nobody reads their fractions, but where there are few."""
    return value.quantize(Decimal(1)) if value >= 100 else value


def _tornado(found: BreakEven) -> Bars:
    levers = found.levers

    def series(label: str, attribute: str) -> Series:
        values = tuple(getattr(line, attribute) for line in levers)
        return Series(label, values, tuple(money(value) for value in values))

    names = tuple(f"{_lever(line)} ({clean(line.low)} to {clean(line.high)})" for line in levers)
    label = "Monthly saving at the low and the high end of each uncertain number; the numbers are in the table."
    return Bars(
        "levers",
        label,
        names,
        (series("low end", "saving_low_usd"), series("high end", "saving_high_usd")),
        base=found.saving_usd,
        base_name=f"as it is: {_month(found).saved}",
    )


_SPELLED = {"usd": "USD", "gpu": "GPU", "ttft": "time to first token,", "tpot": "time per token,"}


def _lever(line: LeverLine) -> str:
    """A parameter's name as words."""
    return " ".join(_SPELLED.get(word, word) for word in clean(line.name).replace("_", " ").split(" "))


def _levers(levers: list[LeverLine]) -> Table:
    heads = columns("Number", "Low?", "High?", "Saving at low#$", "Saving at high#$", "Swing#$?")
    rows = tuple(
        cells(
            _lever(line), clean(line.low), clean(line.high), change_cell(line.saving_low_usd, gap.places, good=True),
            change_cell(line.saving_high_usd, gap.places, good=True), Cell(gap.apart, "", line.swing),
        )
        for line in levers
        for gap in (_Gap(line.saving_high_usd, line.saving_low_usd, line.saving_high_usd - line.saving_low_usd),)
    )  # fmt: skip
    note = "Each number alone at its ends, everything else as it is; the largest swing first."
    return Table("levers", "What decides it", heads, rows, note=note, titled=False)


def _use(found: BreakEven) -> Table:
    use = found.use
    if use is None:
        raise AssertionError("a break-even without use has no such section")
    pairs = [("used now", share_cell(use.now)), ("break-even use (U*)", share_cell(use.break_even))]
    if use.full_use_usd_per_mtok is not None:
        pairs += [
            ("at full use, USD per million tokens", usd_cell(use.full_use_usd_per_mtok)),
            ("at the API, USD per million tokens", usd_cell(use.api_usd_per_mtok)),
            ("tokens a second of a busy GPU", number_cell(use.tokens_per_gpu_second)),
        ]
    note = "Above 100% no volume helps: it costs more than the API even if it never stands idle."
    if (use.break_even or ZERO) <= Decimal(1):
        note = ""
    return Table(
        "use",
        "Use and price",
        columns("What", "Value#"),
        tuple(cells(*pair) for pair in pairs),
        note=note,
        titled=False,
    )


def _found(found: BreakEven) -> Iterator[Block]:
    if found.facts:
        rows = tuple(cells(clean(key), clean(told(key, value))) for key, value in found.facts.items())
        yield Table("facts", "Findings", columns("Finding", "Value"), rows)
    for place, exhibit in enumerate(found.exhibits):
        yield from exhibit_tables.shown(f"exhibit-{place}", exhibit)


OUTCOME = Kind("When a strategy pays", BreakEven, document)
