"""A model has one tokenizer factor: counting at ingest and moving rows use the catalogue's."""

from __future__ import annotations

from llmcost.content.families import FAMILIES, family_of
from llmcost.pricing.catalogue import load


def test_every_family_has_the_factor_that_the_catalogue_gives_its_models() -> None:
    book = load()
    seen: set[str] = set()
    different = {}
    for provider in book.providers():
        for model in book.models(provider):
            factor, family = model.entry.tokenizer_factor, family_of(provider, model.model)
            if factor is not None:
                seen.add(family.name)
                if family.factor != factor:
                    different[model.key] = (family.name, family.factor, factor)
    assert not different
    assert {family.name for family in FAMILIES if family.name != "gpt-3"} <= seen


def test_newer_claude_tokenizers_have_a_third_more_tokens() -> None:
    """1.33 times Claude 4.6's, weighted over real coding content."""
    old, new = (family_of("anthropic", name).factor for name in ("claude-opus-4-6", "claude-opus-4-7"))
    assert new == round(old * 133 / 100, 2)
