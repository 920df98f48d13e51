"""What imports what: `--help` stays light, and the direction of imports is checked by rules that can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from scripts.import_contracts import PluginContract
from tests.support import ROOT

HEAVY = ("duckdb", "ibis", "polars", "pyarrow", "pandas", "numpy", "plotly", "tiktoken", "pydantic")
PROBE = """
import os, runpy, sys
os._exit = sys.exit  # the command line leaves without taking itself apart
sys.argv = ["llmcost", *{arguments!r}]
try:
    {start}
except SystemExit as stop:
    assert stop.code in (0, None), stop.code
print("HEAVY", sorted(name for name in {heavy!r} if name in sys.modules))
"""
ENTRY_POINT = "from llmcost.cli.main import run; run()"
AS_MODULE = 'runpy.run_module("llmcost", run_name="__main__", alter_sys=True)'


def probe(start: str, *arguments: str) -> str:
    code = PROBE.format(start=start, heavy=HEAVY, arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("start", [ENTRY_POINT, AS_MODULE], ids=["llmcost", "python -m llmcost"])
def test_help_imports_nothing_heavy(start: str) -> None:
    shown = probe(start, "--help")
    assert "Usage" in shown
    assert shown.splitlines()[-1] == "HEAVY []"


def test_the_probe_sees_a_heavy_import() -> None:
    assert probe("import pydantic").splitlines()[-1] == "HEAVY ['pydantic']"


def test_the_api_imports_nothing_heavy() -> None:
    assert probe("import llmcost").splitlines()[-1] == "HEAVY []"


def test_a_replay_loads_what_it_needs() -> None:
    """Of a log under canonical names one source; of JSON no tables, charts or levers."""
    sample = "sample_logs/usage_rows/october.jsonl.gz"
    code = (
        "import sys, llmcost; "
        f"found = llmcost.simulate({sample!r}, scenarios=[]); llmcost.render(found, 'json'); "
        "print(*sorted(n for n in sys.modules if n.startswith(('llmcost.sources.', 'llmcost.results.outcomes.', 'llmcost.results.whatif'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout.split() == ["llmcost.sources.usage_rows"], done.stderr


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-logo",
            "--no-cache",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def plugin_contract() -> PluginContract:
    options = {"name": "plugins", "packages": ["house.sources"]}
    return PluginContract(name="plugins", session_options={"root_packages": ["house"]}, contract_options=options)


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("house.sources.a", "house.sources._both", True),
        ("house.sources.a", "house.below", True),
        ("house.sources.a.part", "house.sources.a", True),
        ("house.sources.a", "house.sources.b", False),
        ("house.sources._both", "house.sources.b", False),
        ("house.cli", "house.sources.b", False),
    ],
)
def test_plugins_are_imported_by_nobody(importer: str, imported: str, *, kept: bool) -> None:
    graph = grimp.ImportGraph()
    for module in (
        "house",
        "house.sources",
        "house.sources.a",
        "house.sources.a.part",
        "house.sources.b",
        "house.sources._both",
        "house.below",
        "house.cli",
    ):
        graph.add_module(module)
    graph.add_import(importer=importer, imported=imported)
    assert plugin_contract().check(graph, verbose=False).kept is kept


def test_heavy_imports_are_banned_at_module_level_in_the_cli(tmp_path: Path) -> None:
    """The rule of pyproject.toml, tried on a command that breaks it and on a part that may."""

    def codes(place: str) -> str:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "ruff",
                "check",
                "--output-format",
                "concise",
                "--stdin-filename",
                str(ROOT / place),
                "-",
            ],
            input="from __future__ import annotations\n\nimport duckdb\n\nduckdb.connect()\n",
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        return done.stdout

    assert "TID253" in codes("llmcost/cli/made_up.py")
    assert "TID253" in codes("llmcost/__init__.py")
    assert "TID253" not in codes("llmcost/usage/made_up.py")
