"""``python -m llmcost`` is the same as ``llmcost``."""

from __future__ import annotations

from llmcost.cli.main import run

if __name__ == "__main__":
    run()
