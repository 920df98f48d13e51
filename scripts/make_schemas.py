"""Writes the JSON Schemas of what users write and read: price files, results and more, from the models themselves.

``python -m scripts.make_schemas`` writes ``pricing/schema/*.json``; a test compares them with the models.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from llmcost.results.schemas import names, schema

__all__ = ["FOLDER", "names", "schema", "text"]
FOLDER: Final = Path(__file__).parent.parent / "pricing" / "schema"


def text(name: str) -> str:
    """The bytes that are committed."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes what changed, and says so."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names():
        path = FOLDER / f"{name}.json"
        if not path.exists() or path.read_text() != text(name):
            path.write_text(text(name))
            print(f"wrote {path.relative_to(FOLDER.parent.parent)}")


if __name__ == "__main__":
    main()
