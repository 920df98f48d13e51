"""The committed JSON Schemas: equal to the models, valid themselves, and true of every file that claims them."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scripts.make_schemas import FOLDER, names, schema, text
from tests.support import ROOT

PRICE_FILES = sorted((ROOT / "pricing").glob("*.toml"))


def plain(value: Any) -> Any:
    """TOML's dates and decimals as the JSON a validator knows."""
    match value:
        case dict():
            return {k: plain(v) for k, v in value.items()}
        case list():
            return [plain(v) for v in value]
        case date() | datetime() | time():
            return value.isoformat()
        case Decimal():
            return float(value)
        case _:
            return value


@pytest.mark.parametrize("name", sorted(names()))
def test_committed_schema_is_the_model(name: str) -> None:
    path = FOLDER / f"{name}.json"
    assert path.exists(), "run: make schemas"
    assert path.read_text() == text(name), f"{path.name} is not the model any more; run: make schemas"


@pytest.mark.parametrize("name", sorted(names()))
def test_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


def test_every_schema_file_is_generated() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(names())


@pytest.mark.parametrize("path", PRICE_FILES, ids=lambda path: path.stem)
def test_price_files_satisfy_the_schema(path: Path) -> None:
    content = plain(tomllib.loads(path.read_text(), parse_float=Decimal))
    jsonschema.Draft202012Validator(schema("price-file")).validate(content)


def test_a_wrong_price_file_does_not() -> None:
    content = {
        "provider": "acme",
        "url": "https://acme.example",
        "model": [{"id": "a", "price": [{"from": "2026-01-01", "rates": {"inputs": 1}}]}],
    }
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema("price-file")).validate(content)
