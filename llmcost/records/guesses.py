"""Guesses which field of an unknown file is which usage column, from names, types and values, and says how sure it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal

from llmcost.records.profile import Profile, profiles, row_lists
from llmcost.records.spellings import SPELLINGS, TOTALS, Kind
from llmcost.usage import names

Sure = Literal["sure", "likely", "a guess"]
EPOCH: Final = "2025-01-01T00:00:00Z"
"""Where a relative time is made to begin: the log does not say."""
_MODEL_LIKE: Final = re.compile(
    r"gpt-|^o[134](-|$)|claude|gemini|llama|mi[sx]tral|qwen|deepseek|grok|command-|gemma|glm|kimi|phi-|titan|nova-",
    re.IGNORECASE,
)
_MAKERS: Final = {
    r"^(gpt-|o[134](-|$)|chatgpt|text-embedding-)": "openai", r"^claude": "anthropic", r"^gemini": "google", r"^grok": "xai",
    r"^(mistral|codestral|magistral|ministral)": "mistral", r"^deepseek": "deepseek", r"^command": "cohere",
}  # fmt: skip
_WORDS_OF_SURE: Final[tuple[Sure, ...]] = ("a guess", "likely", "sure")
_BLOCKS: Final = (16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class Guess:
    """One column of the mapping: where its value comes from, how sure that is, and why."""

    column: str
    rule: Mapping[str, Any]
    sure: Sure
    why: str

    @property
    def field(self) -> str | None:
        """The one field it reads."""
        found = self.rule.get("field")
        return found if isinstance(found, str) else None


@dataclass(frozen=True)
class Guesses:
    """All guesses, what was left, and what the reader must know."""

    found: tuple[Guess, ...]
    left: tuple[Profile, ...]
    remarks: tuple[str, ...]
    provider: str | None = None


_TELLING: Final = frozenset({"input_tokens", "output_tokens", "started_at", "billed_cost", "request_model"})


def best(records: Sequence[Any]) -> tuple[str | None, Guesses]:
    """Where the rows are (None: each record is one) and the guesses there: the place that says most of usage."""
    found = [(path, guess(profiles(rows))) for path, rows in row_lists(records)]
    return max(found, key=lambda item: sum(g.column in _TELLING for g in item[1].found))


def guess(fields: Sequence[Profile]) -> Guesses:
    """The mapping that fits the fields best: every column at most once, every field at most once."""
    scored = sorted(
        (
            (score, -place, -number, column, profile, read)
            for number, profile in enumerate(fields)
            for place, (column, score, read) in _fits(profile)
        ),
        key=lambda item: item[:3],
        reverse=True,
    )
    taken: dict[str, Guess] = {}
    used: set[str] = set()
    for score, _, _, column, profile, (rule, why) in scored:
        if column not in taken and profile.path not in used:
            taken[column] = Guess(column, {"field": profile.path, **rule}, _WORDS_OF_SURE[score - 1], why)
            used.add(profile.path)
    by_path = {profile.path: profile for profile in fields}
    remarks: list[str] = []
    _settle(taken, by_path, remarks)
    provider = _provider(taken, by_path, remarks)
    found = tuple(taken[column] for column in (*SPELLINGS, "prefix_block_tokens") if column in taken)
    read = {field for g in found for field in (g.field, *g.rule.get("add", ()))}
    return Guesses(found, tuple(p for p in fields if p.path not in read), tuple(remarks), provider)


def _fits(profile: Profile) -> list[tuple[int, tuple[str, int, tuple[dict[str, Any], str]]]]:
    """Columns that the field may be, with a score: 3 for its very name, 2 for a name like it, 1 for its values alone."""
    found = []
    for place, (column, spelling) in enumerate(SPELLINGS.items()):
        named = (
            3
            if profile.name in spelling.exact
            else 2
            if spelling.likely and spelling.likely.fullmatch(profile.name)
            else 0
        )
        if not named and column not in {"started_at", "request_model"}:
            continue
        read = _KINDS[spelling.kind](profile)
        if read is not None and (named or _tells_itself(column, profile)):
            relative = "epoch" in read[0]
            found.append((place, (column, max(1, named - relative), read)))
    return found


def _tells_itself(column: str, profile: Profile) -> bool:
    """Whether values alone make a column likely: written times, names of models."""
    texts = [value for value in profile.values if isinstance(value, str)]
    if column == "started_at":
        return len(texts) == len(profile.values) and all("-" in text for text in texts)
    return bool(texts) and sum(bool(_MODEL_LIKE.search(text)) for text in texts) * 2 > len(profile.values)


def _count(profile: Profile) -> tuple[dict[str, Any], str] | None:
    if profile.counts is None:
        return None
    return {}, f"{profile.known} rows have a count, {min(profile.counts)} to {max(profile.counts)}"


def _instant(profile: Profile) -> tuple[dict[str, Any], str] | None:
    if profile.instants is not None:
        if any(isinstance(value, str) for value in profile.values):
            return {}, f"{profile.known} rows have a time"
        unit = next(
            u
            for u, top in (("s", 11), ("ms", 14), ("us", 17), ("ns", 30))
            if (profile.amounts or (0,))[0] < Decimal(10) ** top
        )
        return {"unit": unit}, f"{profile.known} rows have a number as large as {unit} since 1970"
    numbers = profile.amounts
    if numbers is None or min(numbers) < 0 or list(numbers) != sorted(numbers):
        return None
    whole = all(n == n.to_integral_value() for n in numbers) and max(numbers) > 1000
    unit = "ms" if whole else "s"
    why = f"numbers that never fall, from {_short(numbers[0])}: {unit} since a start that the log does not name"
    return {"unit": unit, "epoch": EPOCH}, why


def _time(profile: Profile) -> tuple[dict[str, Any], str] | None:
    numbers = profile.amounts
    if numbers is None or min(numbers) < 0:
        return None
    middle = sorted(numbers)[len(numbers) // 2]
    words = profile.name.split("_")
    if {"ms", "millis", "milliseconds"} & set(words):
        return {}, f"milliseconds by its name; the middle value is {_short(middle)}"
    named = {"s", "sec", "secs", "seconds"} & set(words)
    if named or middle < 100:
        return {"scale": 1000}, f"seconds by its {'name' if named else 'size'}: the middle value is {_short(middle)}"
    return {}, f"milliseconds by its size: the middle value is {_short(middle)}"


def _model(profile: Profile) -> tuple[dict[str, Any], str] | None:
    if not profile.labels or any(len(str(v).split()) > 4 for v in profile.values):
        return None
    like = sum(bool(_MODEL_LIKE.search(str(value))) for value in profile.values)
    return {}, f"{profile.distinct} different names, {like} of {len(profile.values)} look like models"


def _money(profile: Profile) -> tuple[dict[str, Any], str] | None:
    if profile.amounts is None:
        return None
    cents = "cents" in profile.name.split("_")
    told = f"amounts from {_short(min(profile.amounts))} to {_short(max(profile.amounts))}; map it only if it was charged, not estimated"
    return ({"scale": Decimal("0.01")}, f"cents by its name; {told}") if cents else ({}, told)


def _label(profile: Profile) -> tuple[dict[str, Any], str] | None:
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in profile.values)
    return ({}, f"{profile.distinct} different values in {profile.known} rows") if profile.labels or whole else None


def _id(profile: Profile) -> tuple[dict[str, Any], str] | None:
    if _label(profile) is None or profile.distinct < len(profile.values) or profile.rows > len(profile.values):
        return None
    return {}, f"different in each of {profile.rows} rows"


def _number(profile: Profile) -> tuple[dict[str, Any], str] | None:
    return ({}, f"{profile.known} rows have a number") if profile.amounts is not None else None


def _share(profile: Profile) -> tuple[dict[str, Any], str] | None:
    numbers = profile.amounts
    return ({}, "numbers from 0 to 1") if numbers is not None and min(numbers) >= 0 and max(numbers) <= 1 else None


def _keys(profile: Profile) -> tuple[dict[str, Any], str] | None:
    if not profile.lists or not profile.values:
        return None
    return {}, "lists of ids; right only if an equal id means an equal prompt up to there"


def _status(profile: Profile) -> tuple[dict[str, Any], str] | None:
    texts = sorted({str(value).lower() if isinstance(value, bool) else str(value) for value in profile.values})
    if len(texts) > 20:
        return None
    if all(re.fullmatch(r"[1-5]\d\d(\.0)?", text) for text in texts):
        return {"map": {text: names.status_of(int(float(text))) or "error" for text in texts}}, "HTTP status codes"
    words = {"true": "ok", "false": "error", "1": "ok", "0": "error", "success": "ok", "succeeded": "ok", "ok": "ok", "failure": "error",
             "failed": "error", "error": "error", "cancelled": "cancelled", "timeout": "error"}  # fmt: skip
    if all(text.lower() in words for text in texts):
        return {"map": {text: words[text.lower()] for text in texts}}, f"{len(texts)} different outcomes"
    return None


_KINDS: Final[Mapping[Kind, Callable[[Profile], tuple[dict[str, Any], str] | None]]] = {
    "count": _count, "instant": _instant, "time": _time, "model": _model, "money": _money, "label": _label, "id": _id, "number": _number,
    "share": _share, "keys": _keys, "status": _status,
}  # fmt: skip


def _short(number: Decimal) -> str:
    return f"{float(number):.6g}"


def _settle(taken: dict[str, Guess], by_path: Mapping[str, Profile], remarks: list[str]) -> None:
    """Puts parts inside their wholes where the values say that they stand beside them, and checks the total."""
    _inside(taken, by_path, "input_tokens", ("cache_read_input_tokens", "cache_creation_input_tokens"))
    _inside(taken, by_path, "output_tokens", ("reasoning_output_tokens",))
    total = next((p for p in by_path.values() if p.name in TOTALS and p.counts is not None), None)
    given, made = _sums(taken, by_path, "input_tokens"), _sums(taken, by_path, "output_tokens")
    if total is not None and given and made and len(given) == len(made) == len(total.counts or ()):
        equal = sum(a + b == t for a, b, t in zip(given, made, total.counts or (), strict=True))
        remarks.append(
            f"{total.path} is input + output in {equal} of {len(given)} rows"
            + ("" if equal == len(given) else ": look at what the counts contain")
        )
        if equal == len(given):
            for column in ("input_tokens", "output_tokens"):
                taken[column] = replace(taken[column], sure="sure")
    keys, whole = taken.get("prefix_keys"), taken.get("input_tokens")
    if keys is not None and whole is not None and (size := _block(by_path[str(keys.field)], given)) is not None:
        taken["prefix_block_tokens"] = Guess(
            "prefix_block_tokens", {"value": size}, "likely", "input tokens over the number of ids, rounded"
        )


def _sums(taken: Mapping[str, Guess], by_path: Mapping[str, Profile], column: str) -> list[int]:
    """The counts of a column in every row, sums added up; empty unless all rows have them."""
    found = taken.get(column)
    if found is None:
        return []
    fields = [found.field] if found.field else list(found.rule.get("add", ()))
    columns = [by_path[field] for field in fields if field in by_path]
    if not columns or any(p.counts is None or len(p.counts) < p.rows for p in columns):
        return []
    return [sum(values) for values in zip(*(p.counts or () for p in columns), strict=True)]


def _inside(taken: dict[str, Guess], by_path: Mapping[str, Profile], whole: str, parts: tuple[str, ...]) -> None:
    given = taken.get(whole)
    inner = [taken[part] for part in parts if part in taken]
    if given is None or not inner or given.field is None:
        return
    wholes = by_path[given.field].counts or ()
    larger = [g for g in inner if _exceeds(by_path[str(g.field)].counts or (), wholes)]
    if larger:
        fields = [given.field, *(str(g.field) for g in inner)]
        why = f"{larger[0].field} is larger than {given.field} in some rows, so it stands beside it"
        taken[whole] = Guess(whole, {"add": fields, "default": 0}, "likely", why)


def _exceeds(parts: Sequence[int], wholes: Sequence[int]) -> bool:
    return len(parts) == len(wholes) and any(part > whole for part, whole in zip(parts, wholes, strict=True))


def _block(profile: Profile, given: Sequence[int]) -> int | None:
    sizes = [whole / len(keys) for whole, keys in zip(given, profile.values, strict=False) if keys and len(keys) > 3]
    if not sizes:
        return None
    largest = max(sizes)
    return min(_BLOCKS, key=lambda size: abs(size - largest))


def _provider(taken: dict[str, Guess], by_path: Mapping[str, Profile], remarks: list[str]) -> str | None:
    """Who is billed: the prefix of the models, or who makes them all."""
    model = taken.get("request_model")
    if model is None or model.field is None:
        remarks.append(
            'no field names the model: say request_model = { value = ".." } if it was one, or nothing is priced'
        )
        return None
    values = [str(value) for value in by_path[model.field].values]
    if "provider_name" in taken:
        return None
    heads = {value.partition("/")[0] for value in values}
    if all("/" in value for value in values) and all(names.is_provider(head) for head in heads):
        taken["provider_name"] = Guess(
            "provider_name",
            {"field": model.field, "split": "/", "part": 0},
            "likely",
            "what stands before the model's first slash",
        )
        if not any(value.count("/") > 1 for value in values):
            taken["request_model"] = replace(model, rule={"field": model.field, "split": "/", "part": 1})
        return None
    makers = {
        next((maker for pattern, maker in _MAKERS.items() if re.search(pattern, value)), None) for value in values
    }
    if len(makers) == 1 and (maker := makers.pop()) is not None:
        return maker
    remarks.append("no field names the provider, and the models are of several: without it nothing is priced")
    return None
