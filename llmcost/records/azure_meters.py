"""Reads the names of Azure's meters for models: which model, which kind of token, which deployment, which tier.

The names are abbreviated in many ways and their words come in any order: ``gpt-4o-0806-Inp-glbl Tokens``, ``gpt 4o 0806 cached
Inp glbl Tokens``, ``gpt 4o mini0718 BatchOutp DataZone Tokens``, ``5.4 mini cd Inp Gl 1M Tokens``, ``5.6 sol ShortCo Cd Wr Std
Gl 1M Tokens`` (Azure Retail Prices API, serviceName "Foundry Models": https://learn.microsoft.com/rest/api/cost-management/
retail-prices/azure-retail-prices, 2026-11-24). A word that means nothing here belongs to the model's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_INPUT: Final = frozenset({"inp", "inpt", "input", "in", "prompt"})
_OUTPUT: Final = frozenset({"outp", "outpt", "output", "out", "opt", "completion"})
_CACHED: Final = frozenset({"cached", "cchd", "ccchd", "cache", "cd"})
_WRITES: Final = frozenset({"wr", "write"})
_GLOBAL: Final = frozenset({"glbl", "gl", "global"})
_ZONE: Final = frozenset({"dz", "dzn", "dzone", "datazone", "dzstd"})
_REGIONAL: Final = frozenset({"regnl", "rgnl", "rg", "regional"})
_TIERS: Final = {"batch": "batch", "pp": "priority", "priority": "priority", "flex": "flex"}
_HOSTING: Final = frozenset({"hstng", "hosting", "host", "hostng"})
_TRAINING: Final = frozenset({"trng", "training", "train"})
_PREPAID: Final = frozenset({"provisioned", "ptu"})
_SHORT: Final = frozenset({"aud", "audio", "img", "txt"})
"""Words for a medium that are no part of a model's name, as "image" and "text" may be."""
_MEDIA: Final = {"aud": "audio", "audio": "audio", "img": "image", "image": "image", "txt": "text", "text": "text"}
_NOISE: Final = frozenset(
    {"tokens", "token", "tkn", "tkns", "1m", "1k", "std", "standard", "unit", "units", "shortco", "longco", "azure"}
)
_GLUED: Final = re.compile(
    r"batch(?=inp|outp|in\b|out)|(?<=mini)(?=\d{4}\b)|(?<=aud)(?=\d)|(?<=txt)(?=\d)|(?<=realtime)(?=prvw)"
)
_YEARS: Final = {
    ("gpt-4o", "0513"): "2024", ("gpt-4o", "0806"): "2024", ("gpt-4o", "1120"): "2024", ("gpt-4o-mini", "0718"): "2024", ("o1", "1217"): "2024",
    ("o1-mini", "0912"): "2024", ("o3-mini", "0131"): "2025", ("gpt-4.5", "0227"): "2025", ("o3", "0416"): "2025", ("o4-mini", "0416"): "2025",
    ("gpt-4.1", "0414"): "2025", ("gpt-4.1-mini", "0414"): "2025", ("gpt-4.1-nano", "0414"): "2025",
}  # fmt: skip
"""Month and day of a snapshot as meters write them, and its year (https://learn.microsoft.com/azure/ai-services/openai/concepts/models)."""
_MAKERS: Final = (
    ("deepseek", re.compile(r"^[vr]\d")),
    ("kimi", re.compile(r"^k\d")),
    ("gpt", re.compile(r"^\d(?:\.\d)?(?:-|$)")),
)


@dataclass(frozen=True, slots=True)
class Meter:
    """What a meter's name says; None where it does not. ``deployment`` is global, data-zone or regional."""

    model: str | None
    token_class: str | None
    service_tier: str | None
    deployment: str | None


def read_meter(name: str, family: str = "") -> Meter:
    """The meter called so; ``family`` is its subcategory or product, which names the maker where the meter does not."""
    lowered = _GLUED.sub(lambda m: f"{m[0]} ", name.lower().replace("data zone", "datazone"))
    words = [word for word in re.split(r"[\s_\-]+", lowered) if word]
    said = set(words)
    tier = next((tier for word, tier in _TIERS.items() if word in said), None)
    kinds = (("global", _GLOBAL), ("data-zone", _ZONE), ("regional", _REGIONAL))
    deployment = next((kind for kind, meant in kinds if said & meant), None)
    kind, used = _token_class(words)
    model = _model([w for w in words if w not in used and not _is_known(w)], family.lower())
    if kind in {"hosting", "training"} or said & _PREPAID:
        return Meter(None if said & _PREPAID else model, kind, None, deployment)
    return Meter(model, kind, tier or ("standard" if kind else None), deployment)


def _is_known(word: str) -> bool:
    return word in _GLOBAL or word in _ZONE or word in _REGIONAL or word in _TIERS or word in _NOISE


def _token_class(words: list[str]) -> tuple[str | None, set[str]]:
    """The kind of token, and the words that said so."""
    said = set(words)
    used = said & (_INPUT | _OUTPUT | _CACHED | _WRITES | _HOSTING | _TRAINING)
    if said & _TRAINING:
        return "training", used
    if said & _HOSTING:
        return "hosting", used
    if not said & {"tokens", "token", "tkn", "tkns"}:
        return None, used
    medium = next((_MEDIA[word] for word in words if word in _MEDIA), "text")
    used |= said & (_SHORT if _embeds(words) else _SHORT | {"text"})
    if said & _CACHED:
        if said & _WRITES:
            return "cache_write_5m", used
        return "cache_read_audio" if medium == "audio" else "cache_read", used
    side = "output" if said & _OUTPUT else "input" if said & _INPUT else None
    if side is None and _embeds(words):
        side = "input"
    return (side if side is None or medium == "text" else f"{medium}_{side}"), used


def _embeds(words: list[str]) -> bool:
    return any(word.startswith("embed") for word in words)


def _model(words: list[str], family: str) -> str | None:
    """The model's name as its maker writes it, from the words that mean nothing else."""
    name = "-".join(words)
    name = re.sub(r"^gpt-?(?=\d)", "gpt-", name).replace("gpt-4omini", "gpt-4o-mini")
    for maker, form in _MAKERS:
        if form.match(name) and (maker in family or (maker == "gpt" and "openai" in family)):
            name = f"{maker}-{name}"
    head, _, day = name.rpartition("-")
    year = _YEARS.get((head, day))
    return (f"{head}-{year}-{day[:2]}-{day[2:]}" if year else name) or None
