"""Ingests files into the store in one transaction, and accounts for every record.

``records_read = ingested + duplicates + superseded + rejected``. A file whose bytes were ingested before is not read
again: its rows are duplicates by definition.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from llmcost import __version__
from llmcost.config import user_secret
from llmcost.errors import NothingIngestedError, UsageError
from llmcost.ingest.account import IngestedFile, IngestOptions, IngestSummary, Progress, joined
from llmcost.ingest.database import ingest_database
from llmcost.ingest.merge import Merged, insert_usage, merge_billed, merge_usage
from llmcost.ingest.owners import owner_sql
from llmcost.ingest.prefix import derive_prefixes
from llmcost.ingest.read import FileTally, read_into
from llmcost.ingest.recognise import recognise
from llmcost.ingest.stage import ProblemLog, Staging
from llmcost.records import Problem, Sample, Source
from llmcost.records.files import Input, Stdin, digest, expand, sample
from llmcost.records.postgres import is_database
from llmcost.sources import SOURCES, key_text
from llmcost.usage.store import Store

__all__ = ["IngestOptions", "IngestSummary", "IngestedFile", "Progress", "ingest"]

_UNKNOWN: Final = "no source knows this file"
_KEY_MASK: Final = (1 << 63) - 1


def ingest(
    store: Store, paths: Sequence[str], options: IngestOptions | None = None, progress: Progress | None = None
) -> IngestSummary:
    """Reads ``paths`` (files, folders, globs, ``-``, and databases as ``postgresql://..`` or ``env:NAME``) into the store.

    Raises NothingIngestedError when no record of any file could be used or under ``on_problem="fail"``; UsageError for
    paths that do not exist, an unknown source, or a single file that no source knows. In each case the store is
    left as it was. A database is read after all files, and chunk by chunk: what was read of it stays.
    """
    options = options or IngestOptions()
    databases = [path for path in paths if is_database(path)]
    files = [path for path in paths if not is_database(path)]
    told = [_files(store, files, options, progress)] if files or not databases else []
    told += [ingest_database(store, path, options, progress, _chunk) for path in dict.fromkeys(databases)]
    return joined(told) if databases else told[0]


def _files(store: Store, paths: Sequence[str], options: IngestOptions, progress: Progress | None) -> IngestSummary:
    inputs = expand(paths)
    if not inputs:
        raise UsageError(
            "there is no file in it", where=", ".join(paths), hint="hidden files are read only when they are named"
        )
    with _work_folder(store) as work, store.loading(), store.transaction():
        summary, problems = _ingest(store, inputs, options, progress, work)
        if not summary.ingested and not summary.duplicates and not summary.superseded:
            raise _nothing(summary, problems)
        return summary


def _chunk(store: Store, item: Stdin, options: IngestOptions, last: Callable[[], None]) -> IngestSummary:
    """One chunk of a table; there may be no call in it."""
    with _work_folder(store) as work, store.loading(), store.transaction():
        summary, _ = _ingest(store, [item], options, None, work)
        last()
        return summary


@contextlib.contextmanager
def _work_folder(store: Store) -> Iterator[Path]:
    store.spill.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="ingest-", dir=store.spill))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if store.path is not None:
            with contextlib.suppress(OSError):
                store.spill.rmdir()


def _ingest(
    store: Store, inputs: Sequence[Input], options: IngestOptions, progress: Progress | None, work: Path
) -> tuple[IngestSummary, ProblemLog]:
    problems = ProblemLog(options.on_problem)
    staging = Staging(store, work, problems, user_secret())
    summary = IngestSummary()
    for item in inputs:
        summary.files.append(_one_file(store, item, summary.files, options, staging, problems, progress))
    staging.finish()
    for number, file in enumerate(summary.files):
        if not file.known:  # the last rows of a file are checked when the next one begins
            file.rejected = problems.rejected(number)
    for file in summary.files:
        if file.twin is not None:
            file.read, file.rejected, file.skipped = file.twin.read, file.twin.rejected, file.twin.skipped
    _tell_unknown(summary, inputs)
    _register_files(store, summary)
    before = int(store.value("SELECT coalesce(max(row_id), -1) FROM repeated"))
    usage = _merge(store, staging, options)
    billed = merge_billed(store, staging, owner_sql(options.owners, staging.secret))
    if staging.usage_rows:
        insert_usage(store, staging.numbered, prefixed=derive_prefixes(store, staging.prefix_keys))
    _account(summary, usage, billed, problems)
    summary.repeated = _repeated(store, before)
    _record(store, summary, problems, options, staging.present)
    return summary, problems


def _one_file(
    store: Store,
    item: Input,
    before: Sequence[IngestedFile],
    options: IngestOptions,
    staging: Staging,
    problems: ProblemLog,
    progress: Progress | None,
) -> IngestedFile:
    number = len(before)
    found = sample(item)
    if isinstance(found, Sample) and options.mapping is not None:
        options.mapping.check_sample(found)
    if isinstance(found, Problem):
        problems.add(number, str(item), found.kind, found.detail, rejected=found.rejected, line=found.line or 1)
        return IngestedFile(str(item), None, int(found.rejected), int(found.rejected), note=found.detail)
    chosen = _choose(found, options)
    if chosen is None:
        return IngestedFile(str(item), None, note=_UNKNOWN)
    name, _ = chosen
    size = item.stat().st_size if isinstance(item, Path) else None
    again = _Again(store, before, name, _mapping_name(options))
    if size is not None and again.has_size(size) and (same := again.find(str(item), _key(item))) is not None:
        return same
    tally = FileTally(number, str(item), problems)
    with _watching(progress, item) as watch, _hashing(item) as key:
        read_into(staging, item, found, chosen, options.mapping, user_secret(), tally, watch)
        file_key = key()
    if size is None and (same := again.find(str(item), file_key)) is not None:
        # Standard input is known only when it has been read: it may be larger than memory.
        staging.forget(number)
        problems.forget(number)
        return same
    return IngestedFile(
        str(item), name, tally.read, problems.rejected(number), tally.skipped, file_key=file_key, size=size
    )


@dataclass(frozen=True)
class _Again:
    """Finds out whether the bytes of a file were read before: in this ingest, or by the same source into the store."""

    store: Store
    before: Sequence[IngestedFile]
    source: str
    mapping: str | None

    def has_size(self, size: int) -> bool:
        """Whether a file of this size was read before: any other need not be hashed before it is read."""
        return any(file.size in {size, None} for file in self.before if file.source) or bool(
            self.store.value("SELECT count(*) FROM files WHERE bytes IS NOT DISTINCT FROM ? OR bytes IS NULL", [size])
        )

    def find(self, name: str, key: int) -> IngestedFile | None:
        """The file as one that is known; None when it is new."""
        twin = next((file for file in self.before if file.file_key == key and file.source == self.source), None)
        if twin is not None:
            return IngestedFile(name, self.source, known=True, file_key=key, twin=twin)
        known = self.store.rows(
            "SELECT records_read, rejected, skipped FROM files WHERE file_key = ? AND source = ? AND mapping IS NOT DISTINCT FROM ?",
            [key, self.source, self.mapping],
        )
        if not known:
            return None
        read, rejected, skipped = known[0]
        return IngestedFile(name, self.source, read, rejected, skipped, known=True, file_key=key)


def _key(item: Input) -> int:
    return int.from_bytes(digest(item)[:8], "big") & _KEY_MASK


@contextlib.contextmanager
def _hashing(item: Input) -> Iterator[Callable[[], int]]:
    """The key of a file, hashed beside its reading; of standard input it is known when that was read."""
    if not isinstance(item, Path):
        yield lambda: _key(item)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="llmcost-hash") as pool:
        yield pool.submit(_key, item).result


@contextlib.contextmanager
def _watching(progress: Progress | None, item: Input) -> Iterator[Callable[[int], None] | None]:
    if progress is None:
        yield None
        return
    size = item.stat().st_size if isinstance(item, Path) else None
    yield lambda done: progress(str(item), done, size)


def _choose(found: Sample, options: IngestOptions) -> tuple[str, Source] | None:
    if options.mapping is not None:
        return "mapping", SOURCES.load("mapping")
    if options.source:
        return options.source, SOURCES.load(options.source)
    return recognise(found)


def _mapping_name(options: IngestOptions) -> str | None:
    return options.mapping.fingerprint() if options.mapping is not None else None


def _tell_unknown(summary: IngestSummary, inputs: Sequence[Input]) -> None:
    unknown = [file for file in summary.files if file.note == _UNKNOWN]
    if unknown and len(unknown) == len(inputs):
        raise UsageError(
            "no source knows this file" + (f", nor {len(unknown) - 1} more" if len(unknown) > 1 else ""),
            where=unknown[0].name,
            why="its first records look like none of the formats (llmcost sources)",
            hint="name one with --source NAME, or describe the file with --mapping FILE (llmcost init writes an example)",
        )


def _register_files(store: Store, summary: IngestSummary) -> None:
    rows = [(n, f.file_key, f.source) for n, f in enumerate(summary.files) if f.source and not f.known]
    store.register(
        "staged_files",
        pa.table(
            {
                "file_no": pa.array([r[0] for r in rows], pa.int32()),
                "file_key": pa.array([r[1] for r in rows], pa.int64()),
                "source": pa.array([r[2] for r in rows], pa.string()),
            }
        ),
    )


def _merge(store: Store, staging: Staging, options: IngestOptions) -> Merged:
    if not staging.usage_rows:
        return Merged(0, 0, 0, 0, 0)
    before = store.value("SELECT value FROM meta WHERE key = 'present'")
    stored = str(before).split(",") if before else []
    return merge_usage(store, staging, owner_sql(options.owners, staging.secret), {*staging.present, *stored})


def _account(summary: IngestSummary, usage: Merged, billed: Merged, problems: ProblemLog) -> None:
    known = [file for file in summary.files if file.known]
    summary.read = sum(file.read for file in summary.files)
    summary.rejected = sum(file.rejected for file in summary.files)
    summary.skipped = sum(file.skipped for file in summary.files)
    summary.ingested = usage.ingested + billed.ingested
    summary.duplicates = usage.duplicates + billed.duplicates + sum(file.read - file.rejected for file in known)
    summary.superseded = usage.superseded + billed.superseded
    summary.replaced = usage.replaced + billed.replaced
    summary.billed = billed.billed
    summary.problems = [
        (kind, rejected, int(entry[0]), str(entry[2])) for (_, kind, rejected), entry in problems.counts.items()
    ]
    total = summary.ingested + summary.duplicates + summary.superseded + summary.rejected
    if summary.read != total:
        raise AssertionError(f"{summary.read} records read, {total} accounted for")


def _record(
    store: Store, summary: IngestSummary, problems: ProblemLog, options: IngestOptions, present: Collection[str]
) -> None:
    before = store.value("SELECT value FROM meta WHERE key = 'present'")
    present = sorted({*(str(before).split(",") if before else []), *present})
    store.execute("DELETE FROM meta WHERE key = 'present'")
    store.execute("INSERT INTO meta VALUES ('present', ?)", [",".join(present)])
    store.execute(
        "INSERT INTO ingests SELECT coalesce(max(ingest_id), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ? FROM ingests",
        [
            __version__, summary.read, summary.ingested, summary.duplicates, summary.superseded,
            summary.rejected, summary.skipped, summary.replaced,
        ],
    )  # fmt: skip
    for file in summary.files:
        if file.source and not file.known:
            store.execute(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    file.file_key,
                    file.name,
                    file.source,
                    _mapping_name(options),
                    file.size,
                    file.read,
                    file.rejected,
                    file.skipped,
                ],
            )
    _record_touched(store, summary, problems)
    for (number, kind, rejected), (count, line, example) in problems.counts.items():
        store.execute(
            "INSERT INTO problems VALUES (?, ?, ?, ?, ?, ?)",
            [summary.files[number].file_key, kind, rejected, count, line, example],
        )


def _repeated(store: Store, before: int) -> list[tuple[str, str, bool, int]]:
    """The account of the records that this ingest found to be the same as others."""
    rows = store.rows(
        "SELECT source, rule, superseded, count(*) FROM repeated WHERE row_id > ? GROUP BY ALL ORDER BY 4 DESC, 1, 2, 3",
        [before],
    )
    return [(source, key_text(source, rule), superseded, number) for source, rule, superseded, number in rows]


def _record_touched(store: Store, summary: IngestSummary, problems: ProblemLog) -> None:
    """Which lines the problems of kept rows touched, so that a replay can tell their money."""
    runs = [(n, kind, *run) for (n, kind), found in problems.touched.items() for run in found]
    if runs:
        keys, kinds, first, last = zip(*((summary.files[n].file_key, *run) for n, *run in runs), strict=True)
        lines = {"file_key": keys, "kind": kinds, "first_line": first, "last_line": last}
        store.append("touched", pa.table({name: pa.array(values) for name, values in lines.items()}))


def _nothing(summary: IngestSummary, problems: ProblemLog) -> NothingIngestedError:
    first = next((example for _, _, _, example in summary.problems), None)
    kinds = "; ".join(f"{count} x {kind}" for kind, _, count, _ in summary.problems[:5])
    return NothingIngestedError(
        f"none of the {summary.read:,} records could be used" if summary.read else "there are no calls in it",
        where=", ".join(file.name for file in summary.files[:3]) + (" .." if len(summary.files) > 3 else ""),
        excerpt="\n  ".join(part for part in (first, problems.excerpt) if part) or None,
        why=f"{kinds}; the store was left as it was" if kinds else "the store was left as it was",
        hint="llmcost sources --file FILE tells which format a file has, and llmcost sources NAME what is read of it",
    )
