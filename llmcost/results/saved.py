"""Outcomes that were written as JSON, read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from llmcost.errors import UsageError
from llmcost.results.budget.check_model import Check
from llmcost.results.model import Result

M = TypeVar("M", bound=BaseModel)


def load_check(path: Path | str) -> Check:
    """A check that ``check --format json`` wrote; UsageError for anything else."""
    return _saved(Path(path), Check, "check", "llmcost check --format json --out FILE writes one")


def load_base(path: Path | str) -> Check | Result:
    """What a check can be held against: a saved check or simulation, told apart by what is in it; UsageError for neither."""
    hint = "llmcost check or simulate with --format json --out FILE writes one"
    try:
        data = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path), hint=hint) from error
    except ValueError as error:
        raise UsageError("is neither a saved check nor a saved simulation", where=str(path), why="it is no JSON", hint=hint) from error  # fmt: skip
    keys = set(data) if isinstance(data, dict) else set()
    if {"verdict", "findings"} <= keys:
        return load_check(path)
    if {"baseline", "scenarios"} <= keys:
        return load_result(path)
    raise UsageError(
        "is neither a saved check nor a saved simulation", where=str(path),
        why="a check has a verdict and findings, a simulation a baseline and scenarios", hint=hint,
    )  # fmt: skip


def load_result(path: Path | str) -> Result:
    """A result that ``simulate --format json`` wrote; UsageError for anything else."""
    return _saved(Path(path), Result, "result", "llmcost simulate LOGS --format json --out FILE writes one")


def _saved(path: Path, model: type[M], what: str, hint: str) -> M:
    """An outcome that was written as JSON."""
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path), hint=hint) from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        why = f"{place}: {first['msg']}" if place else first["msg"]
        raise UsageError(f"this is no {what} of llmcost", where=str(path), why=why, hint=hint) from error
