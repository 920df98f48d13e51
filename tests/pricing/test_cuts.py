"""Rows on the same side of every cut have the same rates: the promise that grouping before pricing rests on."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost.pricing.catalogue import Catalogue, Cuts
from llmcost.pricing.windows import WEEK_MINUTES, minute_of_week
from tests.pricing.support import entry, instant, load, write

WINDOWS = '[{ days = ["sun", "mon"], start = 22:00:00, end = 02:00:00, except_dates = [2025-03-09] }, { days = ["wed"], start = 00:00:00, end = 00:00:00 }]'


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    folder = tmp_path_factory.mktemp("prices")
    write(
        folder,
        "shop",
        '[[model]]\nid = "a"\ncache = [{ from = 2025-03-05, mode = "implicit", source = "t", checked = 2026-11-23 }]\n'
        + entry("2025-03-01", "input = 1, output = 2", tier="[{ from_input_tokens = 1000, rates = { input = 5 } }]")
        + entry(
            "2025-03-04T10:00:00Z",
            "input = 3, output = 4",
            tier="[{ from_input_tokens = 2001, rates = { input = 6 } }]",
        )
        + entry("2025-03-02", "input = 7, output = 8", windows=WINDOWS, to="2025-03-20")
        + entry("2025-03-03", "input = 0.5, output = 1", service='"batch"'),
    )
    own = folder.parent / "own.toml"
    own.write_text(
        'provider = "shop"\n[[discount]]\nfactor = 0.5\nfrom = 2025-03-12T00:00:00.000001Z\n', encoding="utf-8"
    )
    return load(folder, own)


def _group(cuts: Cuts, at: int, size: int) -> tuple[int, int, tuple[bool, ...]]:
    return (
        bisect_right(cuts.instants, at),
        bisect_right(cuts.input_tokens, size),
        tuple(w.contains(at) for w in cuts.windows),
    )


START, END = instant("2025-02-27"), instant("2025-03-25")
moments = st.integers(START, END - 1) | st.builds(
    lambda day, hour, off: instant(f"2025-03-{day:02}T{hour:02}:00:00") + off,
    st.integers(1, 21),
    st.integers(0, 23),
    st.integers(-1, 1),
)
sizes = st.sampled_from([0, 999, 1000, 1001, 2000, 2001, 2002, 10**7])


@settings(max_examples=500, deadline=None)
@given(
    first=st.tuples(moments, sizes),
    second=st.tuples(moments, sizes),
    service=st.sampled_from(["standard", "batch"]),
    restricted=st.booleans(),
)
def test_the_same_group_has_the_same_rates(
    book: Catalogue, first: tuple[int, int], second: tuple[int, int], service: str, restricted: bool
) -> None:
    model = book.get("shop/a")
    cuts = book.cuts([model])
    if restricted:
        cuts = cuts.restrict(min(first[0], second[0]), max(first[0], second[0]) + 1)
    if _group(cuts, *first) == _group(cuts, *second):
        at_first, at_second = (
            book.rates(model, at=at, service_tier=service, input_tokens=size) for at, size in (first, second)
        )
        assert at_first == at_second


def test_the_cuts_are_what_the_files_say(book: Catalogue) -> None:
    cuts = book.cuts(book.models("shop"))
    days = (
        "2025-03-01",
        "2025-03-02",
        "2025-03-03",
        "2025-03-04T10:00:00",
        "2025-03-05",
        "2025-03-12T00:00:00.000001",
        "2025-03-20",
    )
    assert cuts.instants == tuple(instant(day) for day in days)
    assert cuts.input_tokens == (1000, 2001)
    assert [(w.start, w.end) for w in cuts.windows] == [
        (0, 120),
        (22 * 60, 1440),
        (1440, 1560),
        (2880, 4320),
        (WEEK_MINUTES - 120, WEEK_MINUTES),
    ]


def test_a_period_needs_only_its_own_cuts(book: Catalogue) -> None:
    late = book.cuts(book.models("shop")).restrict(instant("2025-04-01"), instant("2025-05-01"))
    assert (late.instants, late.input_tokens, late.windows) == ((), (2001,), ())
    early = book.cuts(book.models("shop")).restrict(instant("2025-03-01"), instant("2025-03-02"))
    assert (early.instants, early.input_tokens, early.windows) == ((), (1000,), ())


def test_minutes_of_the_week_start_on_monday() -> None:
    assert minute_of_week(instant("2025-03-03T00:00:59.999999")) == 0
    assert minute_of_week(instant("2025-03-02T23:59:00")) == WEEK_MINUTES - 1
    assert minute_of_week(instant("1969-12-29T00:00:00")) == 0


def test_an_exception_moves_with_the_part_after_midnight(book: Catalogue) -> None:
    def rate(at: str) -> str:
        return str(
            getattr(book.rates(book.get("shop/a"), at=instant(at), input_tokens=1), "list_per_mtok", {}).get("input")
        )

    assert [
        rate(f"2025-03-{t}") for t in ("02T22:00:00", "03T01:59:59", "09T22:00:00", "10T01:59:59", "10T22:00:00")
    ] == ["7", "7", "3", "3", "7"]


def test_the_order_of_entries_decides_nothing(book: Catalogue, tmp_path: Path) -> None:
    text = (book.folder / "shop.toml").read_text(encoding="utf-8")
    head, *prices = text.split("[[model.price]]")
    folder = tmp_path / "reversed"
    folder.mkdir()
    (folder / "shop.toml").write_text(
        "[[model.price]]".join([head, *reversed([p + "\n" for p in prices])]), encoding="utf-8"
    )
    other = load(folder, *book.overlays)
    for hour in range(0, 26 * 24, 3):
        at = START + hour * 3_600_000_000
        for size in (1, 1500, 3000):
            assert book.rates(book.get("shop/a"), at=at, input_tokens=size) == other.rates(
                other.get("shop/a"), at=at, input_tokens=size
            )
