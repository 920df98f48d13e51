"""What a spreadsheet takes for a formula: the one list of signs that every table of ours is held to."""

from __future__ import annotations

from typing import Final

SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""At the beginning of a cell, behind spaces or apostrophes too; the full-width forms are read like the others
(OWASP ASVS 5.0, 1.2.10, https://asvs.emil.hemdal.se/1.2.10, read 2026-11-24)."""


def begins_formula(text: str) -> bool:
    """Whether a spreadsheet could run ``text``; as a text it needs an apostrophe before it."""
    return text.lstrip(" '").startswith(SIGNS)


def begins_formula_sql(value: str) -> str:
    """The same of a text in the store."""
    # Inside brackets a hyphen is itself only at the end.
    signs = "".join(sorted(SIGNS, key=lambda sign: sign == "-"))
    return f"regexp_matches({value}, '^[ '']*[{signs}]')"
