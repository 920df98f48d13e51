"""Reads the description of a Google Cloud SKU: which model, which kind of token, which tier.

The descriptions are prose ("Gemini 2.5 Pro Text Input - Predictions", "Gemini 2.5 Flash GA Thinking Text Output -
Predictions", "Generate content input token count gemini 2.5 pro short input text"), listed at
https://cloud.google.com/skus/sku-groups/vertex-api-gemini-2-x-skus and .../gen-ai-v2 (2026-09-05). What they do not say stays
unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_GEMINI: Final = re.compile(
    r"gemini[ -_](?:v)?(?P<version>\d+(?:\.\d+)?)[ -_](?P<size>pro|flash|ultra|nano|argon|hydrogen|carbon)(?P<lite>[ -_]lite)?"
    r"(?:[ -_](?P<kind>live|tts|image(?= (?:image|text|video|audio) )))?"
)
# "Image Input" names tokens of a modality, "2.5 Flash Image Image Output" a model of that name.
_CLAUDE_NEW: Final = re.compile(r"claude (?P<size>opus|sonnet|haiku|fable|mythos) (?P<version>\d+(?:\.\d+)?)")
_CLAUDE_OLD: Final = re.compile(r"claude (?P<version>3(?:\.\d)?) (?P<size>opus|sonnet|haiku)")
_OTHERS: Final = re.compile(
    r"\b(claude|llama|mistral|codestral|deepseek|qwen|gpt-oss|gpt oss|grok|jamba|kimi|minimax|glm|gemma|imagen|veo|lyria|"
    r"palm|text-bison|chat-bison|textembedding|gemini|embedding)\b"
)
_MODALITIES: Final = ("audio", "image", "video")
_CLASSES: Final = {
    ("input", "audio"): "audio_input", ("input", "image"): "image_input", ("input", "video"): "video_input",
    ("output", "audio"): "audio_output", ("output", "image"): "image_output", ("cache_read", "audio"): "cache_read_audio",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sku:
    """What a SKU's description says; None where it does not."""

    model: str | None
    token_class: str | None
    service_tier: str | None
    region: str | None


def is_model_sku(description: str) -> bool:
    """Whether a SKU is of a generative model (or of capacity bought for one), not of machines or storage."""
    lowered = description.lower()
    return _OTHERS.search(lowered) is not None or "provisioned throughput" in lowered


def read_sku(description: str) -> Sku:
    """The SKU that is described so."""
    lowered = description.lower()
    words = set(re.findall(r"[a-z]+", lowered))
    tier = next((t for t in ("batch", "flex", "priority") if t in words), None)
    return Sku(_model(lowered), _token_class(lowered, words), tier, "global" if "global" in words else None)


def _model(lowered: str) -> str | None:
    if match := _GEMINI.search(lowered):
        parts = ["gemini", match["version"], match["size"], "lite" if match["lite"] else None, match["kind"]]
        return "-".join(part for part in parts if part)
    for form in (_CLAUDE_NEW, _CLAUDE_OLD):
        if match := form.search(lowered):
            version = match["version"].replace(".", "-")
            return f"claude-{version}-{match['size']}" if form is _CLAUDE_OLD else f"claude-{match['size']}-{version}"
    return None


def _token_class(lowered: str, words: set[str]) -> str | None:
    if "storage" in words:
        return "cache_storage"
    if "grounding" in words:
        return "web_search"
    if words & {"tuning", "training"}:
        return "training"
    if "cache" in lowered or "caching" in words:
        if "write" in words:
            return "cache_write_1h" if re.search(r"1 ?h|1 hour", lowered) else "cache_write_5m"
        side = "cache_read"
    elif "output" in words:
        side = "output"
    elif "input" in words:
        side = "input"
    else:
        return None
    without_model = _GEMINI.sub("", lowered)
    modality = next((m for m in _MODALITIES if m in without_model), "")
    return _CLASSES.get((side, modality), side)
