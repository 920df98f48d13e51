"""Reads the usage types of Amazon Bedrock in AWS bills: which model, which kind of token, which tier, where.

Models of AWS Marketplace: ``USE1-MP:USE1_InputTokenCount_Global-Units`` (Claude up to 4.6),
``USE1-MP:USE1_cache_write_tokens_global_standard-Units`` (later ones); their model stands in the product's name. Others:
``USE1-NovaLite-input-tokens-batch``, ``USE1-qwen.qwen3-32b-mantle-input-tokens-flex``, ``-cross-region-global``
(https://docs.aws.amazon.com/bedrock/latest/userguide/cost-mgmt-understanding-cur-data.html, 2026-11-24).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT

_PREFIX: Final = re.compile(r"^(?P<place>[A-Z]{2,4}\d?)-(?:MP:)?")
_EDITION: Final = re.compile(r"^(?P<name>.+?)\s*\(Amazon Bedrock Edition\)$")
_TOKENS: Final = re.compile(
    r"[-_](?:mantle-)?(?:text-|image-|video-|speech-|audio-)?(?:cache|input|output|response|custom)", re.IGNORECASE
)
_PLACES: Final = {
    "USE1": "us-east-1", "USE2": "us-east-2", "USW1": "us-west-1", "USW2": "us-west-2", "UGE1": "us-gov-east-1", "UGW1": "us-gov-west-1",
    "CAN1": "ca-central-1", "SAE1": "sa-east-1", "EU": "eu-west-1", "EUW1": "eu-west-1", "EUW2": "eu-west-2", "EUW3": "eu-west-3",
    "EUC1": "eu-central-1", "EUC2": "eu-central-2", "EUN1": "eu-north-1", "EUS1": "eu-south-1", "EUS2": "eu-south-2", "APN1": "ap-northeast-1",
    "APN2": "ap-northeast-2", "APN3": "ap-northeast-3", "APS1": "ap-southeast-1", "APS2": "ap-southeast-2", "APS3": "ap-south-1",
    "APS5": "ap-south-2", "APE1": "ap-east-1", "MES1": "me-south-1", "MEC1": "me-central-1", "AFS1": "af-south-1", "ILC1": "il-central-1",
}  # fmt: skip
"""Region codes of bills; APS3 is ap-south-1 (https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html, recalled)."""
_CLAUDE_OLD: Final = re.compile(
    r"^Claude (?P<version>\d(?:\.\d)?) (?P<size>Opus|Sonnet|Haiku)(?P<more> v\d)?$", re.IGNORECASE
)
_THOUSAND: Final = re.compile(r"\b(?:1k|1,?000|thousand)\b", re.IGNORECASE)
_MILLION: Final = re.compile(r"\b(?:1m|1,?000,?000|million)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UsageType:
    """What a usage type says; None where it does not."""

    model: str | None
    token_class: str | None
    service_tier: str | None
    region: str | None
    prepaid: bool


def is_bedrock(product_code: str, product_name: str, usage_type: str) -> bool:
    """Whether a line is a charge of Amazon Bedrock, under its own product code or a model's on AWS Marketplace."""
    if product_code.lower().startswith("amazonbedrock") or "amazon bedrock" in product_name.lower():
        return True
    return "-MP:" in usage_type and re.search(r"TokenCount|_tokens_", usage_type) is not None


def read_usage_type(usage_type: str, product_name: str) -> UsageType:
    """The usage type and the product it belongs to."""
    prefix = _PREFIX.match(usage_type)
    rest = usage_type[prefix.end() :] if prefix else usage_type
    lowered = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", rest).lower().replace("-", "_")
    words = set(lowered.split("_"))
    prepaid = "provisioned" in words or "reserved" in words or {"model", "units"} <= words
    kind = None if prepaid else _token_class(words, lowered)
    named = next((t for t in ("batch", "flex", "priority") if t in words), None)
    tier = named or ("standard" if kind else None)
    place = _PLACES.get(prefix["place"]) if prefix else None
    return UsageType(_model(rest, product_name), kind, tier, "global" if "global" in words else place, prepaid)


def _token_class(words: set[str], lowered: str) -> str | None:
    if not words & {"token", "tokens"}:
        return None
    if "cache" in words:
        if "read" in words:
            return "cache_read"
        return "cache_write_1h" if re.search(r"1_?h(?:our)?(?:_|$)|write1h", lowered) else "cache_write_5m"
    side = "output" if words & {"output", "response"} else "input" if "input" in words else None
    medium = next((m for m in ("audio", "image", "video") if m in words or (m == "audio" and "speech" in words)), None)
    if medium is None or side is None or f"{medium}_{side}" == "video_output":
        return side
    return f"{medium}_{side}"


def _model(rest: str, product_name: str) -> str | None:
    if match := _EDITION.match(product_name):
        return _of_product(match["name"])
    found = _TOKENS.search(rest)
    if found is None:
        return None
    return rest[: found.start()] or None


def _of_product(name: str) -> str:
    """A product's name as the makers write models: ``Claude Sonnet 4.5`` is claude-sonnet-4-5."""
    if match := _CLAUDE_OLD.match(name):
        return f"claude-{match['version'].replace('.', '-')}-{match['size'].lower()}{(match['more'] or '').lower().replace(' ', '-')}"
    slug = name.lower().replace(" ", "-")
    return slug.replace(".", "-") if slug.startswith("claude-") else slug


def tokens_of(amount: Decimal | None, unit: str | None, description: str) -> tuple[Decimal | None, str | None]:
    """A quantity of token units in tokens; where neither unit nor description says how many, it stays as it is."""
    said = f"{unit or ''} {description if (unit or '').lower() in {'', 'units', 'unit'} else ''}"
    factor = 1_000_000 if _MILLION.search(said) else 1_000 if _THOUSAND.search(said) else None
    if amount is None or factor is None:
        return amount, unit
    return EXACT.multiply(amount, Decimal(factor)), "tokens"
