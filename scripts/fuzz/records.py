"""Spoils single records: JSON values at any depth, JSON inside text, cells and headers of tables."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any, Final

from scripts.fuzz.odd import TEXTS, bent, odd_value, raw, unraw

_KEY: Final = re.compile(r'"(?:[^"\\]|\\.){1,60}"\s*:')
Path = tuple[Any, ...]
_LONGEST: Final = 200_000


def dump(value: Any) -> str:
    """The value as JSON text, the odd pieces in their places."""
    try:
        return unraw(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError, TypeError):
        return "{}"


def spoil_json(value: Any, rng: Random) -> Any:
    """The value with one to four changes somewhere inside."""
    holder = [value]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        holder = json.loads(json.dumps(holder))  # no two places may share an object, or a swap ties a knot
        rng.choice(_CHANGES)(holder, rng)
    return holder[0]


def doubled_key(text: str, rng: Random) -> str:
    """JSON text in which an object says one of its keys twice."""
    keys = list(_KEY.finditer(text))
    if not keys:
        return text
    at = rng.choice(keys)
    return f"{text[: at.start()]}{at[0]}{dump(odd_value(rng, 1))},{text[at.start() :]}"


def _places(value: Any, at: Path = (), depth: int = 0) -> list[Path]:
    found = [at]
    if depth < 40:
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in children:
            found += _places(child, (*at, key), depth + 1)
    return found


def _get(value: Any, at: Path) -> Any:
    for key in at:
        value = value[key]
    return value


def _pick(holder: list[Any], rng: Random) -> Path:
    places = _places(holder[0], (0,))
    return rng.choice(places[1:] or places)


def _replace(holder: list[Any], rng: Random) -> None:
    at = _pick(holder, rng)
    was = _get(holder, at)
    _get(holder, at[:-1])[at[-1]] = (
        spoil_text(was, rng) if isinstance(was, str) and rng.random() < 0.4 else odd_value(rng, was)
    )


def _delete(holder: list[Any], rng: Random) -> None:
    at = _pick(holder, rng)
    if len(at) > 1:
        del _get(holder, at[:-1])[at[-1]]


def _swap(holder: list[Any], rng: Random) -> None:
    one, two = _pick(holder, rng), _pick(holder, rng)
    if one[: len(two)] == two or two[: len(one)] == one:
        return
    first, second = _get(holder, one), _get(holder, two)
    _get(holder, one[:-1])[one[-1]], _get(holder, two[:-1])[two[-1]] = second, first


def _copy(holder: list[Any], rng: Random) -> None:
    what = json.loads(json.dumps(_get(holder, _pick(holder, rng))))
    if len(json.dumps(holder)) < _LONGEST:
        at = _pick(holder, rng)
        _get(holder, at[:-1])[at[-1]] = what


def _rename(holder: list[Any], rng: Random) -> None:
    at = _pick(holder, rng)
    inside = _get(holder, at[:-1])
    if isinstance(inside, dict):
        name = str(at[-1])
        new = rng.choice((bent(rng, name), name.upper(), rng.choice(list(inside)), rng.choice(TEXTS)[:100]))
        inside[new] = inside.pop(at[-1])


def _grow(holder: list[Any], rng: Random) -> None:
    lists = [at for at in _places(holder[0], (0,)) if isinstance(_get(holder, at), list)]
    if lists and len(json.dumps(holder)) < _LONGEST // 8:
        found = _get(holder, rng.choice(lists))
        more = rng.choice((found * rng.choice((2, 8)), [None], [raw("{}")], [odd_value(rng, found)]))
        found[rng.randrange(len(found) + 1) : 0] = json.loads(json.dumps(more))


_CHANGES: Final[tuple[Callable[[list[Any], Random], None], ...]] = (
    *(_replace,) * 7, _delete, _delete, _swap, _copy, _rename, _grow,
)  # fmt: skip


def spoil_text(text: str, rng: Random) -> str:
    """Text with a change; where it is JSON or a stream of events itself, inside it."""
    if text[:1] in {"{", "["}:
        try:
            return dump(spoil_json(json.loads(text), rng))
        except (ValueError, RecursionError):
            return bent(rng, text)
    if "data:" in text:
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        start, mark, rest = lines[at].partition("data: ")
        lines[at : at + 1] = [start + mark + spoil_text(rest, rng)] if rest else rng.choice(([], [lines[at]] * 2))
        return "\n".join(lines)
    return bent(rng, text)


def spoil_table(text: str, rng: Random) -> str:
    """A table with one to four cells, columns, or lines changed."""
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return bent(rng, text)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if rows and (row := rows[rng.randrange(len(rows))]):
            _spoil_row(rows, row, rng)
    out = io.StringIO()
    end = rng.choice(("\n", "\n", "\r\n"))
    writer = csv.writer(out, delimiter=rng.choice((delimiter,) * 9 + (";", "\t")), lineterminator=end)
    writer.writerows(rows)
    return out.getvalue()


def _spoil_row(rows: list[list[str]], row: list[str], rng: Random) -> None:
    at = rng.randrange(len(row))
    draw = rng.random()
    if draw < 0.6:
        row[at] = spoil_text(row[at], rng) if rng.random() < 0.4 else rng.choice(TEXTS)
    elif draw < 0.7:
        other = rng.choice(rows)
        if other:
            to = rng.randrange(len(other))
            row[at], other[to] = other[to], row[at]
    elif draw < 0.78:
        for each in rows:
            del each[at : at + 1]
    elif draw < 0.84:
        rows[0][at : at + 1] = [rng.choice((rows[0][at % len(rows[0])] if rows[0] else "x", "", rng.choice(TEXTS)))]
    elif draw < 0.9:
        del row[at]
    elif draw < 0.95:
        row.insert(at, rng.choice(TEXTS))
    else:
        rows.insert(rng.randrange(len(rows) + 1), list(row))
