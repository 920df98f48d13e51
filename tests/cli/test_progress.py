from __future__ import annotations

import sys

import pytest

from llmcost.cli.progress import reading


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    on_a_terminal(monkeypatch)
    with reading(quiet=False) as tell:
        assert tell is not None
        tell("logs/[red]a\x1b]0;x\x07.jsonl", 500, 1000)
        tell("logs/b.jsonl", 10, None)
        tell("logs/b.jsonl", 1000, 1000)
    printed = capsys.readouterr()
    assert "b.jsonl" in printed.err
    assert "\x1b]0;" not in printed.err
    assert printed.out == ""


def test_quiet_gets_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    on_a_terminal(monkeypatch)
    with reading(quiet=True) as tell:
        assert tell is None
    assert capsys.readouterr().err == ""


def test_a_pipe_gets_none(capsys: pytest.CaptureFixture[str]) -> None:
    with reading(quiet=False) as tell:
        assert tell is None
    assert capsys.readouterr().err == ""
