"""Small price files of the tests' own, and instants as text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llmcost.pricing import catalogue, resolve
from llmcost.pricing.catalogue import Catalogue, ModelRef
from llmcost.pricing.entries import micros


def instant(value: str | datetime) -> int:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def entry(start: str = "2025-01-01", rates: str = "input = 1, output = 2", **more: str) -> str:
    """TOML of one dated entry."""
    lines = "".join(f"{key} = {value}\n" for key, value in more.items())
    return f'[[model.price]]\nfrom = {start}\nrates = {{ {rates} }}\nsource = "test"\nchecked = 2026-11-23\nconfidence = "user"\n{lines}'


def write(folder: Path, provider: str, *parts: str, head: str = "") -> Path:
    """A price file of one provider."""
    path = folder / f"{provider}.toml"
    path.write_text(
        f'provider = "{provider}"\nurl = "https://example.com"\n{head}\n' + "\n".join(parts), encoding="utf-8"
    )
    return path


def load(folder: Path, *overlays: Path, now: int | None = None) -> Catalogue:
    return catalogue.load(overlays, folder=folder, now=now)


def priced(book: Catalogue, model: ModelRef, at: str, **kind: Any) -> resolve.Rates:
    found = book.rates(model, at=instant(at), **kind)
    assert isinstance(found, resolve.Rates), found
    return found


def unpriced(book: Catalogue, model: ModelRef, at: str, **kind: Any) -> str:
    found = book.rates(model, at=instant(at), **kind)
    assert isinstance(found, resolve.Unpriced), found
    return found.reason
