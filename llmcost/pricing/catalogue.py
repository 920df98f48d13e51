"""The dated price catalogue: shipped files and the user's overlays, each provider read when it is first asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import structs

from llmcost.errors import UsageError, nearest
from llmcost.pricing import cuts as cutting
from llmcost.pricing import entries, names, overlay, resolve
from llmcost.pricing.cuts import Cuts
from llmcost.pricing.entries import BatchRule, CacheRule, Discount, ModelEntry, PriceFile
from llmcost.pricing.names import ModelRef, NameIndex
from llmcost.pricing.resolve import GEOGRAPHIES, Rates, Terms, Unpriced, is_host_region
from llmcost.usage import names as usage_names

__all__ = ["Catalogue", "Cuts", "ModelRef", "Rates", "Unpriced", "load", "price_folder"]


def price_folder() -> Path:
    """Where the shipped price files lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "_pricing", package.parent / "pricing"):
        if folder.is_dir():
            return folder
    raise UsageError("the shipped price files are missing", where=str(package), hint="install llmcost again")


def load(overlays: Sequence[Path] = (), *, folder: Path | None = None, now: int | None = None) -> Catalogue:
    """The catalogue with the user's files on top. ``now`` (microseconds UTC) prices rows that have no time of their own."""
    return Catalogue(folder or price_folder(), overlays, now=now)


class Catalogue:
    """What is for sale, under which names, when and for how much."""

    def __init__(self, folder: Path, overlays: Sequence[Path] = (), *, now: int | None = None) -> None:
        self.folder, self.overlays, self.now = folder, tuple(overlays), now
        self._files: dict[str, PriceFile] = {}
        self._indexes: dict[str, NameIndex] = {}
        self._tools: dict[str, tuple[ModelEntry, ...]] = {}
        self._own: dict[str, list[ModelEntry]] = {}
        self.discounts: tuple[Discount, ...] = ()
        for path in self.overlays:
            self._add(overlay.read(path), str(path))

    def _add(self, file: PriceFile, where: str) -> None:
        for provider, models in overlay.models_by_provider(file, where).items():
            self._own.setdefault(provider, []).extend(models)
        provided = (d if d.provider else structs.replace(d, provider=file.provider) for d in file.discounts)
        self.discounts += tuple(provided)

    @cached_property
    def sha256(self) -> str:
        """Digest of every price file and overlay as they lie on disk."""
        digest = hashlib.sha256()
        for path in (*sorted(self.folder.glob("*.toml")), *self.overlays):
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)}\n".encode())
            digest.update(content)
        return digest.hexdigest()

    @cached_property
    def _providers(self) -> tuple[str, ...]:
        return tuple(sorted({p.stem for p in self.folder.glob("*.toml")} | self._own.keys()))

    def providers(self) -> tuple[str, ...]:
        """Canonical provider names, sorted; no file is read."""
        return self._providers

    def file(self, provider: str) -> PriceFile:
        """The provider's file with the user's models merged in; UsageError for an unknown provider."""
        if provider not in self._files:
            path = self.folder / f"{provider}.toml"
            own = self._own.get(provider, [])
            if provider not in self.providers():
                raise UsageError(f"no provider is called {provider!r}", hint=nearest(provider, self.providers()))
            shipped = (
                entries.read(path.read_text(encoding="utf-8"), str(path))
                if path.is_file()
                else PriceFile(provider=provider)
            )
            self._files[provider] = (
                structs.replace(shipped, models=overlay.merge(shipped.models, own)) if own else shipped
            )
        return self._files[provider]

    def models(self, provider: str) -> tuple[ModelRef, ...]:
        """The provider's models, by id."""
        return tuple(ModelRef(provider, m.id, entry=m) for m in sorted(self.file(provider).models, key=lambda m: m.id))

    def tools(self, provider: str) -> tuple[ModelEntry, ...]:
        """What the provider sells per call to any of its models (code interpreter sessions ..)."""
        if provider not in self._tools:
            known = self.file(provider).models if provider in self.providers() else ()
            self._tools[provider] = tuple(entry for entry in known if entry.operation == "tool")
        return self._tools[provider]

    def batch_rule(self, provider: str) -> BatchRule | None:
        """Limits of the provider's batch interface, if known."""
        return self.file(provider).batch if provider in self.providers() else None

    def resolve(self, provider: str | None, name: str, at: int | None = None) -> ModelRef | None:
        """The model that a log of ``provider`` calls ``name`` at ``at``; None when that is unknown or not unique.

        Without a provider, a prefix of the name may tell it; else the name must be known to exactly one maker, and
        the result says that this was assumed.
        """
        at = self.now if at is None else at
        canonical = usage_names.provider(provider)
        if canonical is not None:
            return self._find(canonical, name, at)
        if prefixed := names.prefix_provider(name):
            found = self._find(prefixed[0], prefixed[1], at) or self._find(prefixed[0], name, at)
            if found or prefixed[0] in self.providers():
                return found
        makers = (self._find(maker, name, at) for maker in names.FIRST_PARTY)
        known = [found for found in makers if found]
        if len(known) != 1:
            return None
        return ModelRef(
            known[0].provider,
            known[0].model,
            known[0].region,
            entry=known[0].entry,
            assumed=f"provider unknown: {known[0].provider} assumed",
        )

    def alias_instants(self, provider: str | None, name: str) -> tuple[int, ...]:
        """Instants at which ``name`` comes to mean another model: rows are divided there before resolving."""
        canonical = usage_names.provider(provider)
        prefixed = names.prefix_provider(name)
        wanted = (
            [canonical]
            if canonical
            else [prefixed[0]]
            if prefixed and prefixed[0] in self.providers()
            else list(names.FIRST_PARTY)
        )
        known = [p for p in wanted if p in self.providers()]
        return tuple(
            sorted({t for p in known for s in names.spellings(p, name) for t in self._index(p).instants(s.name)})
        )

    def get(self, key: str) -> ModelRef:
        """The model called ``provider/model``; UsageError with the nearest name."""
        provider, slash, name = key.partition("/")
        canonical = usage_names.provider(provider) if slash else None
        if canonical is None or canonical not in self.providers():
            if slash:
                raise UsageError(f"no provider is called {provider!r}", hint=nearest(provider, self.providers()))
            raise UsageError(f"no model is called {key!r}", hint="models are written provider/model: openai/gpt-5")
        found = self._find(canonical, name, self.now)
        if found is None:
            raise UsageError(
                f"no model is called {key!r}",
                hint=nearest(f"{canonical}/{name}", (m.key for m in self.models(canonical))),
            )
        return found

    def rates(
        self,
        model: ModelRef,
        *,
        at: int | None,
        service_tier: str | None = None,
        region: str | None = None,
        input_tokens: int | None = None,
        now: int | None = None,
    ) -> Rates | Unpriced:
        """The rates of a request of this kind, or why there are none.

        ``at`` is microseconds UTC; a request without a time is priced at ``now``, or, where nobody gave one, at the
        latest rates that are not merely announced; either is an assumption of the result.
        """
        assumed: tuple[str, ...] = ()
        if at is None:
            at, assumed = self._undated(model, self.now if now is None else now)
        terms = Terms(self.batch_rule(model.provider), self.discounts, self.tools(model.provider))
        return resolve.rates(
            model, terms, at=at, service_tier=service_tier, region=region, input_tokens=input_tokens, assumed=assumed
        )

    def check_region(self, region: str) -> None:
        """UsageError with the nearest name for what is neither a host's region nor one that any price names."""
        if is_host_region(region):
            return
        named = {p.region for name in self.providers() for m in self.models(name) for p in m.entry.prices}
        if region not in named:
            raise UsageError(f"there is no region {region!r}", hint=nearest(region, {"global", *GEOGRAPHIES, *named}))

    def cache_rule(self, model: ModelRef, at: int | None = None) -> CacheRule | None:
        """How the provider caches this model's prompts at an instant; None if nobody knows."""
        return resolve.cache_rule(model, self._undated(model, self.now)[0] if at is None else at)

    def cuts(self, models: Iterable[ModelRef]) -> Cuts:
        """Where the rates of any of ``models``, or the fees of the tools they call, change."""
        every = set(models)
        tools = (ModelRef(p, tool.id, entry=tool) for p in {m.provider for m in every} for tool in self.tools(p))
        return cutting.cuts({*every, *tools}, self.discounts)

    def _undated(self, model: ModelRef, now: int | None) -> tuple[int, tuple[str, ...]]:
        if now is not None:
            return now, ("time unknown: today's rates assumed",)
        effective = [p.valid_from for p in model.entry.prices if not p.announced]
        return max(effective, default=0), ("time unknown: latest rates assumed",)

    def _find(self, provider: str, name: str, at: int | None) -> ModelRef | None:
        if provider not in self.providers():
            return None
        index = self._index(provider)
        for spelling in names.spellings(provider, name):
            if found := index.find(spelling.name, at):
                return ModelRef(provider, found.id, spelling.region, entry=found)
        return None

    def _index(self, provider: str) -> NameIndex:
        if provider not in self._indexes:
            self._indexes[provider] = NameIndex(self.file(provider).models)
        return self._indexes[provider]
