"""The usual way, a Python loop that asks a price library for every request, on a sample; and hashing and tokenising alone."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from benchmarks.measure import Time, timed
from llmcost.usage.store import Store

SAMPLE_ROWS = 20_000
_ROWS = (
    "SELECT provider_name, request_model, started_at, input_tokens, coalesce(cache_read_input_tokens, 0), "
    f"coalesce(output_tokens, 0) FROM usage ORDER BY request_key LIMIT {SAMPLE_ROWS}"
)
Call = tuple[str, str, int, int, int, int]
Pricing = Callable[[Call], Any]


def _genai() -> Pricing:
    library = importlib.import_module("genai_prices")

    def price(call: Call) -> Any:
        provider, model, at, given, cached, answered = call
        usage = library.Usage(input_tokens=given, cache_read_tokens=cached, output_tokens=answered)
        when = datetime.fromtimestamp(at / 1e6, UTC)
        return library.calc_price(
            usage, model_ref=model, provider_id=provider, genai_request_timestamp=when
        ).total_price

    return price


def _litellm() -> Pricing:
    library = importlib.import_module("litellm")
    named: Mapping[str, str] = {"google": "gemini", "deepseek": "deepseek"}

    def price(call: Call) -> Any:
        provider, model, _, given, cached, answered = call
        name = f"{named[provider]}/{model}" if provider in named else model
        return library.cost_per_token(
            model=name, prompt_tokens=given, completion_tokens=answered, cache_read_input_tokens=cached
        )

    return price


LIBRARIES: Mapping[str, Callable[[], Pricing]] = {"genai-prices": _genai, "litellm": _litellm}


def loops(store: Store) -> dict[str, Time | str]:
    """Seconds a library takes for the sample, or why it cannot be measured."""
    calls: list[Call] = [tuple(row) for row in store.rows(_ROWS)]
    found: dict[str, Time | str] = {}
    for name, make in LIBRARIES.items():
        try:
            price = make()
            price(calls[0])
        except Exception as error:  # noqa: BLE001  # whatever keeps a foreign library from running is the reason shown
            found[name] = f"skipped: {type(error).__name__}: {str(error).splitlines()[0][:80]}"
            continue
        found[name], _ = timed(partial(_loop, price, calls), 1)
    return found


def _loop(price: Pricing, calls: list[Call]) -> None:
    for call in calls:
        price(call)


def hashing(path: Path) -> Time:
    """BLAKE2b over every byte of the file."""

    def work() -> bytes:
        digest = blake2b()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.digest()

    return timed(work, 1)[0]


def tokenising(path: Path, megabytes: int) -> tuple[Time, int]:
    """Runs tiktoken over every text of the requests in the first megabytes of the file, and how many bytes of file that were."""
    from llmcost.content.ranks import encoding

    lines, size = [], 0
    with path.open("rb") as file:
        for line in file:
            lines.append(orjson.loads(line))
            size += len(line)
            if size >= megabytes * 1_000_000:
                break
    texts = [message["content"] for line in lines for message in line["request"]["messages"]]
    encoder = encoding("o200k_base")
    encoder.encode_ordinary("warm")
    return timed(lambda: sum(len(encoder.encode_ordinary(text)) for text in texts), 1)[0], size
