"""The mix of requests in a log or a store, for ``prices list --mix``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmcost.pricing.catalogue import Catalogue
    from llmcost.pricing.listing import Group
    from llmcost.usage.store import Store


def groups_of(path: str, catalogue: Catalogue) -> tuple[list[Group], int]:
    """Summed counters by service tier and context tier, and how many rows have no counts to sum."""
    from llmcost.api import ingest_files
    from llmcost.usage.store import Store, is_database

    if is_database(Path(path)):
        with Store(Path(path), read_only=True) as store:
            return _groups(store, catalogue)
    with Store() as store:
        ingest_files(store, path)
        return _groups(store, catalogue)


def _groups(store: Store, catalogue: Catalogue) -> tuple[list[Group], int]:
    from llmcost.pricing.listing import Group
    from llmcost.usage.mix import mix, uncounted

    models = (model for provider in catalogue.providers() for model in catalogue.file(provider).models)
    sizes = {tier.from_input_tokens for model in models for price in model.prices for tier in price.tiers}
    return [Group(counts, least, tier) for tier, least, counts in mix(store, sizes)], uncounted(store)
