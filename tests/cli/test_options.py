from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from llmcost.cli.options import instant_of, memory, month_of, span_of, zone_of
from llmcost.config import memory_available
from llmcost.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-10-01", UTC, "2026-10-01T00:00:00+00:00"),
        ("2026-10-01", BERLIN, "2026-10-01T00:00:00+02:00"),
        ("2026-10-01T08:00:00Z", BERLIN, "2026-10-01T08:00:00+00:00"),
        ("2026-10-01T08:00:00", BERLIN, "2026-10-01T08:00:00+02:00"),
        ("2026-11-01", BERLIN, "2026-11-01T00:00:00+01:00"),
    ],
)
def test_days_begin_in_the_zone(text: str, zone: ZoneInfo, instant: str) -> None:
    assert instant_of(text, "--since", zone) == micros(instant)


def test_microseconds_are_exact() -> None:
    assert instant_of("2026-10-01T00:00:00.000001Z", "--since") == micros("2026-10-01T00:00:00+00:00") + 1


def test_a_month_has_the_length_the_zone_gives_it() -> None:
    first, last = month_of("2026-10", BERLIN)
    assert last - first == (31 * 24 + 1) * 3_600_000_000  # clocks go back on 25 October
    assert month_of("2026-12") == (micros("2026-12-01T00:00:00+00:00"), micros("2027-01-01T00:00:00+00:00"))


def test_open_spans() -> None:
    assert span_of(None, None, None) == (None, None)
    assert span_of("2026-10-01", None, None) == (micros("2026-10-01T00:00:00+00:00"), None)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "/etc/passwd", ""])
def test_unknown_zones(name: str) -> None:
    with pytest.raises(UsageError):
        zone_of(name)


def test_memory_limits() -> None:
    assert memory("4GB") == "4GB"
    assert int(memory("50%").removesuffix("B")) == memory_available() // 2
    assert int(memory(None).removesuffix("B")) == memory_available() * 70 // 100
