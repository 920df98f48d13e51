"""Rules over one usage row as SQL over the canonical columns: identity, contradictions, derived keys.

Written once here for the ingest; counts that contradict each other are never clamped: where the coarser counter still
prices the row, the finer one becomes unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

KEY_MASK: Final = "9223372036854775807::UHUGEINT"
"""2^63 - 1: keys are non-negative 63-bit integers. A mask, since DuckDB 2.0 divides 128-bit integers 30 times slower."""


@dataclass(frozen=True)
class Contradiction:
    """A condition that no honest row fulfils, and the counters that become unknown when one does."""

    kind: str
    when: str
    unknown: tuple[str, ...]
    shows: tuple[str, ...]


CONTRADICTIONS: Final = (
    Contradiction(
        "cache-read-exceeds-input",
        "cache_read_input_tokens > input_tokens",
        ("cache_read_input_tokens", "cache_read_audio_tokens"),
        ("cache_read_input_tokens", "input_tokens"),
    ),
    Contradiction(
        "cache-write-exceeds-input",
        "cache_creation_input_tokens + CASE WHEN cache_read_input_tokens > input_tokens THEN 0 "
        "ELSE coalesce(cache_read_input_tokens, 0) END > input_tokens",
        ("cache_creation_input_tokens", "cache_creation_1h_input_tokens"),
        ("cache_read_input_tokens", "cache_creation_input_tokens", "input_tokens"),
    ),
    Contradiction(
        "1h-write-exceeds-write",
        "cache_creation_1h_input_tokens > cache_creation_input_tokens",
        ("cache_creation_1h_input_tokens",),
        ("cache_creation_1h_input_tokens", "cache_creation_input_tokens"),
    ),
    Contradiction(
        "cached-audio-exceeds-audio",
        "cache_read_audio_tokens > least(input_audio_tokens, cache_read_input_tokens)",
        ("cache_read_audio_tokens",),
        ("cache_read_audio_tokens", "input_audio_tokens", "cache_read_input_tokens"),
    ),
    Contradiction(
        "media-exceeds-input",
        "coalesce(input_audio_tokens, 0) + coalesce(input_image_tokens, 0) + coalesce(input_video_tokens, 0) > input_tokens",
        ("input_audio_tokens", "input_image_tokens", "input_video_tokens", "cache_read_audio_tokens"),
        ("input_audio_tokens", "input_image_tokens", "input_video_tokens", "input_tokens"),
    ),
    Contradiction(
        "reasoning-exceeds-output",
        "coalesce(reasoning_output_tokens, 0) + coalesce(output_audio_tokens, 0) + coalesce(output_image_tokens, 0) > output_tokens",
        ("reasoning_output_tokens", "output_audio_tokens", "output_image_tokens"),
        ("reasoning_output_tokens", "output_audio_tokens", "output_image_tokens", "output_tokens"),
    ),
)

HASHED_OWNERS: Final = ("user_id", "api_key_id")
"""Owners that ``--owners hash|drop`` changes on the way into the store."""

BY_ID: Final = "response id"
BY_BUCKET: Final = "bucket dimensions"
BY_CONTENT: Final = "content and occurrence"
BY_LINE: Final = "charge id or dimensions"
"""What makes two records the same: see :func:`identity_of`; the last of billed lines."""

BUCKET: Final = "ended_at IS NOT NULL"
BUCKET_DIMENSIONS: Final = (
    "started_at", "ended_at", "provider_name", "request_model", "response_model", "operation_name", "service_tier",
    "region", "organization", "project", "team", "user_id", "api_key_id", "feature", "environment", "task_type", "tags",
)  # fmt: skip


def joined(columns: Iterable[str]) -> str:
    """SQL text that is equal for two rows exactly when all ``columns`` are (unknown differs from empty)."""
    parts = [f"coalesce('\x1f{name}\x1e' || \"{name}\"::VARCHAR, '')" for name in columns]
    return f"concat({', '.join(parts)})" if parts else "''"


def key_of(text: str) -> str:
    """SQL of a non-negative 63-bit key of the text expression; unknown stays unknown."""
    return f"(md5_number({text}) & {KEY_MASK})::BIGINT"


def content_of(columns: Iterable[str]) -> str:
    """SQL of the digest of what a row says, to tell versions of it apart.

    ``started_at`` is not part of it, since versions keep the earliest; nor are owners that may be stored hashed.
    """
    return f"md5_number({joined(c for c in columns if c != 'started_at' and c not in HASHED_OWNERS)})"


def request_identity(provider: str = "provider_name") -> str:
    """SQL of the identity of a request that has an id, under the provider that an expression gives."""
    return f"md5_number(concat('r\x1f', coalesce({provider}, ''), '\x1f', request_id))"


def rule_of(columns: Iterable[str]) -> str:
    """SQL of the name of the rule by which :func:`identity_of` identifies a row."""
    present = tuple(columns)
    bucket = f"WHEN {BUCKET} THEN '{BY_BUCKET}' " if "ended_at" in present else ""
    by_id = f"WHEN request_id IS NOT NULL THEN '{BY_ID}' " if "request_id" in present else ""
    return f"CASE {bucket}{by_id}ELSE '{BY_CONTENT}' END" if bucket or by_id else f"'{BY_CONTENT}'"


def identity_of(columns: Iterable[str]) -> str:
    """SQL of a row's identity before occurrences are counted.

    (provider, response id) across sources and files; a bucket's source, span and dimensions without its counters;
    else source and content.
    """
    present = tuple(columns)
    by_id = request_identity() if "request_id" in present else None
    bucket = f"md5_number(concat('b\x1f', source, {joined(c for c in BUCKET_DIMENSIONS if c in present)}))"
    content = f"md5_number(concat('c\x1f', source, '\x1f', coalesce(started_at::VARCHAR, ''), {joined(c for c in present if c != 'started_at')}))"
    branches = [f"WHEN request_id IS NOT NULL AND ended_at IS NULL THEN {by_id}"] if by_id else []
    if "ended_at" in present:
        branches.append(f"WHEN {BUCKET} THEN {bucket}")
    return f"CASE {' '.join(branches)} ELSE {content} END" if branches else content
