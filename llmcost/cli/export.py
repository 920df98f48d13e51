"""``llmcost export``: the store's usage rows as a file that any llmcost reads again."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from llmcost.cli.diagnostics import say, warn
from llmcost.cli.options import QuietOption, StoreOption, command_app
from llmcost.cli.output import check_spared, spare
from llmcost.config import DEFAULT_STORE

COMMAND = command_app()


class Form(StrEnum):
    """Forms of an export."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@COMMAND.command()
def export(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")],
    store: StoreOption = None,
    form: Annotated[
        Form | None, typer.Option("--format", "-f", help="Default: what the file's suffix says, else jsonl.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Write the store's usage rows to a JSONL, CSV or Parquet file.

    llmcost ingest reads it again and gets the same rows. Content keys (prompt_key, response_key, prefix_keys) are
    hashes under your secret and are hashed once more when they are read, so they still compare among themselves, but
    not with keys made from the original logs. Billed lines are not usage rows and are left out.
    """
    from llmcost.usage.export import export_rows
    from llmcost.usage.store import Store

    spare(store or DEFAULT_STORE)
    check_spared(out)
    chosen = form or next((each for each in Form if out.suffix == f".{each}"), Form.JSONL)
    with Store(store or Path(DEFAULT_STORE), read_only=True) as opened:
        done = export_rows(opened, out, chosen.value)
    say(f"wrote {out}: {done.rows:,} rows", quiet=quiet)
    if done.billed:
        warn(f"{done.billed:,} billed lines are not usage rows and were left out")
    if done.defused:
        warn(
            f"{done.defused:,} texts that a spreadsheet would run got a ' in front; jsonl and parquet keep them as they are"
        )
