"""Keyed hashes of prompts, answers and prompt prefixes, as non-negative 63-bit integers.

Equal keys mean equal texts; without the user's secret a key says nothing about its text.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from llmcost.records.contract import PartRole

BLOCK_TOKENS: Final = 128
"""Tokens in one block of a prefix chain: the step in which OpenAI caches prompts; other steps are coarser or unknown."""
_BLOCK_BYTES: Final = 4 * BLOCK_TOKENS
_DIGEST: Final = 16
_ROLE: Final[dict[PartRole, int]] = {
    "tools": 1,
    "system": 2,
    "schema": 3,
    "example": 4,
    "history": 5,
    "context": 6,
    "user": 7,
}

_FIRST_MARKER: Final = 0xFFFF_0000  # far above every token id of o200k_base
MARKER: Final[dict[PartRole, bytes]] = {
    # All messages share one marker: what is the user's turn today is history in the next request, and the
    # provider's cache sees the same tokens.
    role: (_FIRST_MARKER + (code if role in {"tools", "system", "schema"} else 4)).to_bytes(4, "little")
    for role, code in _ROLE.items()
}
"""The id that stands before a part in the token stream, so that ("ab", "c") and ("a", "bc") differ."""


def as_key(digest: bytes) -> int:
    """The first 63 bits of a digest."""
    return int.from_bytes(digest[:8], "big") >> 1


class Keyer:
    """Hashes under one secret; every kind of hash is its own function of it."""

    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, digest_size=32, person=b"llmcost content").digest()

    def text(self, text: str) -> bytes:
        """A 128-bit digest of a text; half surrogate pairs, which JSON can carry, count as they are."""
        return blake2b(
            text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST, key=self._key, person=b"text"
        ).digest()

    def prompt(self, parts: Iterable[tuple[PartRole, int, bytes]]) -> int:
        """The key of a whole prompt from role, length and digest of its parts, in order."""
        state = blake2b(digest_size=_DIGEST, key=self._key, person=b"prompt")
        for role, length, digest in parts:
            state.update(_ROLE[role].to_bytes(1, "big") + length.to_bytes(8, "big") + digest)
        return as_key(state.digest())

    def response(self, digest: bytes) -> int:
        """The key of an answer from its text's digest."""
        return as_key(blake2b(digest, digest_size=_DIGEST, key=self._key, person=b"response").digest())

    def prefixes(self, stream: bytes) -> list[int]:
        """One key for every full block of a token stream; each is the hash of the stream up to the end of its block."""
        state, view, keys = blake2b(digest_size=8, key=self._key, person=b"prefix"), memoryview(stream), []
        for at in range(0, len(stream) - _BLOCK_BYTES + 1, _BLOCK_BYTES):
            state.update(view[at : at + _BLOCK_BYTES])
            keys.append(int.from_bytes(state.digest(), "big") >> 1)
        return keys
