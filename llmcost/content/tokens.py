"""Counts the tokens of texts, offline, with a bounded memory of texts seen before.

Every text that a request repeats (system prompt, tools, the conversation so far) is tokenised once.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

from llmcost.content.families import Family, TokenSource, family_of
from llmcost.content.ranks import EncodingName, encoding

PIECE: Final = 1 << 16
"""Characters that go to tiktoken at once: its time grows faster than the length of a text without word breaks."""
LONGEST: Final = 1 << 23
"""Characters up to which a text is tokenised whole; a longer one is estimated from samples."""
ID_BYTES: Final = 4
_SAMPLES: Final = 32

# A word or number always ends before one of these, in both encodings: cut there, a text gives the same tokens as uncut.
_BREAK = re.compile(r"(?<=[^\W_])(?=[ ,.:;\n、。，])")


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """What counts for a model: ``factor`` times the tokens of encoding ``name``."""

    name: EncodingName
    source: TokenSource
    factor: Decimal
    family: Family

    def scaled(self, tokens: int) -> int:
        """``tokens`` of the encoding in this model's tokens, rounded half up."""
        return tokens if self.factor == 1 else int((tokens * self.factor).to_integral_value(ROUND_HALF_UP))

    def count(self, text: str) -> int:
        """Tokens of ``text`` for this model, without what a chat template adds."""
        return self.scaled(count(text, self.name))


@lru_cache(maxsize=4096)
def tokenizer_for(provider: str | None, model: str | None) -> Tokenizer:
    """The tokenizer of a model: OpenAI's own, or o200k_base scaled by the factor of the model's family."""
    family = family_of(provider, model)
    return Tokenizer(family.encoding, family.source, family.factor, family)


def pieces(text: str, size: int = PIECE) -> Iterator[str]:
    """``text`` in pieces of at most ``size`` characters, cut at the last word end in a piece, or anywhere when it has none."""
    start = 0
    while len(text) - start > size:
        # A match at the very start would give an empty piece. Only the end of the window is searched, to stay linear.
        tail = max(start + 1, start + size - 1024)
        cut = max((match.start() for match in _BREAK.finditer(text, tail, start + size)), default=start + size)
        yield text[start:cut]
        start = cut
    yield text[start:]


def ids(text: str, name: EncodingName = "o200k_base") -> bytes:
    """Token ids of ``text``, four little-endian bytes each."""
    encode = encoding(name).encode_ordinary
    found = array("I", encode(text) if len(text) <= PIECE else [i for piece in pieces(text) for i in encode(piece)])
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def count(text: str, name: EncodingName = "o200k_base") -> int:
    """Tokens of ``text``; of one longer than :data:`LONGEST` an estimate."""
    if len(text) > LONGEST:
        return estimate(text, name)
    encode = encoding(name).encode_ordinary
    return len(encode(text)) if len(text) <= PIECE else sum(len(encode(piece)) for piece in pieces(text))


def estimate(text: str, name: EncodingName = "o200k_base") -> int:
    """Tokens of a long text from its own rate of tokens in evenly spaced samples."""
    step, width = len(text) // _SAMPLES, PIECE // 4
    if step <= width:
        return count(text, name)
    encode = encoding(name).encode_ordinary
    sampled = sum(len(encode(text[at : at + width])) for at in range(0, step * _SAMPLES, step))
    return sampled * len(text) // (_SAMPLES * width)


class Recent:
    """A mapping of bytes that keeps about ``limit`` bytes of what was used last.

    Two generations: a full young one becomes the old one, and what is used again moves back to the young one. That
    keeps what is in use about as well as a list of uses would, at the price of a plain dict.
    """

    ENTRY_BYTES: Final = 200
    """What an entry costs beside its value: two bytes objects and their share of the dict."""

    def __init__(self, limit: int) -> None:
        self._half, self._size = limit // 2, 0
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """The value of ``key``, or None."""
        value = self._young.get(key)
        if value is None and (value := self._old.pop(key, None)) is not None:
            self.put(key, value)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Keep ``value``; one that alone takes more than half the limit is not kept."""
        size = len(value) + self.ENTRY_BYTES
        if size > self._half:
            return
        if self._size + size > self._half:
            self._old, self._young, self._size = self._young, {}, 0
        self._young[key] = value
        self._size += size
