"""A progress bar on stderr while files are read: only on a terminal, and never into a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath

from llmcost.cli.diagnostics import visible

Progress = Callable[[str, int, int | None], None]
_NAME_WIDTH = 32


@contextmanager
def reading(*, quiet: bool) -> Iterator[Progress | None]:
    """Something to call with (file, bytes read, bytes in all); None where nobody would see it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    name = TextColumn("{task.description}", markup=False)
    bars = Bars(
        name, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    with bars:
        task = bars.add_task("", total=None)
        current = ""

        def tell(file: str, done: int, total: int | None) -> None:
            nonlocal current
            if file != current:
                current = file
                bars.reset(task, description=visible(PurePath(file).name)[:_NAME_WIDTH])
            bars.update(task, completed=done, total=total)

        yield tell
