"""Values that stand in no documentation: what fields are replaced by."""

from __future__ import annotations

from random import Random
from typing import Any, Final

_RAW: Final = "\ue000raw:"
TOKENS: Final = (
    "NaN", "Infinity", "-Infinity", "1e9999", "-1e400", "1E+999", "1e-999", "0.1e1", "007", "1.", ".5", "+1", "0x10", "True", "None",
    "'x'", "-0", "-0.0", "1" * 400, "9" * 5000, "0." + "3" * 400, '{"a":1,"a":2}', "", "undefined", "18446744073709551616",
    "[" * 150 + "]" * 150, "[" * 400 + "]" * 400, '{"a":' * 300 + "1" + "}" * 300, "[" * 30000, '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\t"', '"\\x"',
)  # fmt: skip
"""Pieces of JSON text, most of which no encoder would write."""
NUMBERS: Final[tuple[Any, ...]] = (
    0, 1, -1, 2, 7, 999, 0.5, 1e-9, 1e15, 1e16, 1e22, 2**31, 2**31 - 1, 2**32, 2**53 + 1, 2**63, 2**63 - 1, 2**64, -(2**63), 10**30,
    1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, 1_700_000_000_000_000_000, 253_402_300_800, -62_135_596_801, 1e300, -1e300,
)  # fmt: skip
TEXTS: Final = (
    "", " ", "0", "-1", "5", "0.5", "1e3", "1e400", "-1e400", "NaN", "nan", "inf", "-Infinity", "null", "None", "true", "9" * 30, "9" * 5000, "0" * 500 + "1",
    "1_000", "0x10", "+5", "1,234", "1.234,5", "1 234", "$5", "5%", "(5)", "5-", "٣", "²", "１２", "½", "−5", "\u00a05",
    "2026-13-45T25:61:61Z", "0000-00-00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999999-23:59", "2026-10-01", "2026-10-01 10:00",
    "2026-10-01T10:00:00+99:99", "2026-10-01T10:00:00.123456789123456789Z", "10/31/2026", "31.10.2026", "Sat, 31 Oct 2026 10:00:00 GMT", "20261001", "now",
    "1700000000", "1700000000.5", "24:00", "-00:00", "{", "[", "}", "[[", '"', "'", "data: {", "data: [DONE]", "event: x\n\ndata: {}\n\n", "[DONE]", '{"a":1}', "[1,2]",
    '{"usage":null}', '{"usage":{"input_tokens":"x"}}', "[" * 3000, "http://[", "//[::1", "https://x:99999999/", "%", "%zz", "{0}", "%s", "\\", "\\u12", "a/b/c/d", "/",
    "..", "../..", "models/", "publishers/x/models/", "arn:aws:bedrock:", "arn:::::", "::", ":", "-", "--", ".", ",", ";", "|", "=1+1", "@x", "\n", "\r\n", "\t", "\0", "\u2028",
    "\u202e", "\ufeff", "\ufffd", "🙂" * 40, "e\u0301", "A" * 3000, "gpt-5", "claude-opus-4-8", "gemini-3-pro", "<synthetic>", "<script>", "us-east-1", "USD", "EUR", "batch", "flex",
    "priority", "Usage", "Tax", "Credit", "sk-ant-api03-" + "a" * 40, "error", "200", "429", "assistant", "tool", "system", "chat.completion", "message",
)  # fmt: skip


def raw(token: str) -> str:
    """A piece of JSON text that :func:`unraw` puts in the place of this string."""
    return _RAW + token.encode().hex()


def unraw(text: str) -> str:
    """The JSON text with all such pieces in their places."""
    if _RAW not in text:
        return text
    first, *others = text.split('"' + _RAW)
    parts = [first]
    for other in others:
        token, _, rest = other.partition('"')
        parts += [bytes.fromhex(token).decode(), rest]
    return "".join(parts).replace(_RAW, "")


def odd_value(rng: Random, was: Any) -> Any:
    """A value that may stand in the place of ``was``: often of its own kind, sometimes of another."""
    draw = rng.random()
    if draw < 0.12:
        return raw(rng.choice(TOKENS))
    if draw < 0.5 and isinstance(was, int | float) and not isinstance(was, bool):
        return rng.choice(NUMBERS) if rng.random() < 0.6 else _near(rng, was)
    if draw < 0.5 and isinstance(was, str):
        return rng.choice(TEXTS) if rng.random() < 0.7 else bent(rng, was)
    return rng.choice(_KINDS)(rng, was)


_KINDS: Final = (
    lambda rng, _: rng.choice(NUMBERS),
    lambda rng, _: rng.choice(TEXTS),
    lambda rng, _: rng.choice((None, True, False, [], {}, [None], [[]], [{}], {"": None}, {"a": {}}, [1, "a", None])),
    lambda _, was: [was],
    lambda _, was: {"value": was},
    lambda _, was: str(was)[:3000],
    lambda _, was: [was] * 3,
    lambda _, was: list(was.items()) if isinstance(was, dict) else dict(enumerate(was)) if isinstance(was, list) else was,
    lambda _, was: len(was) if isinstance(was, str | list | dict) else -was if isinstance(was, int | float) else None,
)  # fmt: skip


def _near(rng: Random, was: float) -> Any:
    return rng.choice((was + 1, was - 1, -was, was * 1000, was / 3, str(was), [was], was * 10**20, bool(was)))


def bent(rng: Random, text: str) -> str:
    """The text with a piece cut out, doubled, or replaced."""
    at = rng.randrange(len(text) + 1)
    to = min(len(text), at + rng.choice((1, 1, 2, 5, 20, len(text))))
    piece = rng.choice(("", text[at:to] * 2, rng.choice(TEXTS)[:200], text[at:to].swapcase(), text[at:to][::-1]))
    return text[:at] + piece + text[to:]
