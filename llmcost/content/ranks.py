"""Loads tiktoken's byte-pair ranks from files inside the package, so that counting tokens never opens a socket.

tiktoken itself downloads its rank files on first use. This module ships byte-exact copies, compressed, checks their
sha256 against the digest tiktoken 0.14 pins, and hands the ranks straight to ``tiktoken.Encoding``.
"""

from __future__ import annotations

import hashlib
import lzma
from binascii import a2b_base64
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal

from llmcost.errors import LlmcostError

if TYPE_CHECKING:
    from tiktoken import Encoding

EncodingName = Literal["o200k_base", "cl100k_base"]

_LETTER = r"\p{Lm}\p{Lo}\p{M}"
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"


@dataclass(frozen=True, slots=True)
class RankFile:
    """One encoding of OpenAI's: digest of its rank file, its split pattern and its special tokens.

    From tiktoken_ext/openai_public.py of tiktoken 0.14.0 (MIT, https://github.com/openai/tiktoken), checked 2026-11-23;
    a test compares every field with the installed tiktoken.
    """

    sha256: str
    pattern: str
    special_tokens: dict[str, int]


RANK_FILES: Final[dict[EncodingName, RankFile]] = {
    "o200k_base": RankFile(
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        "|".join(
            (
                rf"[^\r\n\p{{L}}\p{{N}}]?[\p{{Lu}}\p{{Lt}}{_LETTER}]*[\p{{Ll}}{_LETTER}]+{_CONTRACTION}",
                rf"[^\r\n\p{{L}}\p{{N}}]?[\p{{Lu}}\p{{Lt}}{_LETTER}]+[\p{{Ll}}{_LETTER}]*{_CONTRACTION}",
                r"\p{N}{1,3}",
                r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
                r"\s*[\r\n]+",
                r"\s+(?!\S)",
                r"\s+",
            )
        ),
        {"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
    ),
    "cl100k_base": RankFile(
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
        {
            "<|endoftext|>": 100257,
            "<|fim_prefix|>": 100258,
            "<|fim_middle|>": 100259,
            "<|fim_suffix|>": 100260,
            "<|endofprompt|>": 100276,
        },
    ),
}


def read_ranks(name: EncodingName) -> dict[bytes, int]:
    """The ranks of an encoding from the packaged file; LlmcostError when the file is not the one tiktoken expects."""
    packed = files("llmcost.content").joinpath("data", f"{name}.tiktoken.xz").read_bytes()
    try:
        data = lzma.decompress(packed)
    except lzma.LZMAError as error:
        raise _damaged(name, "the file cannot be decompressed") from error
    if hashlib.sha256(data).hexdigest() != RANK_FILES[name].sha256:
        raise _damaged(name, "its sha256 is not the one tiktoken pins")
    # The digest fixes the form, one "base64 rank" a line with ranks 0, 1, 2 ..: nothing is left to check line by line.
    tokens = data.split()[::2]
    return dict(zip(map(a2b_base64, tokens), range(len(tokens)), strict=True))


def _damaged(name: str, why: str) -> LlmcostError:
    return LlmcostError(f"the tokenizer data of {name} is damaged", why=why, hint="install llmcost again")


@cache
def encoding(name: EncodingName) -> Encoding:
    """The encoding, built once a process on first use (about 0.3 s) from the packaged ranks."""
    from tiktoken import Encoding

    spec = RANK_FILES[name]
    return Encoding(name, pat_str=spec.pattern, mergeable_ranks=read_ranks(name), special_tokens=spec.special_tokens)
