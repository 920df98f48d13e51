"""Fees through the whole replay: every unit billed once, unknown units beside known ones never lost in a sum."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from llmcost.results.model import Result
from tests.strategies.support import STARTED, catalogue, scenario, step, world

PRICES = {
    "openai": """
provider = "openai"
url = "https://example.com"
[[model]]
id = "chat"
[[model.price]]
from = 2025-01-01
rates = { input = 1, output = 2 }
source = "t"
checked = 2026-11-23
confidence = "user"
[[model]]
id = "painter"
operation = "image"
[[model.price]]
from = 2025-01-01
rates = { input = 5, image_output = 40 }
per_unit = { image = 0.04 }
source = "t"
checked = 2026-11-23
confidence = "user"
[[model]]
id = "whisper"
operation = "audio"
[[model.price]]
from = 2025-01-01
per_unit = { audio_input_second = 0.0001 }
source = "t"
checked = 2026-11-23
confidence = "user"
[[model]]
id = "seeker"
[[model.price]]
from = 2025-01-01
rates = { input = 1, output = 2 }
per_unit = { web_search = 0.035 }
free = { web_search = "1,500 a day" }
source = "t"
checked = 2026-11-23
confidence = "user"
[[model.price]]
from = 2025-01-01
service = "batch"
rates = { input = 1, output = 1 }
source = "t"
checked = 2026-11-23
confidence = "user"
[[model]]
id = "sandbox"
operation = "tool"
[[model.price]]
from = 2026-10-01T12:00:00Z
per_unit = { code_session = 0.03 }
source = "t"
checked = 2026-11-23
confidence = "user"
""",
    "cohere": """
provider = "cohere"
url = "https://example.com"
[[model]]
id = "rerank"
operation = "rerank"
[[model.price]]
from = 2025-01-01
rates = { input = 0, output = 0 }
per_unit = { search_unit = 0.002 }
source = "t"
checked = 2026-11-23
confidence = "user"
""",
}
HOUR = 3_600_000_000


def replayed(folder: Path, rows: list[dict[str, Any]]) -> Result:
    log = [
        {
            "request_id": f"r{n}",
            "provider_name": "openai",
            "started_at": STARTED + 13 * HOUR,
            "service_tier": "standard",
        }
        | row
        for n, row in enumerate(rows)
    ]
    prices = folder / "prices"
    prices.mkdir()
    with world(folder / "log", log, catalogue(prices, PRICES)) as here:
        return here.result(scenario(step("price-day", on="2026-11-01")))


def test_every_fee_is_a_line_of_its_own(tmp_path: Path) -> None:
    found = replayed(
        tmp_path,
        [
            {"request_model": "chat", "input_tokens": 0, "output_tokens": 0, "code_execution_sessions": 2},
            {"request_model": "sandbox", "code_execution_sessions": 1},
            {"request_model": "whisper", "input_audio_seconds": "12.5"},
            {"request_model": "painter", "input_tokens": 0, "output_images": 3},
            {
                "provider_name": "cohere",
                "request_model": "rerank",
                "input_tokens": 0,
                "output_tokens": 0,
                "search_units": 4,
            },
        ],
    )
    lines = {line.token_class: (line.quantity, line.cost_usd) for line in found.baseline.lines}
    assert lines == {
        "code_session": (3, Decimal("0.09")), "audio_input_second": (Decimal("12.5"), Decimal("0.00125")),
        "image": (3, Decimal("0.12")), "search_unit": (4, Decimal("0.008")),
    }  # fmt: skip
    assert found.baseline.cost_usd == Decimal("0.21925") == found.scenarios[0].cost_usd


def test_unknown_seconds_beside_known_ones_are_unpriced_and_counted(tmp_path: Path) -> None:
    known: list[dict[str, Any]] = [{"request_model": "whisper", "input_audio_seconds": s} for s in ("10", "0")]
    found = replayed(tmp_path, [*known, {"request_model": "whisper"}])
    assert found.baseline.cost_usd == Decimal("0.001")
    assert [(u.reason, u.requests) for u in found.coverage.unpriced] == [("input audio seconds unknown", 1)]


def test_rerank_units_are_assumed_only_where_they_are_unknown(tmp_path: Path) -> None:
    call = {"provider_name": "cohere", "request_model": "rerank", "input_tokens": 0, "output_tokens": 0}
    found = replayed(tmp_path, [call | {"search_units": 5}, call | {"search_units": 0}, call, call])
    assert found.baseline.cost_usd == Decimal("0.014")
    assert found.coverage.assumed == {"search units unknown: one a request assumed": 2}


def test_images_are_paid_by_tokens_row_by_row(tmp_path: Path) -> None:
    image = {"request_model": "painter", "input_tokens": 0, "output_images": 1}
    counted = {"output_tokens": 2000, "output_image_tokens": 2000}
    found = replayed(tmp_path, [image, image | {"output_tokens": 0, "output_image_tokens": 0}, image | counted])
    lines = {line.token_class: line.quantity for line in found.baseline.lines}
    assert lines == {"image": 2, "image_output": 2000}


def test_a_tools_first_day_divides_the_calls_of_every_model(tmp_path: Path) -> None:
    call = {"request_model": "chat", "input_tokens": 1, "output_tokens": 0, "code_execution_sessions": 1}
    before, after = ({**call, "started_at": STARTED + 12 * HOUR - early} for early in (1, 0))
    found = replayed(tmp_path, [before, after])
    assert [(u.reason, u.requests) for u in found.coverage.unpriced] == [("no code_session rate", 1)]
    assert found.baseline.cost_usd == Decimal("0.030001")


def test_what_a_provider_gives_away_is_said_and_not_subtracted(tmp_path: Path) -> None:
    call: dict[str, Any] = {"request_model": "seeker", "input_tokens": 0, "output_tokens": 0}
    found = replayed(
        tmp_path,
        [
            call | {"web_search_requests": 3},
            call | {"web_search_requests": 1, "service_tier": "batch"},
            call,
            call | {"web_search_requests": 0},
        ],
    )
    assert found.baseline.cost_usd == Decimal("0.14")
    assert found.coverage.assumed == {
        "web search requests: 1,500 a day are free at the provider, none was subtracted": 2
    }
