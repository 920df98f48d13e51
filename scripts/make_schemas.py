"""Writes the JSON Schemas of what users write and read: price files, results and more, from the models themselves.

``python -m scripts.make_schemas`` writes ``pricing/schema/*.json``; a test compares them with the models.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

FOLDER: Final = Path(__file__).parent.parent / "pricing" / "schema"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MODELS: Final = {
    "price-file": ("llmcost.pricing.schema", "PriceFile", "validation"),
    "result-v1": ("llmcost.results.model", "Result", "serialization"),
}
"""Schema name -> module, model, and whether the schema is of what is read or of what is written."""


def schema(name: str) -> dict[str, Any]:
    """The schema of one model."""
    module, attribute, mode = MODELS[name]
    model: type[BaseModel] = getattr(importlib.import_module(module), attribute)
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    body = adapter.json_schema(by_alias=True, mode="serialization" if mode == "serialization" else "validation")
    return {"$schema": DIALECT, "$id": f"llmcost/{name}.json", **body}


def text(name: str) -> str:
    """The bytes that are committed."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes what changed, and says so."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        path = FOLDER / f"{name}.json"
        if not path.exists() or path.read_text() != text(name):
            path.write_text(text(name))
            print(f"wrote {path.relative_to(FOLDER.parent.parent)}")


if __name__ == "__main__":
    main()
