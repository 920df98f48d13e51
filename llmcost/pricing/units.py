"""What is counted and what it is billed as: token classes, unit fees and the sourced rules between them.

A class without a rate is never free and never borrows another rate unless a rule here says that providers bill it so.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from llmcost.pricing.entries import TokenClass, UnitClass

Counts: TypeAlias = Mapping[str, "int | Decimal | None"]
"""Summed canonical counters by column name; absent and None are unknown."""

BILLED_AS: Final[dict[TokenClass, TokenClass]] = {
    # OpenAI, Anthropic and Google bill hidden reasoning as output tokens, at full length: docs of the three read
    # 2026-11-23 (platform.openai.com/docs/guides/reasoning, platform.claude.com/docs/en/build-with-claude/extended-thinking,
    # ai.google.dev/gemini-api/docs/thinking).
    "reasoning": "output",
    # Image and video tokens are part of the reported input and cost the text rate unless the price page lists another:
    # platform.openai.com/docs/guides/images-vision and ai.google.dev/gemini-api/docs/pricing, read 2026-11-23.
    "image_input": "input",
    "video_input": "input",
}
"""A class without a rate of its own -> the class it is billed as, for every provider. Where a model sells two lives of
written tokens, the counter of the longer is ``cache_creation_1h_input_tokens``: an hour at Anthropic, twelve at OpenAI, which
counts them apart (platform.openai.com/docs/api-reference/usage, input_cache_write_12h_tokens, read 2026-11-24)."""

UNIT_COUNTERS: Final[dict[UnitClass, str]] = {
    "request": "requests",
    "web_search": "web_search_requests",
    "file_search": "file_search_requests",
    "code_session": "code_execution_sessions",
    "search_unit": "search_units",
    "page": "pages",
    "image": "output_images",
    "character": "input_characters",
    "audio_input_second": "input_audio_seconds",
    "audio_output_second": "output_audio_seconds",
    "video_input_second": "input_video_seconds",
}
"""Unit fee -> the counter it multiplies. The other unit classes are flat charges that no request counts."""

CALL_FEES: Final[frozenset[UnitClass]] = frozenset({"web_search", "file_search", "code_session"})
"""Fees per tool call, which no service tier or region changes: a batch's searches cost the full $10 per 1,000
(platform.claude.com/docs/en/about-claude/pricing, read 2026-11-23)."""

FREE_WHERE_ABSENT: Final[frozenset[UnitClass]] = frozenset({"request"})
"""Fees that few providers have: no rate means no fee, because the request is paid by its tokens."""

PAID_BY_TOKENS: Final[dict[UnitClass, tuple[str, tuple[TokenClass, ...]]]] = {
    "image": ("output_tokens", ("image_output", "output")),
    "character": ("input_tokens", ("input",)),
}
"""Second measures of what tokens count too: where the counter beside them is above zero and one of the classes has a
rate, the tokens pay and the measure is no fee. Price pages list one or the other; catalogues list both for some models
(Vertex AI embeddings: 0.1 USD a million tokens is 0.000025 a thousand characters, LiteLLM 1.109.1)."""

ONE_A_REQUEST: Final[frozenset[UnitClass]] = frozenset({"search_unit"})
"""Units of which a call has one at least; where the log does not count them, one a request is assumed and said
(docs.cohere.com/docs/how-does-cohere-pricing-work, read 2026-11-24: a query with up to 100 documents is one unit)."""
