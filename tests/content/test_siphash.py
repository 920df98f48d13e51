"""Keys of a log under the user's secret: the published hash, on whole columns."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from llmcost.content.siphash import rekeyed, siphash

KEY = bytes(range(16))
_MASK = 2**64 - 1


def _rotated(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (64 - bits))) & _MASK


def _by_hand(number: int, key: bytes) -> int:
    """SipHash-2-4 of the eight bytes of one number, word by word as the paper has it."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(times: int) -> None:
        for _ in range(times):
            v[0] = (v[0] + v[1]) & _MASK
            v[1] = _rotated(v[1], 13) ^ v[0]
            v[0] = _rotated(v[0], 32)
            v[2] = (v[2] + v[3]) & _MASK
            v[3] = _rotated(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & _MASK
            v[3] = _rotated(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & _MASK
            v[1] = _rotated(v[1], 17) ^ v[2]
            v[2] = _rotated(v[2], 32)

    for word in (number, 8 << 56):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def test_the_published_vector_of_eight_bytes() -> None:
    """vectors_sip64[8] of the authors' reference code: the bytes 0 to 7 under the key 0 to 15."""
    number = int.from_bytes(bytes(range(8)), "little")
    assert int(siphash(np.array([number]), KEY)[0]).to_bytes(8, "little").hex() == "6224939a79f5f593"


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1), st.binary(min_size=16, max_size=16))
def test_a_column_is_hashed_as_each_number_is(numbers: list[int], key: bytes) -> None:
    found = rekeyed(np.array(numbers, np.int64), key)
    assert found.tolist() == [_by_hand(number, key) >> 1 for number in numbers]
    assert found.dtype == np.int64


def test_pieces_of_a_long_column_are_in_their_places() -> None:
    numbers = np.arange(40_000, dtype=np.int64)
    found = siphash(numbers, KEY)
    assert [int(found[at]) for at in (0, 16_383, 16_384, 39_999)] == [
        _by_hand(at, KEY) for at in (0, 16_383, 16_384, 39_999)
    ]
    assert len(set(found.tolist())) == 40_000


def test_another_secret_is_another_function() -> None:
    numbers = np.arange(1000, dtype=np.int64)
    assert not set(siphash(numbers, KEY).tolist()) & set(siphash(numbers, KEY[::-1]).tolist())
