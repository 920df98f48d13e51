"""The documents keep their word: console blocks run, their output is what is shown, Python runs, TOML parses.

In a ``console`` block a line that starts with ``$ `` is a command, the lines below it are what it must print to
stdout, ``...`` stands for anything. Blocks in ``sh`` are for the reader's machine and are not run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import ROOT, SAMPLES

DOCUMENTS = (
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "DECISIONS.md", "sample_logs/README.md", "reports/README.md",
    "benchmarks/README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
)  # fmt: skip
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)")


@dataclass(frozen=True)
class Block:
    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(document: str) -> list[Block]:
    text = (ROOT / document).read_text()
    return [Block(document, text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2)) for m in _FENCE.finditer(text)]


def of(language: str) -> list[Block]:
    """The README's blocks of one language."""
    return [block for block in blocks("README.md") if block.language == language]


def commands(block: Block) -> list[tuple[str, str]]:
    """Pairs of command and expected output."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert parts[0] == "", f"{block}: a console block starts with a command"
    return [(head, rest) for head, _, rest in (part.partition("\n") for part in parts[1:])]


def matches(shown: str, printed: str) -> bool:
    """Whether ``printed`` is what the document shows, trailing blanks aside."""
    pieces = [re.escape("\n".join(line.rstrip() for line in piece.split("\n"))) for piece in shown.strip().split("...")]
    return (
        re.fullmatch(".*".join(pieces), "\n".join(line.rstrip() for line in printed.strip().split("\n")), re.DOTALL)
        is not None
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reader stands: a folder with the sample logs, shared by all blocks of the document."""
    place = tmp_path_factory.mktemp("readme")
    (place / "sample_logs").symlink_to(SAMPLES, target_is_directory=True)
    for block in of("toml"):
        name = re.match(r"# ([\w-]+\.toml)\n", block.text)
        if name:
            (place / name.group(1)).write_text(block.text)
    return place


@pytest.mark.parametrize("block", of("console"), ids=str)
def test_console_blocks_run(block: Block, folder: Path) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    for command, shown in commands(block):
        words = shlex.split(command)
        assert words[0] == "llmcost", f"{block}: only llmcost runs here, not {words[0]}"
        done = subprocess.run(
            [sys.executable, "-m", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{block}: {command}\n{done.stderr}"
        if shown.strip():
            assert matches(shown, done.stdout), f"{block}: {command} printed\n{done.stdout}"


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_blocks_run(block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})  # noqa: S102 - the README is ours


@pytest.mark.parametrize(
    "block", [b for document in DOCUMENTS for b in blocks(document) if b.language == "toml"], ids=str
)
def test_toml_blocks_parse(block: Block) -> None:
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_inside_the_project_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text()
    lost = [target for target in _LINK.findall(text) if not (ROOT / document).parent.joinpath(target).exists()]
    assert not lost


def test_the_readme_quotes_the_benchmarks() -> None:
    """Each row of its table and its command stand in the page that ``make bench`` writes."""
    readme, page = (ROOT / "README.md").read_text(), (ROOT / "docs/benchmarks.md").read_text()
    section = readme.partition("## How fast\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    commands_ = re.findall(r"`(\.venv/bin/python [^`]+)`", section)
    assert len(rows) > 2
    assert len(commands_) == 1
    assert not [line for line in (*rows, *commands_) if line not in page.splitlines()]


def test_files_that_documents_name_exist() -> None:
    """Paths in backticks with a known top folder are promises too, unless they hold a placeholder."""
    named = {
        (document, path)
        for document in DOCUMENTS
        for path in re.findall(
            r"`((?:llmcost|pricing|scripts|tests|sample_logs|reports)/[\w./-]+)`", (ROOT / document).read_text()
        )
    }
    lost = sorted(
        (document, path) for document, path in named if not (ROOT / path).exists() and path != "llmcost/_pricing"
    )
    assert not lost


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\nb", "a  \nb\n", True),
        ("a\n...\nc", "a\nb\nb\nc", True),
        ("a\nb", "a\nc", False),
        ("total ... USD", "total 12.50 USD", True),
    ],
)
def test_shown_output_is_compared(shown: str, printed: str, *, same: bool) -> None:
    assert matches(shown, printed) is same
