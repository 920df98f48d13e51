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

NEVER: Final = 2**62
"""A need that no cache life can meet: the node was never seen before, or only by calls still in flight."""
