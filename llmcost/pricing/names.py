"""From the names in logs to models: exact ids, aliases, dated aliases, then anchored patterns; never a nearest guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from llmcost.pricing.entries import ModelEntry
from llmcost.usage import names as usage_names

FIRST_PARTY: Final = (
    "openai", "anthropic", "google", "mistral", "xai", "deepseek", "cohere", "moonshot", "zai", "minimax", "meta", "perplexity", "voyage",
)  # fmt: skip
"""Makers that sell their own models; a name without a provider is looked up among these only."""
_PREFIXES: Final[dict[str, str]] = {
    "z_ai": "zai",
    "z-ai": "zai",
    "zai-org": "zai",
    "meta-llama": "meta",
    "meta_llama": "meta",
}
_MODEL_PATH: Final = re.compile(
    r"^(?:projects/[^/]+/locations/(?P<region>[^/]+)/)?(?:publishers/[^/]+/)?models/(?P<name>.+)$"
)
_ARN: Final = re.compile(
    r"^arn:aws[a-z-]*:bedrock:(?P<region>[a-z0-9-]*):[^:]*:(?:foundation-model|inference-profile)/(?P<name>.+)$"
)
_GEO_PREFIX: Final = re.compile(r"^(?P<region>us-gov|us|eu|apac|jp|au|ca|in|global)\.(?P<name>[a-z0-9-]+\..+)$")
_REGION_SEGMENT: Final = re.compile(
    r"^(?P<region>us-gov|us|eu|apac|global|global-standard|[a-z]{2}(?:-gov)?-[a-z]+-\d)/(?P<name>.+)$"
)
_MARKER: Final = re.compile(r"\[1m\]$")
"""Claude Code marks the long-context variant in the name; the price depends on the request's size, not on the mark."""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model of the catalogue. ``region`` is set where the logged name itself names the region or geography served.

    ``assumed`` says what was assumed to find the model (no provider in the log), else None.
    """

    provider: str
    model: str
    region: str | None = None
    entry: ModelEntry = field(compare=False, repr=False, kw_only=True)
    assumed: str | None = field(default=None, compare=False, kw_only=True)

    @property
    def key(self) -> str:
        """``provider/model``."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Spelling:
    """One reading of a logged name: a provider's own name for the model, and the region the name told."""

    name: str
    region: str | None = None


class NameIndex:
    """The names of one provider's models."""

    def __init__(self, models: Iterable[ModelEntry]) -> None:
        self._models = tuple(models)

    @cached_property
    def _exact(self) -> dict[str, ModelEntry]:
        names = {alias.lower(): model for model in self._models for alias in model.aliases}
        return names | {model.id.lower(): model for model in self._models}

    @cached_property
    def _spans(self) -> dict[str, list[tuple[int, int | None, ModelEntry]]]:
        spans: dict[str, list[tuple[int, int | None, ModelEntry]]] = {}
        for model in self._models:
            for span in model.alias_history:
                spans.setdefault(span.alias.lower(), []).append((span.valid_from, span.valid_to, model))
        return spans

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], ModelEntry]]:
        return [(re.compile(p, re.IGNORECASE), model) for model in self._models for p in model.patterns]

    def find(self, name: str, at: int | None) -> ModelEntry | None:
        """The model that ``name`` meant at ``at`` (None: what it means last); None if unknown or not unique."""
        lowered = name.lower()
        if lowered in self._exact:
            return self._exact[lowered]
        if lowered in self._spans:
            return self._in_history(lowered, at)
        found = {model.id: model for pattern, model in self._patterns if pattern.fullmatch(name)}
        return next(iter(found.values())) if len(found) == 1 else None

    def instants(self, name: str) -> tuple[int, ...]:
        """Instants at which ``name`` changes its meaning."""
        if name.lower() in self._exact:
            return ()
        bounds = ((start, end) for start, end, _ in self._spans.get(name.lower(), ()))
        return tuple(sorted({t for pair in bounds for t in pair if t is not None}))

    def _in_history(self, lowered: str, at: int | None) -> ModelEntry | None:
        spans = self._spans[lowered]
        if at is None:
            return max(spans, key=lambda s: (s[1] is None, s[0]))[2]
        holding = [s for s in spans if s[0] <= at and (s[1] is None or at < s[1])]
        return max(holding, key=lambda s: s[0])[2] if holding else None


def prefix_provider(name: str) -> tuple[str, str] | None:
    """Provider and rest of ``provider/name``, if the first part is a provider's name or an alias of one."""
    head, slash, rest = name.partition("/")
    if not slash or not rest:
        return None
    canonical = _PREFIXES.get(head.lower()) or usage_names.provider(head)
    return (canonical, rest) if canonical else None


def spellings(provider: str, name: str) -> Iterator[Spelling]:
    """How ``provider`` itself may call what a log calls ``name``, the literal name first.

    A prefix that names the same provider goes; one that names another goes only where ``provider`` is a host of
    others' models and the prefix is a maker's: ``anthropic/..`` in a log of OpenAI's API was served by somebody else, at
    other prices, and ``acme/gpt-4o`` at a host is a model of Acme's.
    """
    pending = [Spelling(_MARKER.sub("", name.strip()))]
    seen: set[Spelling] = set()
    while pending:
        spelling = pending.pop(0)
        if spelling in seen:
            continue
        seen.add(spelling)
        yield spelling
        pending += _shorter(provider, spelling)


def _shorter(provider: str, spelling: Spelling) -> list[Spelling]:
    found = []
    expressions = [_MODEL_PATH]
    if provider == "bedrock":
        expressions += [_ARN, _GEO_PREFIX, _REGION_SEGMENT]
    if provider in {"azure", "vertex_ai"}:
        expressions.append(_REGION_SEGMENT)
    for expression in expressions:
        if match := expression.match(spelling.name):
            region = match["region"] or None
            # a geographic profile inside an ARN says more than the region that was called
            found.append(
                Spelling(match["name"], "global" if region == "global-standard" else region or spelling.region)
            )
    prefixed = prefix_provider(spelling.name)
    if prefixed and (prefixed[0] == provider or (provider not in FIRST_PARTY and prefixed[0] in FIRST_PARTY)):
        found.append(Spelling(prefixed[1], spelling.region))
    return found
