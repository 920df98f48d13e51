"""The packaged ranks are tiktoken's own, and using them never opens a socket."""

from __future__ import annotations

import lzma
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiktoken_ext.openai_public as public  # type: ignore[import-untyped]  # it has no types

from llmcost.content import ranks
from llmcost.errors import LlmcostError
from tests.support import ROOT

NAMES: tuple[ranks.EncodingName, ...] = ("o200k_base", "cl100k_base")


@pytest.mark.parametrize("name", NAMES)
def test_digest_pattern_and_special_tokens_are_those_of_the_installed_tiktoken(
    name: ranks.EncodingName, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned: list[str] = []

    def load(_url: str, expected_hash: str) -> dict[bytes, int]:
        pinned.append(expected_hash)
        return {}

    monkeypatch.setattr(public, "load_tiktoken_bpe", load)
    theirs = public.ENCODING_CONSTRUCTORS[name]()
    ours = ranks.RANK_FILES[name]
    assert [ours.sha256] == pinned
    assert ours.pattern == theirs["pat_str"]
    assert ours.special_tokens == theirs["special_tokens"]


@pytest.mark.parametrize(
    ("name", "size", "ids"),
    [
        ("o200k_base", 199_998, [24912, 2375]),
        ("cl100k_base", 100_256, [15339, 1917]),
    ],
)
def test_known_ids(name: ranks.EncodingName, size: int, ids: list[int]) -> None:
    assert len(ranks.read_ranks(name)) == size
    assert ranks.encoding(name).encode_ordinary("hello world") == ids
    assert ranks.encoding(name).decode(ids) == "hello world"


def test_counting_opens_no_socket() -> None:
    program = """
import socket
def refuse(*a, **k): raise AssertionError("a socket was opened")
socket.socket = socket.create_connection = socket.getaddrinfo = refuse
from llmcost.content.tokens import tokenizer_for
print(tokenizer_for("openai", "gpt-4o").count("hello world"), tokenizer_for("openai", "gpt-4").count("hello world"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout.split() == ["2", "2"], done.stderr


def test_importing_the_package_loads_no_tokenizer() -> None:
    program = "import sys, llmcost.content.analyse; print('tiktoken' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("content", "why"), [(lzma.compress(b"IQ== 0\n"), "sha256"), (b"no xz", "decompressed")])
def test_a_damaged_file_is_refused_and_nothing_is_fetched(
    content: bytes, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "o200k_base.tiktoken.xz").write_bytes(content)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(ranks, "files", lambda _package: tmp_path)
    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(LlmcostError, match=why):
        ranks.read_ranks("o200k_base")
