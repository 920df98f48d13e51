"""Writes what a command made: to stdout, or atomically into files whose paths are told on stderr."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmcost.cli.diagnostics import say
from llmcost.errors import UsageError, nearest
from llmcost.reports import REPORTS, Options

if TYPE_CHECKING:
    from llmcost.results.outcome import Outcome

DEFAULT: Final = "terminal"
_WIDTH: Final = 100
"""Columns of a report for a terminal when nothing tells how wide that is."""


def chosen(formats: Sequence[str] | None, outs: Sequence[Path] | None) -> list[str]:
    """The formats that are asked for, each once; without any, what the files' suffixes say, or the terminal's.

    Of several files each has the format of its suffix, so there is one format for each of ``outs``.
    """
    if outs and len(set(outs)) > 1:
        return _by_suffix(formats, list(dict.fromkeys(outs)))
    out = outs[0] if outs else None
    for name in formats or ():
        if name not in REPORTS.names():
            raise UsageError(f"no report is called {name!r}", where="--format", hint=nearest(name, REPORTS.names()))
    if not formats and out is not None and out.suffix and not out.is_dir():
        return [_suffixed(out)]
    names = list(dict.fromkeys(formats or [DEFAULT]))
    if len(names) > 1 and out is None:
        raise UsageError(f"{len(names)} formats cannot share stdout", where="--format", hint="name a folder with --out")
    return names


def _suffixed(out: Path) -> str:
    named = next((name for name, report in REPORTS if report.suffix == out.suffix), None)
    if named is None:
        raise UsageError(f"no format has the suffix {out.suffix!r}", where="--out", hint="name one with --format")
    return named


def _by_suffix(formats: Sequence[str] | None, outs: Sequence[Path]) -> list[str]:
    """The format of each of several files."""
    plain = all(out.suffix and not out.is_dir() and not str(out).endswith(os.sep) for out in outs)
    if formats or not plain:
        raise UsageError(
            f"{len(outs)} places to write to, and {'--format beside them' if formats else 'not each is a file'}",
            where="--out",
            why="of several files each has the format that its suffix names",
            hint="name files like report.html and report.md alone, or one folder and each --format",
        )
    return [_suffixed(out) for out in outs]


def write(
    names: Sequence[str], outcome: Outcome, outs: Sequence[Path] | None, title: str, *, quiet: bool, tag: str = ""
) -> None:
    """Renders every format and writes it: one to stdout, to its file, or to a folder (a file of each, by its kind)."""
    if outs and len(set(outs)) > 1:
        for name, path in zip(names, dict.fromkeys(outs), strict=True):
            _write(name, outcome, path, _options(title, tag, terminal=False), quiet=quiet)
        return
    out = outs[0] if outs else None
    if out is None:
        report = REPORTS.load(names[0])
        if report.binary and sys.stdout.isatty():
            raise UsageError(f"{names[0]} is not for a terminal", where="--format", hint="name a file with --out")
        to_stdout(report.render(outcome, _options(title, tag, terminal=True)))
        return
    folder = out.is_dir() or len(names) > 1 or str(out).endswith(os.sep) or (not out.suffix and not out.exists())
    for name in names:
        path = out / f"{outcome.kind}{REPORTS.load(name).suffix}" if folder else out
        _write(name, outcome, path, _options(title, tag, terminal=False), quiet=quiet)


def _write(name: str, outcome: Outcome, path: Path, options: Options, *, quiet: bool) -> None:
    replace(path, REPORTS.load(name).render(outcome, options))
    say(f"wrote {path}", quiet=quiet)


def _options(title: str, tag: str, *, terminal: bool) -> Options:
    """How wide, and whether in colour: only a terminal's own report on a terminal knows colour."""
    if not terminal:
        return Options(title=title, tag=tag, width=_WIDTH)
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Options(title=title, tag=tag, width=shutil.get_terminal_size((_WIDTH, 24)).columns, color=coloured)


def to_stdout(data: bytes | str) -> None:
    """Data on stdout as it is, whatever the locale."""
    if sys.stdout is None:
        raise UsageError(
            "standard output is closed", hint="leave it open, or name a file with --out where there is one"
        )
    sys.stdout.flush()
    sys.stdout.buffer.write(data.encode() if isinstance(data, str) else data)
    sys.stdout.buffer.flush()


_spared: set[Path] = set()
"""Files and folders that the running command reads; see :func:`spare`."""


def spare(*paths: Path | str | None) -> None:
    """Names what the command reads (logs, folders of logs, the store, scenarios): nothing is ever written over it."""
    _spared.clear()
    _spared.update(Path(path).resolve() for path in paths if path is not None and str(path) != "-")


def check_spared(path: Path) -> None:
    """UsageError when writing ``path`` would destroy what the command reads."""
    target = path.resolve()
    stores = {f"{kept}{end}" for kept in _spared for end in (".wal", ".spill")}
    inside = any(kept.is_dir() and kept in target.parents for kept in _spared) and target.exists()
    if target in _spared or str(target) in stores or inside:
        raise UsageError(
            "is read by this very command and is not written over"
            if not inside
            else "lies among the logs that are read",
            where=str(path),
            hint="name another file with --out",
        )


def replace(path: Path, data: bytes) -> None:
    """Writes a file so that it appears whole or not at all; a device or pipe is written as it is."""
    check_spared(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot be written: {error.strerror}",
            where=str(path),
            hint="name a file in a folder that you may write to",
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
