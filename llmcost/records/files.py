"""Files to records: the one door through which sources and ingest get what a file says."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.records.columnar import batches, parquet
from llmcost.records.contract import SAMPLE_BYTES, Form, Problem, Record
from llmcost.records.cut import chunk_records, jsonl, line_chunks, text_lines
from llmcost.records.delimited import delimited, dialect_of
from llmcost.records.documents import documents
from llmcost.records.form import sample
from llmcost.records.inputs import Input, Stdin, digest, expand
from llmcost.records.streams import Progress, Stream, open_bytes, open_stream, peek

__all__ = [
    "Input", "Progress", "Stdin", "batches", "chunk_records", "chunks", "digest", "expand", "header", "open_bytes",
    "records", "sample",
]  # fmt: skip


def records(path: Input, form: Form, progress: Progress | None = None) -> Iterator[Record | Problem]:
    """Every record of the file, once: a :class:`Record`, or a rejected :class:`Problem` in its place.

    Memory holds one record at a time (one batch of Parquet), whatever the size of the file. Blank lines are no
    records. A file that ends early or is damaged gives a problem behind its good records.
    """
    if form == "parquet":
        return parquet(path, progress)
    if form == "csv":
        return _delimited(path, progress)
    read = {"jsonl": jsonl, "json": documents, "text": text_lines}[form]
    return read(open_stream(path, progress))


def _delimited(path: Input, progress: Progress | None) -> Iterator[Record | Problem]:
    dialect = dialect_of(_head(path))
    if dialect is None:
        yield Problem("no-header", "no line that could name the columns of a table", line=1)
        return
    yield from delimited(open_stream(path, progress), dialect)


def header(path: Input) -> tuple[str, ...]:
    """The column names of a CSV file."""
    dialect = dialect_of(_head(path))
    return dialect.header if dialect else ()


def _head(path: Input) -> str:
    data = Stream([peek(path, SAMPLE_BYTES)]).beginning(SAMPLE_BYTES)
    return b"".join(Stream([data]).text()).decode(errors="replace")


def chunks(path: Input, progress: Progress | None = None) -> Iterator[tuple[int, bytes] | Problem]:
    """A JSONL file as line-aligned blocks of about 8 MB with their first line numbers, for a vectorised reader.

    Where that reader declines a block, :func:`chunk_records` reads it carefully. A line that is too long and the
    end of a damaged file come as problems.
    """
    return line_chunks(open_stream(path, progress))
