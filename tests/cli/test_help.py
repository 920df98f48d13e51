from __future__ import annotations

import pytest

from llmcost.cli.main import command_names
from scripts.make_docs import PATH, helps, text
from tests.cli.support import Program
from tests.support import Golden

HELPS = dict(helps())


@pytest.mark.parametrize("name", sorted(HELPS))
def test_help_is_the_golden_one(name: str, llmcost: Program, golden: Golden) -> None:
    shown = llmcost(*name.split()[1:], "--help").out
    assert max(map(len, shown.splitlines())) <= 80
    golden.check(f"help/{name.replace(' ', '-')}.txt", shown.encode())


def test_every_command_is_listed_and_says_what_it_does() -> None:
    assert {name.split()[1] for name in HELPS if " " in name} == set(command_names())
    for command in command_names():
        line = next(line for line in HELPS["llmcost"].splitlines() if line.startswith(f"  {command} "))
        assert not line.endswith("..."), f"the first sentence of {command} is too long for the list"


def test_the_reference_is_what_help_prints() -> None:
    assert PATH.read_text() == text(), "run: python -m scripts.make_docs"


def test_without_a_command_help_is_shown(llmcost: Program) -> None:
    assert llmcost().out == llmcost("--help").out == llmcost("-h").out


def test_version(llmcost: Program) -> None:
    from llmcost import __version__

    assert llmcost("--version").out == f"llmcost {__version__}\n"


def test_completion_knows_the_commands(llmcost: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_LLMCOST_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "llmcost sim")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert llmcost().out.split() == ["simulate"]
