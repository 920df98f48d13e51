"""Chance, names and times that come out the same on every machine and Python version."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

T = TypeVar("T")
MONTH = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 31
SEED = 20261001


class Dice:
    """Seeded by name. Uses nothing but ``random()``, the one method Python promises never to change."""

    def __init__(self, name: str, seed: int = SEED) -> None:
        self.name = name
        self._random = random.Random(f"{seed}/{name}").random
        self._made = 0

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included, all equally likely."""
        return low + int(self._random() * (high - low + 1))

    def around(self, low: int, high: int) -> int:
        """A whole number, both ends included, the middle more likely."""
        return low + int((self._random() + self._random() + self._random()) / 3 * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        return options[int(self._random() * len(options))]

    def weighted(self, options: Sequence[tuple[T, int]]) -> T:
        """One of the options, by their weights."""
        left = self._random() * sum(weight for _, weight in options)
        for option, weight in options:
            left -= weight
            if left < 0:
                return option
        return options[-1][0]

    def token(self, prefix: str, length: int = 24) -> str:
        """A fresh id in the style of the providers."""
        self._made += 1
        return prefix + digest(f"{self.name}/{self._made}", length)

    def uuid(self) -> str:
        """A fresh id in the form of a UUID."""
        text = self.token("", 32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def digest(text: str, length: int = 24) -> str:
    """Hexadecimal digits that stand for ``text``."""
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()[:length]


def key(text: str) -> int:
    """A non-negative 63-bit integer that stands for ``text``."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def at(day: int, seconds: float) -> datetime:
    """An instant of the month: ``day`` 0 is the first."""
    return MONTH + timedelta(days=day, milliseconds=int(seconds * 1000))


def is_weekday(day: int) -> bool:
    """Whether people work on that day of the month."""
    return (MONTH + timedelta(days=day)).weekday() < 5


def stamp(moment: datetime) -> str:
    """RFC 3339 with milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return int(moment.timestamp())
