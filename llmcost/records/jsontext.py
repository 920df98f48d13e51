"""Decodes JSON text exactly: fractions become Decimal, and what is ambiguous is refused, never guessed."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

MAX_DEPTH: Final = 200
"""Levels of lists and objects in one record; logs have a dozen, and deeper ones exhaust whoever reads them."""


def _fraction(text: str) -> Decimal:
    """An exact number; ArithmeticError for an exponent that would fill the memory when it is written out."""
    value = Decimal(text)
    if abs(value.adjusted()) > MAX_EXPONENT:
        raise InvalidOperation
    return value


MAX_EXPONENT: Final = 1000
_DECODER: Final = msgspec.json.Decoder(float_hook=_fraction)
_LONE_SURROGATE: Final = re.compile(
    rb"(?<!\\)((?:\\\\)*)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
_NOT_NUMBERS: Final = frozenset({"NaN", "Infinity", "-Infinity"})


class BadJsonError(ValueError):
    """Text that is not one or more JSON values. ``kind`` becomes the problem's kind; the text quotes nothing."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind, self.detail = kind, detail
        super().__init__(detail)


def decode(data: bytes) -> Any:
    """The one JSON value in ``data``."""
    values = decode_all(data)
    if len(values) != 1:
        raise BadJsonError("bad-json", f"{len(values)} JSON values where one belongs")
    return values[0]


def decode_all(data: bytes) -> list[Any]:
    """The JSON values in ``data`` (a line that lost its newline holds two); at least one, or BadJsonError."""
    try:
        value = _DECODER.decode(data)
    except UnicodeDecodeError as error:
        raise BadJsonError("not-utf8", "text that is not UTF-8") from error
    except RecursionError as error:
        raise BadJsonError("json-too-deep", "JSON nested too deep to be read") from error
    except (msgspec.DecodeError, InvalidOperation):
        return _decode_slowly(data)
    # A later value of a repeated key would silently win: a key may stand only once in an object.
    colons, keys = data.count(b'":') + data.count(b'" :'), _keys(value)
    if colons > keys:  # JSON in a text
        colons -= data.count(b'\\":') + data.count(b'\\" :')
    return [value] if colons <= keys else _decode_slowly(data)


def _keys(value: Any, depth: int = 0) -> int:
    """Keys in all objects; BadJsonError for a value that is nested too deep."""
    if depth > MAX_DEPTH:
        raise BadJsonError("json-too-deep", f"JSON nested more than {MAX_DEPTH} levels deep")
    depth += 1
    if type(value) is dict:
        return len(value) + sum(
            _keys(item, depth) for item in value.values() if type(item) is dict or type(item) is list
        )
    if type(value) is list:
        return sum(_keys(item, depth) for item in value if type(item) is dict or type(item) is list)
    return 0


def _decode_slowly(data: bytes) -> list[Any]:
    """Python's decoder: names the fault, and takes raw control characters and half surrogate pairs (as U+FFFD)."""
    try:
        text = _LONE_SURROGATE.sub(rb"\1\\ufffd", data).decode()
    except UnicodeDecodeError as error:
        raise BadJsonError("not-utf8", "text that is not UTF-8") from error
    values: list[Any] = []
    at = _skip(text, 0)
    while at < len(text):
        try:
            value, end = _SLOW.raw_decode(text, at)
        except BadJsonError:
            raise
        except RecursionError as error:
            raise BadJsonError("json-too-deep", "JSON nested too deep to be read") from error
        except (ValueError, ArithmeticError) as error:
            raise _named(text, error) from error
        _keys(value)
        values.append(value)
        at = _skip(text, end)
    if not values:
        raise BadJsonError("bad-json", "no JSON value")
    return values


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n\ufeff":
        at += 1
    return at


def _named(text: str, error: Exception) -> BadJsonError:
    at = getattr(error, "pos", None)
    if "Unterminated string" in str(error) or (at is not None and at >= len(text.rstrip())):
        return BadJsonError("truncated-json", f"JSON that ends inside a value, after {len(text)} characters")
    return BadJsonError(
        "bad-json", f"not JSON at character {at + 1}" if at is not None else "a number that cannot be read"
    )


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        first: dict[str, Any] = {}
        for key, value in pairs:
            if key in first and first[key] != value:
                raise BadJsonError("duplicate-key", "an object gives one key two different values")
            first[key] = value
    return result


def _constant(name: str) -> Any:
    raise BadJsonError("not-a-number", f"{name} is not a JSON number")


_SLOW: Final = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=_fraction, parse_constant=_constant, strict=False)
