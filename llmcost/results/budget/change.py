"""What is proposed: a scenario's steps, growth, other prices, and prompt or tool files that got longer or shorter."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from llmcost.content.tokens import count
from llmcost.errors import UsageError
from llmcost.money import plain
from llmcost.results.scenario import BoundScenario, BoundStep, bind

_LARGEST: Final = 1 << 26
"""Bytes of a prompt file; more is a wrong path."""


@dataclass(frozen=True)
class PromptChange:
    """A text before and after, and the feature whose calls carry it (None: all calls do)."""

    what: str
    before: str
    after: str
    feature: str | None = None

    def step(self) -> BoundStep:
        """The step that replays it: the difference in tokens, counted offline."""
        tokens = count(self.after) - count(self.before)
        quoted = None if self.feature is None else self.feature.replace("'", "''")
        when = {} if quoted is None else {"when": f"feature = '{quoted}'"}
        return bind("prompt-change", {"tokens": tokens, "what": self.what[:200], **when})


def proposed(
    scenarios: Sequence[BoundScenario],
    prompts: Sequence[PromptChange] = (),
    growth: Decimal | None = None,
    prices_on: date | None = None,
) -> BoundScenario | None:
    """All that is proposed as one scenario; None where nothing is."""
    if len(scenarios) > 1:
        names = ", ".join(repr(scenario.name) for scenario in scenarios[:4])
        raise UsageError(f"a check holds one change to the budget, and {len(scenarios)} scenarios are given: {names}",
                         hint="keep one scenario in the file, or check each alone")  # fmt: skip
    steps = [prompt.step() for prompt in prompts]
    name = "change"
    for scenario in scenarios:
        steps += scenario.steps
        name, prices_on = scenario.name, scenario.prices_on or prices_on
    if growth is not None:
        steps.append(bind("reprice", {"growth": plain(growth)}))
    if not steps and prices_on is None:
        return None
    return BoundScenario(name, tuple(steps), prices_on)


def prompt_of(text: str, feature: str | None) -> PromptChange:
    """``OLD=a.txt,NEW=b.txt`` and, if it is so, ``,FEATURE=chat``."""
    given = dict(part.partition("=")[::2] for part in text.split(","))
    names = {key.strip().upper(): value.strip() for key, value in given.items()}
    if not {"OLD", "NEW"} <= set(names) <= {"OLD", "NEW", "FEATURE"}:
        raise UsageError(
            f"{text!r} does not name two files",
            where="--prompt",
            hint="write OLD=before.txt,NEW=after.txt,FEATURE=chat",
        )
    return PromptChange(
        Path(names["NEW"]).name, read(Path(names["OLD"])), read(Path(names["NEW"])), names.get("FEATURE") or feature
    )


def changed_file(path: Path, ref: str, feature: str | None) -> PromptChange:
    """A file as it is now against a commit of its git repository; absent on either side is empty."""
    return PromptChange(path.name, at_ref(path, ref), read(path) if path.exists() else "", feature)


def read(path: Path) -> str:
    """A prompt file's text."""
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError("is too large for a prompt", where=str(path), hint="name the prompt or tool file itself")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path), hint="name a text file") from error
    except UnicodeDecodeError as error:
        raise UsageError("is no UTF-8 text", where=str(path), hint="name a text file") from error


def at_ref(path: Path, ref: str) -> str:
    """The file at a commit; empty where the commit has no such file."""
    folder = path.absolute().parent
    while not folder.is_dir():
        folder = folder.parent
    inside = path.absolute().relative_to(folder).as_posix()
    found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found is None:
        raise UsageError(f"git knows no commit {ref!r} here", where="--base-ref", why=f"looked in {folder}",
                         hint="fetch it first: git fetch origin main; shallow clones have only their own commit")  # fmt: skip
    text = _git(folder, "show", f"{found.decode().strip()}:./{inside}")
    if text is None:
        return ""
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"is no UTF-8 text at {ref}", where=str(path), hint="name a text file") from error


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What a git command prints, None where it fails; UsageError where there is no git."""
    program = shutil.which("git")
    if program is None:
        raise UsageError("git is not installed", where="--base-ref", hint="give both files: --prompt OLD=..,NEW=..")
    done = subprocess.run([program, "-C", str(folder), *arguments], capture_output=True, check=False)  # noqa: S603 - arguments, no shell
    return done.stdout if done.returncode == 0 else None
