from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from llmcost.cli.diagnostics import guarded, split_debug, visible
from llmcost.cli.main import invoke
from llmcost.errors import GateError, LlmcostError, NothingIngestedError, StrictGapError, UsageError
from tests.cli.support import Program, row, write_rows
from tests.support import ROOT


def raising(error: BaseException) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (
            UsageError("no such thing", where="--by", hint="try another"),
            2,
            "error: --by: no such thing\n  try another\n",
        ),
        (GateError("too dear"), 1, "error: too dear\n"),
        (NothingIngestedError("nothing"), 3, "error: nothing\n"),
        (StrictGapError("a gap"), 4, "error: a gap\n"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (typer.Exit(1), 1, ""),
        (PermissionError(13, "Permission denied", "x.csv"), 2, "error: x.csv: Permission denied\n"),
        (MemoryError(), 2, "--memory-limit"),
        (ZeroDivisionError("by zero"), 2, "this is a bug: ZeroDivisionError: by zero\n"),
    ],
)
def test_every_end_has_its_code_and_words(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error), debug=False) == code
    printed = capsys.readouterr()
    assert told in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(raising(ZeroDivisionError("by zero")), debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_a_message_cannot_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(raising(LlmcostError("model \x1b]0;owned\x07 \u202egpj.exe \x9b31m")), debug=False)
    shown = capsys.readouterr().err
    assert "\\x1b]0;owned\\x07" in shown
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(shown)


def test_visible_leaves_text_alone() -> None:
    assert visible("größe 模型 €\nnext") == "größe 模型 €\nnext"


@pytest.mark.parametrize(
    ("given", "kept", "debug"),
    [
        (["simulate", "--debug", "x"], ["simulate", "x"], True),
        (["--debug", "simulate"], ["simulate"], True),
        (["simulate", "--", "--debug"], ["simulate", "--", "--debug"], False),
        ([], [], False),
    ],
)
def test_debug_may_stand_anywhere(given: list[str], kept: list[str], *, debug: bool) -> None:
    assert split_debug(given) == (kept, debug)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["simulat"], "there is no command 'simulat'\n  did you mean 'simulate'?"),
        (["simulate", "--stroe", "x"], "No such option: --stroe"),
        (["simulate", "missing.jsonl"], "'missing.jsonl' does not exist"),
        (["simulate"], "there is no store at llmcost.duckdb"),
        (["simulate", "--store", "a.duckdb"], "there is no store at a.duckdb"),
        (["simulate", "rows.jsonl", "--preset", "prompt-cash"], "did you mean 'prompt-cache'?"),
        (["simulate", "rows.jsonl", "--format", "htm"], "did you mean 'html'?"),
        (["simulate", "rows.jsonl", "--by", "featur"], "no dimension 'featur'"),
        (["simulate", "rows.jsonl", "--timezone", "Berlin"], "no time zone 'Berlin'"),
        (["simulate", "rows.jsonl", "--month", "2026-13"], "'2026-13' is no month"),
        (["simulate", "rows.jsonl", "--month", "2026-10", "--since", "2026-10-02"], "--month: it already says"),
        (["simulate", "rows.jsonl", "--since", "2026-10-02", "--until", "2026-10-02"], "is not after"),
        (["simulate", "rows.jsonl", "--since", "soon"], "neither a day nor an instant"),
        (["simulate", "rows.jsonl", "--month-days", "0"], "not above zero"),
        (["simulate", "rows.jsonl", "--memory-limit", "lots"], "no amount of memory"),
        (["simulate", "rows.jsonl", "--source", "openai"], "no source is called 'openai'"),
        (["simulate", "rows.jsonl", "--mapping", "m.toml"], "no such mapping file"),
        (["simulate", "rows.jsonl", "-s", "s.toml"], "no such scenario file"),
        (["simulate", "rows.jsonl", "-f", "json", "-f", "csv"], "2 formats cannot share stdout"),
        (["compare", "rows.jsonl", "rows.jsonl"], "this is no result of llmcost"),
        (["compare", "a.json", "b.json"], "a.json: cannot be read"),
        (["schema", "scenari"], "did you mean 'scenario'?"),
        (["schema", "strategy"], "needs a NAME"),
        (["strategies", "show", "prompt-cash"], "did you mean 'prompt-cache'?"),
        (["sources", "usage-row"], "did you mean 'usage-rows'?"),
        (["sources", "usage-rows", "--file", "x"], "not both"),
        (["prices", "show", "openai/gpt-5-minni"], "no model is called"),
        (["prices", "list", "--provider", "opnai"], "did you mean 'openai'?"),
        (["export", "-o", "x.csv"], "there is no store at llmcost.duckdb"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_what_is_wrong_on_the_command_line_is_told(arguments: list[str], told: str, llmcost: Program) -> None:
    write_rows(llmcost.folder / "rows.jsonl", row(1))
    ran = llmcost(*arguments, code=2)
    assert told in ran.err
    assert "a bug" not in ran.err
    assert ran.out == ""


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "llmcost", "schema", "result"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_stream_that_the_shell_closed_is_no_bug(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, closed, None)
    assert invoke(["sources", "no-such-source"]) == 2
    assert invoke(["--version"]) == 0
