"""llmcost's own format: usage rows under the canonical column names, as ``llmcost export`` writes them.

JSONL, JSON, CSV or Parquet whose fields are named as in ``llmcost/usage/columns.py`` (or by their aliases there, such as
OpenTelemetry's ``gen_ai.usage.input_tokens``) need no mapping. A row is a request, or a bucket when ``ended_at`` is
given. Cached, written and media tokens are inside ``input_tokens``, reasoning is inside ``output_tokens``. Times are
RFC 3339 text (UTC without a zone) or whole microseconds; lists and maps may be JSON text, as in CSV.
An absent field is unknown. A field with another name becomes a tag when it is one short value. Text that may be a
prompt or an answer, anything longer, and fields whose names speak of persons or secrets (e-mail, name, IP, phone, key ..)
are left out and counted under problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec
import pyarrow as pa

from llmcost.records import BadValueError, Context, Problem, Reading, Record, Row, Sample, Source, as_json
from llmcost.records.blocks import csv_table, jsonl_table
from llmcost.records.canonical import tag_text, usage_row
from llmcost.records.table import DeclineError, Unclean, canonical, declines
from llmcost.records.values import is_absent
from llmcost.usage.columns import BY_NAME, COUNTERS, USAGE, Usage

NAMES: Final = {name: column.name for column in USAGE for name in (column.name, *column.aliases)}
_FIELDS: Final = {name: BY_NAME[column] for name, column in NAMES.items()}
_NAMED: Final = frozenset({"request_model", "response_model", "provider_name"})
_MEASURED: Final = frozenset(COUNTERS) | {"started_at"}
_FOREIGN: Final = frozenset(
    {
        "usage",
        "message",
        "messages",
        "choices",
        "request",
        "response",
        "resourceSpans",
        "spanId",
        "span_id",
        "traceId",
        "trace_id",
        "payload",
    }
)
"""Fields of logs that carry some canonical names beside their own; those have sources that know what they mean."""
_BODIES: Final = frozenset({
    "prompt", "prompts", "completion", "completions", "input", "output", "request", "response", "message", "messages",
    "content", "contents", "text", "body", "question", "answer", "query", "instructions", "system", "system_prompt",
    "choices", "document", "documents", "context", "raw", "request_body", "response_body", "prompt_text", "output_text",
})  # fmt: skip
_TEXTS: Final = frozenset(
    {"prompt", "prompts", "completion", "completions", "message", "messages", "content", "contents", "text", "body", "question", "answer", "query"}
)  # fmt: skip
"""Last words of names such as ``user_message``."""
_PRIVATE: Final = frozenset({
    "email", "mail", "phone", "telephone", "ip", "ipv4", "ipv6", "address", "addr", "ssn", "iban", "birthday", "birthdate", "dob", "password",
    "passwd", "secret", "credential", "credentials", "authorization", "cookie", "username", "firstname", "lastname", "fullname", "surname",
})  # fmt: skip
"""Words that make any name one of a person or of a secret."""
_PERSONS: Final = frozenset(
    {"user", "first", "last", "full", "customer", "person", "client", "display", "nick", "real", "contact", "employee", "owner"}
)  # fmt: skip
_SECRETS: Final = frozenset({"key", "token"})
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LONGEST_LABEL: Final = 200
_PRINTABLE_NAME: Final = re.compile(r"[A-Za-z_][\w.:-]{0,63}")


def sniff(sample: Sample) -> bool:
    """Canonical names for who answered and for what was measured, and nothing that another format owns."""
    if sample.form in {"csv", "parquet"}:
        return _looks(sample.header)
    objects = list(sample.objects())
    return bool(objects) and len(objects) == len(sample.records) and all(_looks(o) for o in objects[:10])


def _looks(fields: Iterable[str]) -> bool:
    found = set(fields)
    known = {NAMES[field] for field in found if field in NAMES}
    return bool(known & _NAMED) and bool(known & _MEASURED) and not found & _FOREIGN


def read(record: Record, _context: Context) -> Iterator[Reading]:
    """One row, or a problem; what could not be used of it follows."""
    if not isinstance(record.value, dict):
        yield Problem("not-an-object", f"a usage row is an object, not {type(record.value).__name__}")
        return
    values, others, problems = _sorted(record.value)
    row, more = usage_row(values)
    if not row:
        yield Problem("no-usage", "no usage column has a value")
        return
    left_out = _label(row, others)
    yield Row(usage=row)
    yield from (*problems, *more, *left_out)


def _sorted(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """Values under canonical names, those under other names, and names that contradict each other."""
    values: dict[str, Any] = {}
    others: dict[str, Any] = {}
    problems = []
    for field, value in fields.items():
        if is_absent(value):
            continue
        name = NAMES.get(field)
        if name is None:
            others[field] = value
        elif name not in values:
            values[name] = value
        elif values[name] != value:
            problems.append(
                Problem("two-values", f"{name} is given under two names with different values", rejected=False)
            )
            if field == name:
                values[name] = value
    return values, others, problems


def _label(row: Usage, others: Mapping[str, Any]) -> Iterator[Problem]:
    """Puts short values of unknown fields into the tags of ``row``; gives a problem for each that is left out."""
    labels: dict[str, str] = {}
    left_out = []
    for field, value in others.items():
        if _is_private(field):
            left_out.append(
                Problem(
                    "private-field",
                    f"{_shown(field)} may name a person or hold a secret and was left out; a mapping file can keep it as a tag",
                    rejected=False,
                    informative=True,
                )
            )
            continue
        word = None if _is_body(field) else _short(value, field)
        if word:
            labels[field] = word
        else:
            left_out.append(
                Problem(
                    "field-left-out",
                    f"{_shown(field)} is no usage column and no short label",
                    rejected=False,
                    informative=True,
                )
            )
    if labels:
        row["tags"] = as_json({**labels, **msgspec.json.decode(row.get("tags") or "{}")})
    return iter(left_out)


def _is_body(field: str) -> bool:
    words = _words(field)
    return field.lower().rpartition(".")[2] in _BODIES or (bool(words) and words[-1] in _TEXTS)


def _is_private(field: str) -> bool:
    words = _words(field)
    if not words:
        return False
    named = words[-1] == "name" and (len(words) == 1 or words[-2] in _PERSONS)
    return named or words[-1] in _SECRETS or not _PRIVATE.isdisjoint(words)


@cache
def _words(field: str) -> tuple[str, ...]:
    """The words of a name in any spelling: ``userEmail``, ``user_email``, ``user.email``."""
    return tuple(word.lower() for word in _WORD.findall(field))


def _short(value: Any, field: str) -> str | None:
    try:
        word = tag_text(value, field)
    except BadValueError:
        return None
    return word if word and len(word) <= _LONGEST_LABEL and "\n" not in word else None


def _shown(field: str) -> str:
    return field if _PRINTABLE_NAME.fullmatch(field) else f"a field with a name of {len(field)} characters"


def arrow(chunk: Any, context: Context) -> pa.Table | Unclean | None:
    """Canonical columns of a clean block; of any other the few rows that are not clean, or None.

    ``chunk``: a record batch or table; or bytes, line-aligned: of JSONL, or of CSV without its header line when the
    context has a header (``options["delimiter"]`` when it is no comma).
    """
    return declines(lambda: _arrow(chunk, context))


def _arrow(chunk: Any, context: Context) -> pa.Table:
    raw = raw_table(chunk, context)
    if any(name not in _FIELDS for name in raw.column_names):
        raise DeclineError
    given = [name for name in raw.column_names if raw[name].null_count < len(raw)]
    return canonical((_FIELDS[name], raw[name]) for name in given)


def raw_table(chunk: Any, context: Context) -> pa.Table:
    """The chunk as a table of the file's own fields."""
    if isinstance(chunk, pa.RecordBatch):
        return pa.Table.from_batches([chunk])
    if isinstance(chunk, pa.Table):
        return chunk
    if context.header:
        return csv_table(chunk, context.header, context.options.get("delimiter", ","))
    return jsonl_table(chunk, _FIELDS, others="error")


SOURCE = Source(
    title="Usage rows under llmcost's own column names",
    grain="mixed",
    forms=("jsonl", "json", "csv", "parquet"),
    sniff=sniff,
    read=read,
    arrow=arrow,
    knows=frozenset(BY_NAME),
    url="https://opentelemetry.io/docs/specs/semconv/gen-ai/",
    checked="2026-11-23",
)
