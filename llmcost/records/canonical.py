"""Values under canonical names to a usage row: what each column accepts, and what a bad value does to the row.

A bad value in a column that identifies, times, counts or bills a call rejects the record. In any other column it
becomes unknown, the row stays, and a problem says so: no spend is lost to a strange temperature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, cast

from llmcost.money import plain
from llmcost.records.contract import Problem
from llmcost.records.jsontext import decode
from llmcost.records.values import BadValueError, as_json, count, flag, instant, is_absent, money, number, text
from llmcost.usage import names
from llmcost.usage.columns import BY_NAME, SUM_OF_CALLS, Column, Usage

KEY_LIMIT: Final = 2**63
KEYS: Final = frozenset({"prompt_key", "response_key", "prefix_keys", "seed"})
"""Columns whose whole numbers are identities, not amounts: up to 63 bits, or any text."""
_SOFT_GROUPS: Final = frozenset({"part", "owner", "request", "quality", "key"})


def key(value: Any, field: str) -> int | None:
    """A key that the log supplies: a non-negative whole number, or the hash of any text.

    Numbers beyond 63 bits and texts that are no number become BLAKE2b-64 of their text with the top bit cleared. The
    hash is unkeyed, so that a file reads the same for everybody; the ingest re-keys whatever a log supplies.
    """
    if is_absent(value):
        return None
    wrong = isinstance(value, bool) or not isinstance(value, str | int | float | Decimal)
    if wrong or (isinstance(value, Decimal | float) and not _is_whole(value)):
        raise BadValueError("not-a-key", f"{field} is {type(value).__name__}, not a key")
    word = value.strip() if isinstance(value, str) else str(int(value))
    if word.isascii() and word.isdigit() and len(word) <= 19 and int(word) < KEY_LIMIT:
        return int(word)
    if not isinstance(value, str) and int(value) < 0:
        raise BadValueError("negative-key", f"{field} is negative")
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest()) >> 1 if word else None


def _is_whole(value: Decimal | float) -> bool:
    exact = Decimal(value)
    return exact.is_finite() and exact.adjusted() < 60 and exact == exact.to_integral_value()


def tags(value: Any, field: str) -> str | None:
    """A map of text to text as canonical JSON; scalars become text, empty ones are left out. Absent or empty is None.

    Takes an object, its JSON text (as CSV has it) or the pairs that Parquet gives for a map.
    """
    loaded = _loaded(value, field)
    if loaded is None:
        return None
    pairs = loaded.items() if isinstance(loaded, dict) else loaded
    kept: dict[str, str] = {}
    try:
        for name, item in pairs:
            words = tag_text(item, field)
            if words is not None and kept.setdefault(str(name), words) != words:
                raise BadValueError("duplicate-key", f"{field} gives one key two different values")
    except (TypeError, ValueError) as error:
        raise (
            error if isinstance(error, BadValueError) else BadValueError("not-a-map", f"{field} is not a map")
        ) from error
    return as_json(kept) if kept else None


def tag_text(value: Any, field: str) -> str | None:
    """One label's text: JSON's words for truth values, plain digits for numbers."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return text(plain(value) if isinstance(value, Decimal) and value.is_finite() else value, field)


def images(value: Any, field: str) -> str | None:
    """A list of ``{width, height, count}`` as canonical JSON; a missing count stays out. Absent or empty is None."""
    loaded = _loaded(value, field)
    if loaded is None or loaded == []:
        return None
    if not isinstance(loaded, list) or not all(isinstance(item, dict) for item in loaded):
        raise BadValueError("not-images", f"{field} is not a list of images")
    return as_json([_image(item, field) for item in loaded])


def _image(item: Mapping[str, Any], field: str) -> dict[str, int]:
    if strange := set(item) - {"width", "height", "count"}:
        raise BadValueError("not-images", f"{field} has {len(strange)} fields besides width, height and count")
    sizes = {
        name: size
        for name in ("width", "height", "count")
        if (size := count(item.get(name), f"{field}.{name}")) is not None
    }
    if not {"width", "height"} <= sizes.keys():
        raise BadValueError("not-images", f"{field} has an image without width and height")
    return sizes


def _loaded(value: Any, field: str) -> Any:
    """A list or map as it is, or parsed from JSON text; None when absent."""
    if is_absent(value):
        return None
    if not isinstance(value, str):
        return value
    try:
        return decode(value.encode())
    except ValueError as error:
        raise BadValueError("not-json", f"{field} is text that is not JSON") from error


def _list(of: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    def read(value: Any, field: str) -> list[Any] | None:
        loaded = _loaded(value, field)
        if loaded is None:
            return None
        if not isinstance(loaded, list):
            raise BadValueError("not-a-list", f"{field} is not a list")
        items = [of(item, field) for item in loaded]
        if None in items:
            raise BadValueError("not-a-list", f"{field} has an empty element")
        return items

    return read


def _word(column: Column) -> Callable[[Any, str], str | None]:
    def read(value: Any, field: str) -> str | None:
        word = (text(value, field) or "").lower()
        if word and word not in column.allowed:
            raise BadValueError("unknown-word", f"{field} is none of {', '.join(column.allowed)}")
        return word or None

    return read


def provider(value: Any, field: str) -> str | None:
    """A provider under its canonical name."""
    return names.provider(text(value, field))


def service_tier(value: Any, field: str) -> str | None:
    """A tier in our words; a tier of unknown price is an error, one that says nothing is None."""
    word = text(value, field)
    if names.is_unknown_tier(word):
        raise BadValueError("unknown-tier", f"{field} is a tier of unknown price")
    return names.service_tier(word)


def _micros(value: Any, field: str) -> int | None:
    return instant(value, field, "us")


_BY_TYPE: Final[dict[str, Callable[[Any, str], Any]]] = {
    "text": text, "count": count, "instant": _micros, "decimal": money, "number": number, "flag": flag,
    "counts": _list(count), "numbers": _list(number), "json": tags,
}  # fmt: skip
_BY_NAME: Final[dict[str, Callable[[Any, str], Any]]] = {
    "provider_name": provider, "service_tier": service_tier, "images": images,
    "prompt_key": key, "response_key": key, "seed": key, "prefix_keys": _list(key),
}  # fmt: skip


def _converter(column: Column) -> Callable[[Any, str], Any]:
    return _BY_NAME.get(column.name) or (_word(column) if column.allowed else _BY_TYPE[column.type])


CONVERT: Final = {name: _converter(column) for name, column in BY_NAME.items()}
"""What reads a value of each canonical column: None when absent, BadValueError when it cannot be."""
SOFT: Final = frozenset(c.name for c in BY_NAME.values() if c.group in _SOFT_GROUPS or c.allowed)
"""Columns in which a bad value leaves the row standing."""


def usage_row(values: Mapping[str, Any]) -> tuple[Usage, list[Problem]]:
    """A usage row of values under canonical names, with what could not be used; BadValueError rejects the record."""
    row: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        try:
            converted = CONVERT[name](value, name)
        except BadValueError as error:
            if name not in SOFT:
                raise
            problems.append(Problem(error.kind, error.detail, rejected=False))
            continue
        if converted is not None:
            row[name] = converted
    problems.extend(_prepaid(values.get("service_tier")))
    if row and "requests" not in row and "ended_at" not in row and row.get("operation_name") != SUM_OF_CALLS:
        row["requests"] = 1  # only a bucket, which has an end, stands for another number of calls
    return cast("Usage", row), problems


def _prepaid(tier: Any) -> Iterator[Problem]:
    if isinstance(tier, str) and names.is_prepaid_tier(tier):
        yield Problem(
            "prepaid-tier",
            "service_tier was paid before; counted as standard for its list value",
            rejected=False,
            informative=True,
        )
