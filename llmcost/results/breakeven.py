"""When a strategy pays: its cost over volume, price and use, by replaying the log at each of them.

Everything is priced by the replay itself; nothing here multiplies a rate. Volumes are factors on the log's own traffic, a
step ``reprice growth`` before the strategy, so the shape of the demand stays. A crossing is bracketed by two volumes that
were replayed and given as their middle where the cost is a staircase.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from llmcost.errors import UsageError
from llmcost.money import EXACT, RATIO, ZERO, plain
from llmcost.results.breakeven_model import (
    BreakEven,
    Crossing,
    CurvePoint,
    LeverLine,
    Once,
    SizePoint,
    Use,
    Verdict,
)
from llmcost.results.model import Result, Scenario, Step
from llmcost.results.scenario import BoundScenario, BoundStep, bind
from llmcost.workload.contract import Lever

VOLUMES: Final = tuple(
    Decimal(text)
    for text in [
        "0.05",
        "0.1",
        "0.2",
        "0.3",
        "0.5",
        "0.7",
        "1",
        "1.5",
        "2",
        "3",
        "5",
        "7",
        "10",
        "15",
        "20",
        "30",
        "50",
        "70",
        "100",
    ]
)
_REFINED: Final = 4
"""Further volumes inside each bracket of a crossing."""
_SIZES: Final = 12
"""At most so many sizes are tried in one sweep, then those around the best."""
_MTOK: Final = Decimal(1_000_000)
_PLACES: Final = Decimal("1e-6")
Play = Callable[[Sequence[BoundScenario]], Result]


@dataclass(frozen=True)
class Subject:
    """A strategy with parameters, and the steps before it that both sides share."""

    step: BoundStep
    before: tuple[BoundStep, ...] = ()
    prices_on: date | None = None

    def scenario(self, name: str, growth: Decimal = Decimal(1), **changed: Any) -> BoundScenario:
        """The subject at a volume, with some parameters changed."""
        step = self.step
        if changed:
            given = step.params.model_dump(exclude_unset=True) | changed
            step = bind(step.name, given)
        grown = () if growth == 1 else (bind("reprice", {"growth": plain(growth)}),)
        return BoundScenario(name, (*self.before, *grown, step), self.prices_on)


@dataclass
class _Plays:
    """Replays asked for by name, played together."""

    play: Play
    asked: dict[str, BoundScenario] = field(default_factory=dict)
    found: dict[str, Scenario] = field(default_factory=dict)
    result: Result | None = None

    def ask(self, key: str, scenario: BoundScenario) -> None:
        """Notes a scenario for the next run."""
        if key not in self.found:
            self.asked[key] = replace(scenario, name=key)

    def run(self) -> Result:
        """Plays what was asked since the last run."""
        if self.asked or self.result is None:
            self.result = self.play(list(self.asked.values()))
            self.found |= {scenario.name: scenario for scenario in self.result.scenarios}
            self.asked = {}
        return self.result


def break_even(subject: Subject, play: Play, volumes: Sequence[Decimal] = VOLUMES) -> BreakEven:
    """When ``subject`` pays. ``play`` replays scenarios over the log; UsageError where the log has no time or no price."""
    plays = _Plays(play)
    for volume in dict.fromkeys((*volumes, Decimal(1))):
        plays.ask(f"volume {plain(volume)}", subject.scenario("", volume))
    result = plays.run()
    own = plays.found["volume 1"]
    if not own.comparable_baseline_usd:
        raise UsageError(
            "no request of the log has a price before and after the strategy, so nothing can be compared",
            hint="llmcost prices list shows what is priced; --prices FILE gives a model a price of your own",
        )
    step = own.steps[-1]
    month = _month(result)
    for key, scenario in _lever_plays(subject, step):
        plays.ask(key, scenario)
    for volume in _inside(_curve(plays, month, result)):
        plays.ask(f"volume {plain(volume)}", subject.scenario("", volume))
    plays.run()
    sizes = _sizes(subject, step, plays, month)
    curve = _curve(plays, month, result)
    crossings = list(_crossings(curve))
    baseline, saving = _before(own), step.saving_usd
    return BreakEven(
        generated_with=result.generated_with, title=result.title, sources=result.sources, period=result.period,
        prices=result.prices, strategy=step.strategy, option=step.title, verdict=_verdict(curve, crossings),
        requests=result.baseline.requests, baseline_usd=_scaled(baseline, month),
        option_usd=_scaled(EXACT.subtract(baseline, saving), month), saving_usd=_scaled(saving, month),
        price_factor=_price_factor(own), curve=curve, crossings=crossings, sizes=sizes,
        size_name=subject.step.strategy.sweep.name if sizes and subject.step.strategy.sweep else "",
        levers=sorted(_levers(subject, plays, own, month), key=lambda line: (-line.swing, line.name)),
        use=_use(own, result), once=_once(own, month, result, _levers(subject, plays, own, month)), facts=step.facts,
        exhibits=step.exhibits, assumptions=step.assumptions,
        warnings=[*result.warnings, *own.steps[-1].warnings, *_remarks(own, result)],
        unpriced_requests=own.not_comparable.requests,
    )  # fmt: skip


def _month(result: Result) -> Decimal:
    """Months in the log's period, as a factor on its amounts."""
    days = result.period.days
    if not days:
        raise UsageError("no row of the log has a time, so there is no volume a month", hint="map a time column")
    return RATIO.divide(result.period.month_days, days)


def _scaled(amount: Decimal, month: Decimal) -> Decimal:
    return RATIO.multiply(amount, month).quantize(_PLACES)


def _before(scenario: Scenario) -> Decimal:
    """What the comparable rows cost before the last step."""
    saved = ZERO
    for step in scenario.steps[:-1]:
        saved = EXACT.add(saved, step.saving_usd)
    return EXACT.subtract(scenario.comparable_baseline_usd, saved)


def _curve(plays: _Plays, month: Decimal, result: Result) -> list[CurvePoint]:
    base = result.baseline
    tokens = RATIO.divide(Decimal((base.input_tokens or 0) + (base.output_tokens or 0)), _MTOK)
    points = []
    for key, scenario in plays.found.items():
        if key.startswith("volume "):
            factor, before = Decimal(key.removeprefix("volume ")), _before(scenario)
            points.append(
                CurvePoint(
                    factor=factor,
                    requests_per_month=_scaled(base.requests * factor, month),
                    mtok_per_month=_scaled(tokens * factor, month),
                    baseline_usd=_scaled(before, month),
                    option_usd=_scaled(EXACT.subtract(before, scenario.steps[-1].saving_usd), month),
                )
            )
    return sorted(points, key=lambda point: point.factor)


def _gap(point: CurvePoint) -> Decimal:
    return EXACT.subtract(point.baseline_usd, point.option_usd)


def _inside(curve: Sequence[CurvePoint]) -> Iterable[Decimal]:
    """Volumes inside each bracket of a crossing, evenly spaced by ratio."""
    for left, right in pairwise(curve):
        if _gap(left) * _gap(right) < 0:
            ratio = float(right.factor / left.factor)
            for place in range(1, _REFINED + 1):
                factor = float(left.factor) * ratio ** (place / (_REFINED + 1))
                yield Decimal(f"{factor:.4g}")


def _crossings(curve: Sequence[CurvePoint]) -> Iterable[Crossing]:
    for left, right in pairwise(curve):
        if _gap(left) * _gap(right) >= 0:
            continue
        part = RATIO.divide(abs(_gap(left)), abs(_gap(left)) + abs(_gap(right)))

        def between(name: str, left: CurvePoint = left, right: CurvePoint = right, part: Decimal = part) -> Decimal:
            low: Decimal = getattr(left, name)
            high: Decimal = getattr(right, name)
            return RATIO.add(low, RATIO.multiply(high - low, part)).quantize(_PLACES)

        yield Crossing(
            factor=between("factor"), requests_per_month=between("requests_per_month"),
            mtok_per_month=between("mtok_per_month"), usd_per_month=between("baseline_usd"),
            pays="above" if _gap(right) > 0 else "below",
        )  # fmt: skip


def _verdict(curve: Sequence[CurvePoint], crossings: Sequence[Crossing]) -> Verdict:
    gaps = [_gap(point) for point in curve]
    if not any(gaps):
        return "no-effect"
    if not crossings:
        return "always" if any(gap > 0 for gap in gaps) else "never"
    return crossings[0].pays if len(crossings) == 1 else "mixed"


def _flat(scenario: Scenario) -> Decimal:
    total = ZERO
    for line in scenario.flat_charges:
        total = EXACT.add(total, line.cost_usd or ZERO)
    return total


def _price_factor(own: Scenario) -> Decimal | None:
    """Rates scale what is paid by the token, not what is paid by the hour."""
    flat = _flat(own)
    avoided = EXACT.add(own.steps[-1].saving_usd, flat)
    return RATIO.divide(flat, avoided).quantize(_PLACES) if avoided > 0 and flat else None


_BOUGHT: Final = ("gpu_hour", "provisioned_throughput", "commitment")


def _use(own: Scenario, result: Result) -> Use | None:
    step = own.steps[-1]
    if "utilisation" not in step.measures:
        return None
    now, flat = step.measures["utilisation"], ZERO
    for line in own.flat_charges:
        if line.sku.startswith(_BOUGHT):
            flat = EXACT.add(flat, line.cost_usd or ZERO)
    avoided = EXACT.add(step.saving_usd, _flat(own))
    share = RATIO.divide(RATIO.multiply(now, flat), avoided).quantize(_PLACES) if avoided > 0 else None
    speed, price = step.measures.get("tokens_per_gpu_second"), step.measures.get("usd_per_gpu_hour")
    base = result.baseline
    tokens = Decimal((base.input_tokens or 0) + (base.output_tokens or 0))
    full = None
    if speed and price is not None:
        full = RATIO.divide(RATIO.multiply(price, _MTOK), RATIO.multiply(speed, Decimal(3600))).quantize(_PLACES)
    api = RATIO.divide(RATIO.multiply(_before(own), _MTOK), tokens).quantize(_PLACES) if tokens else None
    return Use(
        now=now, break_even=share, target=step.measures.get("target_utilisation"), tokens_per_gpu_second=speed,
        full_use_usd_per_mtok=full, api_usd_per_mtok=api,
    )  # fmt: skip


def _lever_plays(subject: Subject, step: Step) -> Iterable[tuple[str, BoundScenario]]:
    for lever in subject.step.strategy.levers:
        for end, value in _values(subject, lever, step):
            yield f"lever {lever.name} {end}", subject.scenario("", **{lever.name: value})


def _values(subject: Subject, lever: Lever, step: Step) -> Iterable[tuple[str, Any]]:
    """The ends of a lever that the parameters allow; none where a relative one has nothing to start from."""
    ends = {"low": lever.low, "high": lever.high}
    if lever.relative:
        now = getattr(subject.step.params, lever.name)
        now = step.measures.get(lever.name) if now is None else now
        if not now:
            return
        whole = isinstance(now, int)
        ends = {end: _times(Decimal(now), Decimal(str(by)), whole=whole) for end, by in ends.items()}
    for end, value in ends.items():
        try:
            subject.scenario("", **{lever.name: value})
        except UsageError:
            continue
        yield end, value


def _times(now: Decimal, by: Decimal, *, whole: bool) -> str:
    product = EXACT.multiply(now, by)
    return plain(product.quantize(Decimal(1) if whole else Decimal("1e-9")))


def _levers(subject: Subject, plays: _Plays, own: Scenario, month: Decimal) -> list[LeverLine]:
    now = own.steps[-1].saving_usd
    lines = []
    for lever in subject.step.strategy.levers:
        ends = dict(_values(subject, lever, own.steps[-1]))
        savings = {end: plays.found[f"lever {lever.name} {end}"].steps[-1].saving_usd for end in ends}
        if any(saving != now for saving in savings.values()):
            lines.append(_line(lever.name, ends, savings, now, month))
    flat = _flat(own)
    avoided = EXACT.add(now, flat)
    for name, low, high in (("API prices", Decimal("0.7"), Decimal("1.3")),):
        cheap, dear = (EXACT.subtract(EXACT.multiply(avoided, by), flat) for by in (low, high))
        lines.append(
            _line(
                name, {"low": f"{plain(low)} x", "high": f"{plain(high)} x"}, {"low": cheap, "high": dear}, now, month
            )
        )
    half, double = (plays.found[key].steps[-1].saving_usd for key in ("volume 0.5", "volume 2"))
    lines.append(_line("volume", {"low": "0.5 x", "high": "2 x"}, {"low": half, "high": double}, now, month))
    return lines


def _line(
    name: str, ends: Mapping[str, Any], savings: Mapping[str, Decimal], now: Decimal, month: Decimal
) -> LeverLine:
    return LeverLine(
        name=name, low=str(ends.get("low", "as it is")), high=str(ends.get("high", "as it is")),
        saving_low_usd=_scaled(savings.get("low", now), month), saving_high_usd=_scaled(savings.get("high", now), month),
    )  # fmt: skip


def _sizes(subject: Subject, step: Step, plays: _Plays, month: Decimal) -> list[SizePoint]:
    """The sizes that were tried: a coarse sweep, then those around its best."""
    sweep = subject.step.strategy.sweep
    most = int(step.measures.get(sweep.most, ZERO)) if sweep is not None else 0
    if sweep is None or most < 1:
        return []
    usual = int(step.measures[sweep.usual]) if sweep.usual and sweep.usual in step.measures else None
    also: dict[str, Any] = {
        name: value for name, value in sweep.also.items() if name not in subject.step.params.model_fields_set
    }

    def tried(sizes: Iterable[int]) -> dict[int, Scenario]:
        wanted = sorted(set(sizes))
        for size in wanted:
            plays.ask(f"size {size}", subject.scenario("", **(also | {sweep.name: size})))
        plays.run()
        return {size: plays.found[f"size {size}"] for size in wanted}

    stride = max(1, -(-most // _SIZES))
    found = tried([*range(0, most + 1, stride), most, *([usual] if usual is not None else [])])
    while stride > 1:
        best = min(found, key=lambda size: _cost(found[size]))
        finer = max(1, stride // 4)
        found |= tried(range(max(0, best - stride), min(most, best + stride) + 1, finer))
        stride = finer
    best = min(found, key=lambda size: _cost(found[size]))
    return [
        SizePoint(
            size=Decimal(size), option_usd=_scaled(_cost(scenario), month), best=size == best, usual=size == usual,
            facts={k: v for k, v in scenario.steps[-1].facts.items() if k in _SHOWN},
        )
        for size, scenario in sorted(found.items())
    ]  # fmt: skip


_SHOWN: Final = frozenset({"share served", "use of the GPUs", "use of the units"})


def _cost(scenario: Scenario) -> Decimal:
    return EXACT.subtract(_before(scenario), scenario.steps[-1].saving_usd)


def _once(own: Scenario, month: Decimal, result: Result, levers: Sequence[LeverLine]) -> Once | None:
    paid = [line for line in own.flat_charges if line.once_usd is not None]
    if not paid:
        return None
    upfront = borne = ZERO
    for line in paid:
        upfront = EXACT.add(upfront, line.once_usd or ZERO)
        borne = EXACT.add(borne, line.cost_usd or ZERO)
    share = _scaled(borne, month)
    net = EXACT.add(_scaled(own.steps[-1].saving_usd, month), share)

    def months(monthly: Decimal) -> Decimal | None:
        return RATIO.divide(upfront, monthly).quantize(Decimal("1e-3")) if monthly > 0 else None

    least = [
        months(EXACT.add(value, share)) for line in levers for value in (line.saving_low_usd, line.saving_high_usd)
    ]
    known = [value for value in least if value is not None]
    needed = months(net)
    end = result.period.end
    day = None
    if needed is not None and end is not None and needed < 1200:
        day = end.date() + timedelta(days=int(needed * result.period.month_days))
    return Once(
        upfront_usd=upfront, monthly_net_usd=net, months=needed, on=day, months_low=min(known, default=None),
        months_high=None if None in least else max(known, default=None),
    )  # fmt: skip


def _remarks(own: Scenario, result: Result) -> Iterable[str]:
    days = result.period.days
    if days is not None and days < 7:
        yield f"a month is scaled from {plain(days.quantize(Decimal('0.01')))} days: its weekday and night hours are assumed to repeat"
    if own.not_comparable.requests:
        yield f"{own.not_comparable.requests} requests have no price on one of the sides and are left out"
