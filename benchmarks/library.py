"""The usual way, in a process of its own: ``python library.py NAME CALLS`` prices every call of a JSON file in a loop.

Standard library and the price library alone, so that it runs in an environment that has nothing else.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

Call = tuple[str, str, int, int, int, int]
Pricing = Callable[[Call], Any]
GOES_BY: Mapping[str, str] = {"google": "gemini", "deepseek": "deepseek"}
"""Providers whose models LiteLLM knows under a prefix."""


def genai_prices() -> Pricing:
    """The price of genai-prices at the call's own day."""
    library = importlib.import_module("genai_prices")

    def price(call: Call) -> Any:
        provider, model, at, given, cached, answered = call
        usage = library.Usage(input_tokens=given, cache_read_tokens=cached, output_tokens=answered)
        when = datetime.fromtimestamp(at / 1e6, UTC)
        return library.calc_price(
            usage, model_ref=model, provider_id=provider, genai_request_timestamp=when
        ).total_price

    return price


def litellm() -> Pricing:
    """The price of LiteLLM's table, which knows no days."""
    library = importlib.import_module("litellm")

    def price(call: Call) -> Any:
        provider, model, _, given, cached, answered = call
        name = f"{GOES_BY[provider]}/{model}" if provider in GOES_BY else model
        return library.cost_per_token(
            model=name, prompt_tokens=given, completion_tokens=answered, cache_read_input_tokens=cached
        )

    return price


LIBRARIES: Mapping[str, Callable[[], Pricing]] = {"genai-prices": genai_prices, "litellm": litellm}


def main() -> None:
    """Prices every call once and prints the seconds and the library's version as JSON."""
    name, path = sys.argv[1:]
    calls: list[Call] = [tuple(call) for call in json.loads(Path(path).read_text(encoding="utf-8"))]
    price = LIBRARIES[name]()
    price(calls[0])
    started = time.perf_counter()
    for call in calls:
        price(call)
    sys.stdout.write(json.dumps({"wall": time.perf_counter() - started, "version": version(name)}) + "\n")


if __name__ == "__main__":
    main()
