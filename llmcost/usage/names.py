"""One spelling for what logs name in many ways: providers, service tiers, outcomes.

The canonical provider names are those of the price files; OpenTelemetry's, LiteLLM's, Langfuse's and the gateways'
names are aliases of them. A name nobody knows passes in lower case, so that a user's own price file can name it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "openai": ("open_ai", "oai", "openai_responses", "openai_chat", "text_completion_openai", "text-completion-openai", "chatgpt"),
    "anthropic": ("anthropic_text", "claude", "anthropic_messages"),
    "google": (
        "gemini", "gcp.gemini", "google_ai_studio", "google_ai", "google-ai-studio", "google_genai", "google-genai", "google_gla", "google-gla",
        "generativelanguage", "gcp.gen_ai", "google_generative_ai", "google.generative-ai", "palm", "google_palm",
    ),
    "vertex_ai": (
        "gcp.vertex_ai", "vertex", "vertexai", "vertex_ai_beta", "google_vertex", "google-vertex", "google_vertexai", "google-vertex-ai",
        "vertex_ai-language-models", "vertex_ai-anthropic_models", "vertex_ai-chat-models", "vertex_ai-text-models", "vertex_ai-embedding-models",
        "vertex_ai-vision-models", "vertex_ai-llama_models", "vertex_ai-mistral_models", "vertex-ai", "google_anthropic_vertex", "google.vertex",
    ),
    "bedrock": ("aws.bedrock", "bedrock_converse", "amazon_bedrock", "amazon-bedrock", "aws_bedrock", "aws-bedrock", "aws", "amazon", "bedrock_mantle", "aws-amazon"),
    "azure": (
        "azure_openai", "azure-openai", "az.ai.openai", "az.ai.inference", "azure.ai.openai", "azure.ai.inference", "azure_ai", "azure-ai",
        "azure_text", "azureopenai", "microsoft_azure", "azure_openai_chat",
    ),
    "mistral": ("mistral_ai", "mistralai", "mistral-ai", "codestral", "text-completion-codestral"),
    "xai": ("x_ai", "x-ai", "x.ai", "grok"),
    "deepseek": ("deep_seek", "deepseek_ai", "deepseek-ai"),
    "cohere": ("cohere_chat", "cohereai", "cohere_ai"),
    "groq": ("groqcloud", "groq_cloud"),
    "cerebras": ("cerebras_ai", "cerebras-ai"),
    "openrouter": ("open_router", "open-router"),
    "ollama": ("ollama_chat",),
    "together": ("together_ai", "togetherai", "together-ai"),
    "fireworks": ("fireworks_ai", "fireworks-ai", "fireworksai"),
    "perplexity": ("perplexity_ai", "perplexity-ai", "perplexityai"),
    "huggingface": ("hugging_face", "hugging-face", "hf"),
    "moonshot": ("moonshot_ai", "moonshotai", "moonshot-ai"),
    "watsonx": ("ibm.watsonx.ai", "ibm_watsonx_ai", "watsonx_ai"),
    "voyage": ("voyageai", "voyage_ai", "voyage-ai"),
    "deepinfra": ("deep_infra",),
    "alibaba": ("dashscope", "alibaba_cloud", "qwen"),
}  # fmt: skip
_PROVIDERS: Final = {alias: name for name, aliases in _ALIASES.items() for alias in (name, *aliases)}

_HOSTS: Final[tuple[tuple[str, str], ...]] = (
    ("openai.azure.com", "azure"), ("cognitiveservices.azure.com", "azure"), ("services.ai.azure.com", "azure"), ("inference.ai.azure.com", "azure"),
    ("api.openai.com", "openai"), ("oai.helicone.ai", "openai"), ("api.anthropic.com", "anthropic"), ("anthropic.helicone.ai", "anthropic"),
    ("generativelanguage.googleapis.com", "google"), ("aiplatform.googleapis.com", "vertex_ai"), ("openrouter.ai", "openrouter"),
    ("api.mistral.ai", "mistral"), ("codestral.mistral.ai", "mistral"), ("api.deepseek.com", "deepseek"), ("api.groq.com", "groq"),
    ("api.x.ai", "xai"), ("api.cerebras.ai", "cerebras"), ("api.cohere.com", "cohere"), ("api.cohere.ai", "cohere"), ("api.together.xyz", "together"),
    ("api.together.ai", "together"), ("api.fireworks.ai", "fireworks"), ("api.perplexity.ai", "perplexity"), ("api.moonshot.ai", "moonshot"),
    ("api.moonshot.cn", "moonshot"), ("api.voyageai.com", "voyage"), ("api.deepinfra.com", "deepinfra"), ("huggingface.co", "huggingface"),
    ("ollama.com", "ollama"),
)  # fmt: skip
_VERTEX_AREA: Final = re.compile(r"aiplatform\.(us|eu)\.rep\.googleapis\.com")
"""Endpoints of Vertex AI for several regions: https://docs.cloud.google.com/gemini-enterprise-agent-platform/resources/locations, 2026-11-24."""
_ADDRESSES: Final = 1024
"""How many addresses are remembered: a log has few of them and asks for each several times a call."""
_GATEWAYS: Final = ("gateway.ai.cloudflare.com",)

_TIERS: Final[dict[str, str]] = {
    "default": "standard", "standard": "standard", "standard_only": "standard", "on_demand": "standard", "ondemand": "standard", "regular": "standard",
    "batch": "batch", "flex": "flex", "flex_discount": "flex", "on_demand_flex": "flex",
    "priority": "priority", "priority_on_demand": "priority", "on_demand_priority": "priority", "fast": "fast",
    "scale": "standard", "reserved": "standard", "provisioned_throughput": "standard", "provisioned": "standard",
}  # fmt: skip
PREPAID_TIERS: Final = frozenset({"scale", "reserved", "provisioned_throughput", "provisioned"})
"""Tiers whose capacity was paid before: they count as ``standard`` for the list value, and a source says so as a problem."""
_SILENT_TIERS: Final = frozenset({"auto", "", "null", "none", "unspecified", "not_available"})


def provider(name: str | None) -> str | None:
    """The canonical provider name; an unknown name passes in lower case, an empty one is None."""
    if name is None or not name.strip():
        return None
    lowered = name.strip().lower()
    flat = re.sub(r"[\s-]+", "_", lowered)
    return _PROVIDERS.get(lowered) or _PROVIDERS.get(flat) or lowered


def is_provider(name: str) -> bool:
    """Whether ``name`` is a provider's name, or one of its other spellings."""
    return provider(name) in _ALIASES


def service_tier(raw: str | None) -> str | None:
    """The served tier in our words; None when it is unknown or says nothing (a requested ``auto``)."""
    return None if raw is None else _TIERS.get(_tier_word(raw))


def is_prepaid_tier(raw: str | None) -> bool:
    """Whether ``raw`` names capacity that was paid before, so that the list price is no charge."""
    return raw is not None and _tier_word(raw) in PREPAID_TIERS


def is_unknown_tier(raw: str | None) -> bool:
    """Whether ``raw`` names a tier that nobody here knows the price of."""
    return raw is not None and _tier_word(raw) not in _TIERS and _tier_word(raw) not in _SILENT_TIERS


@lru_cache(maxsize=1024)
def _tier_word(raw: str) -> str:
    return re.sub(r"[\s-]+", "_", raw.strip().lower()).removeprefix("service_tier_").removeprefix("traffic_type_")


def status_of(http: int | None) -> str | None:
    """How a call with this HTTP status ended; 499 is the client's own cancellation."""
    if http is None:
        return None
    if 200 <= http < 300:
        return "ok"
    return "cancelled" if http == 499 else "error"


@lru_cache(maxsize=_ADDRESSES)
def provider_of_url(url: str | None) -> str | None:
    """The provider that serves ``url``, told from its host (behind a known gateway, from its path); None if unknown."""
    host, port, path = _parts(url)
    if host in _GATEWAYS:
        return next((_PROVIDERS[s] for s in path.lower().split("/") if s in _PROVIDERS), None)
    for suffix, name in _HOSTS:
        if host == suffix or host.endswith(("." + suffix, "-" + suffix)):
            return name
    if re.fullmatch(r"bedrock(-runtime|-mantle)?(-fips)?\..*(amazonaws\.com|api\.aws)(\.cn)?", host):
        return "bedrock"
    if _VERTEX_AREA.fullmatch(host):
        return "vertex_ai"
    return "ollama" if port == 11434 else None


@lru_cache(maxsize=_ADDRESSES)
def region_of_url(url: str | None) -> str | None:
    """The region that the host names: data residency at OpenAI, the data centre at Bedrock and Vertex; None if none."""
    host, _, _ = _parts(url)
    if match := re.fullmatch(r"(us|eu|au|ca|jp|in|sg|kr|gb|ae)\.api\.openai\.com", host):
        return match[1]
    if match := re.match(r"bedrock[a-z-]*\.([a-z]{2}-[a-z]+(?:-[a-z]+)?-\d)\.", host):
        return match[1]
    if host == "aiplatform.googleapis.com":
        return "global"
    if match := _VERTEX_AREA.fullmatch(host):
        return match[1]
    match = re.fullmatch(r"([a-z]+-[a-z]+\d+)-aiplatform\.googleapis\.com", host)
    return match[1] if match else None


def _parts(url: str | None) -> tuple[str, int | None, str]:
    if not url:
        return "", None, ""
    try:
        split = urlsplit(url if "//" in url else f"//{url}")
        return (split.hostname or "").lower(), split.port, split.path
    except ValueError:
        return "", None, ""
