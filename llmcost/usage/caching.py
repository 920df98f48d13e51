"""What the ingest and the replay must agree on about provider prompt caches: who shares one, and when an entry is usable."""

from __future__ import annotations

from typing import Final

DEFAULT_WRITE_LATENCY_US: Final = 1_000_000
"""When a log knows neither time to first token nor duration, a new entry is taken to be usable after one second."""

PROJECT_SCOPED: Final = ("anthropic", "vertex_ai", "google")
"""Providers whose caches are shared within a workspace or project; all others share within the organization.

Anthropic: per workspace since 2026-02-05 (https://platform.claude.com/docs/en/build-with-claude/prompt-caching);
Vertex AI and Gemini: per project (https://ai.google.dev/gemini-api/docs/caching). Checked 2026-11-23.
"""

HIT_COLUMNS: Final = {
    300_000_000: "prefix_hit_5m",
    1_800_000_000: "prefix_hit_30m",
    3_600_000_000: "prefix_hit_1h",
    14_400_000_000: "prefix_hit_4h",
    86_400_000_000: "prefix_hit_24h",
    2**62 - 1: "prefix_hit_any",
}
"""Lives (microseconds) that providers have, and the column that holds the tokens a row would find under each: a replay
under one of these reads a single number a row; any other life is looked up in the needs."""

NEVER: Final = 2**62
"""A need that no cache life can meet: the node was never seen before, or only by calls still in flight."""
