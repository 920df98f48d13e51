"""What logs of self-hosted servers share: the year of a stamp that has none, and times written with their units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Final

_YEAR: Final = re.compile(r"(?<!\d)(20\d\d)-[01]\d-[0-3]\d")
_NAMED: Final = re.compile(r"(?<!\d)(20[1-9]\d)(?=[-_.]?[01]\d|[^\d])")
_SLACK: Final = timedelta(days=1)
_SECONDS: Final = {
    "ns": "1E-9",
    "µs": "1E-6",
    "μs": "1E-6",
    "us": "1E-6",
    "ms": "1E-3",
    "s": "1",
    "m": "60",
    "h": "3600",
}
_DURATION: Final = re.compile(r"^(\d+(?:\.\d+)?)(ns|µs|μs|us|ms|s|m|h)$")


@dataclass(frozen=True, slots=True)
class Years:
    """How the years of a log's stamps are chosen, and in which words that is told."""

    told: str
    year: int | None = None
    until: datetime | None = None

    def instant(self, month: int, day: int, clock: str, year_on_line: int | None = None) -> int | None:
        """Microseconds of a stamp in UTC; None when no year is known or no calendar has the day."""
        year = year_on_line or self.year or (self.until.year if self.until else None)
        if year is None:
            return None
        hour, minute, second = (int(piece) for piece in clock.split(":"))
        try:
            moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            if year_on_line is None and self.until is not None and moment > self.until + _SLACK:
                moment = moment.replace(year=year - 1)
        except ValueError:
            return None
        return int(moment.timestamp()) * 1_000_000


def years_of(name: str, changed_at: int | None) -> Years:
    """The years of a file's stamps: from its name, else the latest that does not lie behind its last change."""
    if (named := _NAMED.search(PurePath(name).name)) is not None:
        return Years(f"the year {named[1]} of the file's name", int(named[1]))
    if changed_at is None:
        return Years("no year: neither its lines nor its name have one, and nothing tells when it was written")
    until = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=changed_at)
    return Years("the latest year that does not lie behind the file's last change", until=until)


def year_on(line: str) -> int | None:
    """The year of a full date that another logger wrote on the line."""
    found = _YEAR.search(line)
    return int(found[1]) if found else None


def seconds_of(written: str) -> Decimal | None:
    """Seconds of a time with its unit (``735.2ms``, ``955.594µs``, ``1.2s``); None if it is no such time."""
    found = _DURATION.match(written.strip())
    return Decimal(found[1]) * Decimal(_SECONDS[found[2]]) if found else None
