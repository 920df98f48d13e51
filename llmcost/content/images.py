"""Counts the input tokens of an image from its size, by the rule of each model family; None where no rule is known.

OpenAI (https://platform.openai.com/docs/guides/images-vision, read 2026-11): tiles of 512 pixels after fitting into 2,048 and a short
side of 768 (gpt-4o, 4.1, 5), or patches of 32 pixels (small models with a multiplier that is recalled; gpt-5.5 and 6 with 1.2,
exact on 10 of 10 measured sizes below their caps). Claude: patches of 28 pixels, exact on 5 and 7 measured sizes below the cap
(measured 2026-11; the documentation's width x height / 750 is close). Gemini 2: 258 a tile of 768
(https://ai.google.dev/gemini-api/docs/tokens, read 2026-11); Gemini 3: about the same for every size, 1,065 to 1,101 measured.

An image whose request set ``detail`` or a resolution costs less or more; a log's sizes do not say. So what is counted here is
an estimate, and beyond the largest size that a rule was seen to hold for it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

Rule = Callable[[int, int], int | None]


def _up(value: int, step: int) -> int:
    return -(-value // step)


def _tiles(base: int, each: int) -> Rule:
    """Fitted into a square of 2,048, then the short side to 768; never enlarged."""

    def count(width: int, height: int) -> int:
        shrink = min(Decimal(1), Decimal(2048) / max(width, height))
        shrink = min(shrink, Decimal(768) / min(width, height))
        wide, high = (max(1, int(side * shrink)) for side in (width, height))
        return base + each * _up(wide, 512) * _up(high, 512)

    return count


def _patches(side: int, factor: str = "1", *, cap: int | None = None, most: int | None = None) -> Rule:
    """Patches times a factor, rounded up; from ``cap`` patches on all cost the cap, beyond ``most`` nobody measured."""

    def count(width: int, height: int) -> int | None:
        patches = _up(width, side) * _up(height, side)
        if most is not None and patches > most:
            return None
        scaled = Decimal(min(patches, cap or patches)) * Decimal(factor)
        return int(scaled.to_integral_value("ROUND_CEILING"))

    return count


def _gemini_2(width: int, height: int) -> int:
    return 258 if max(width, height) <= 384 else 258 * _up(width, 768) * _up(height, 768)


def _gemini_3(_width: int, _height: int) -> int:
    return 1090


@dataclass(frozen=True, slots=True)
class _Family:
    pattern: str
    rule: Rule


_FAMILIES: Final = tuple(
    (re.compile(family.pattern), family.rule)
    for family in (
        _Family(r"\bgpt-?4o-mini", _tiles(2833, 5667)),
        _Family(r"\bgpt-?(5|4\.1)-mini", _patches(32, "1.62", cap=1536)),
        _Family(r"\bgpt-?(5|4\.1)-nano", _patches(32, "2.46", cap=1536)),
        _Family(r"\bo4-mini", _patches(32, "1.72", cap=1536)),
        _Family(r"\bgpt-?5\.5", _patches(32, "1.2", most=10_000)),
        _Family(r"\bgpt-?6", _patches(32, "1.2", most=12_000)),
        _Family(r"\b(gpt-?(4o|4\.1|4\.5)|chatgpt-4o)|\bgpt-?5(?!\.\d)", _tiles(85, 170)),
        _Family(r"\bclaude-(3\b|4(\.[0-6])?-|[a-z]+-[34](-[0-6]|\.[0-6])?(?![-.]?\d\b)(?!\d))", _patches(28, cap=1568)),
        _Family(r"\bclaude\b", _patches(28, most=2_700)),
        _Family(r"\bgemini-(1\.5|2)", _gemini_2),
        _Family(r"\bgemini-3", _gemini_3),
    )
)
"""The first pattern that is found in the lower-case model decides."""


def image_tokens(model: str | None, width: Any, height: Any) -> int | None:
    """Input tokens of one image of this size; None if the size or the model's rule is unknown."""
    if (
        not isinstance(width, int)
        or not isinstance(height, int)
        or min(width, height) < 1
        or max(width, height) > 10**6
    ):
        return None
    rule = next((rule for pattern, rule in _FAMILIES if pattern.search((model or "").lower())), None)
    return rule(width, height) if rule is not None else None
