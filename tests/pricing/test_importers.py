"""The two public catalogues as overlay files: every suffix of a key, and nothing invented."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.errors import UsageError
from llmcost.pricing import catalogue, entries, importers
from llmcost.pricing.diff import diff
from tests.pricing.support import entry, instant, load, priced, unpriced, write

ON = date(2026, 11, 23)
LITELLM: dict[str, Any] = {
    "sample_spec": {"litellm_provider": "one of ..", "input_cost_per_token": 0},
    "gpt-5.6-sol": {
        "litellm_provider": "openai", "mode": "chat", "max_input_tokens": 922000, "max_output_tokens": 128000,
        "input_cost_per_token": 4e-06, "input_cost_per_token_above_272k_tokens": 8e-06, "input_cost_per_token_batches": 2e-06,
        "input_cost_per_token_above_272k_tokens_flex": 4e-06, "input_cost_per_token_flex": 2e-06, "input_cost_per_token_priority": 8e-06,
        "input_cost_per_token_ultrafast": 2.4e-05,
        "cache_read_input_token_cost": 4e-07, "cache_read_input_token_cost_above_272k_tokens": 8e-07,
        "cache_creation_input_token_cost": 5e-06, "cache_creation_input_token_cost_above_12hr": 1e-05,
        "output_cost_per_token": 2e-05, "output_cost_per_token_above_272k_tokens": 3e-05, "output_cost_per_token_batches": 1e-05,
        "output_cost_per_token_flex": 1e-05, "output_cost_per_token_above_272k_tokens_flex": 1.5e-05, "output_cost_per_token_priority": 4e-05,
        "regional_processing_uplift_multiplier_eu": 1.1,
        "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_medium": 0.01, "search_context_size_high": 0.01},
    },
    "claude-opus-5-5": {
        "litellm_provider": "anthropic", "mode": "chat", "input_cost_per_token": 4e-06, "output_cost_per_token": 2e-05,
        "cache_creation_input_token_cost_above_1hr": 8e-06, "provider_specific_entry": {"us": 1.1, "fast": 2.0},
    },
    "xai/grok-4.7": {
        "litellm_provider": "xai", "mode": "chat", "input_cost_per_token": 2e-06, "input_cost_per_token_above_200k_tokens": 4e-06,
        "output_cost_per_token": 6.000000000000001e-06,
    },
    "deepseek/v4": {
        "litellm_provider": "deepseek", "mode": "chat", "input_cost_per_token": 1.32e-06, "output_cost_per_token": 3.96e-06,
        "off_peak_pricing": {
            "input_cost_per_token": 6.6e-07, "output_cost_per_token": 1.98e-06,
            "windows": [
                {"hours_utc": ["00:00-01:00", "04:00-06:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
                {"hours_utc": "00:00-00:00", "weekdays": [6, 7]},
            ],
        },
    },
    "whisper-1": {"litellm_provider": "openai", "mode": "audio_transcription", "input_cost_per_second": 0.0001},
    "mistral/ocr": {"litellm_provider": "mistral", "mode": "ocr", "ocr_cost_per_page": 0.004},
    "nothing": {"litellm_provider": "openai", "mode": "chat"},
}  # fmt: skip
GENAI: list[dict[str, Any]] = [
    {
        "id": "deepseek",
        "models": [
            {
                "id": "v4",
                "match": {"or": [{"equals": "v4"}, {"equals": "v4-pro"}, {"starts_with": "v4-"}]},
                "context_window": 1000000,
                "prices": [
                    {"prices": {"input_mtok": 0.435, "output_mtok": 0.87}},
                    {"constraint": {"start_date": "2026-08-16"}, "prices": {"input_mtok": 0.66, "output_mtok": 1.98}},
                    {"constraint": {"start_time": "01:00:00Z", "end_time": "04:00:00Z"}, "prices": {"input_mtok": 1.32, "output_mtok": 3.96}},
                ],
            }
        ],
    },
    {
        "id": "x-ai",
        "models": [
            {
                "id": "grok",
                "match": {"starts_with": "grok"},
                "prices": {"input_mtok": {"base": 2, "tiers": [{"start": 199999, "price": 4}]}, "output_mtok": 6, "web_searches_kcount": 5},
                "price_variants": [
                    {"when": {"processing": "batch"}, "constraint": {"start_date": "2026-12-01"}, "prices": {"input_mtok": 1.6}},
                    {"when": {"route": "eu"}, "prices": {"input_mtok": 9}},
                ],
            },
            {"id": "soon", "match": {"equals": "soon"}, "prices": [{"prices": {"input_mtok": 1, "output_mtok": 2}}, {"constraint": {"start_date": "2027-01-01"}, "prices": {"input_mtok": 2, "output_mtok": 4}}]},
        ],
    },
    {"id": "groq", "models": [{"id": "w", "match": {"equals": "w"}, "prices": {"input_audio_hours": 0.04}}, {"id": "w2", "match": {"equals": "w2"}, "prices": {"input_audio_hours": 0.36}}]},
]  # fmt: skip


def _saved(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def _loaded(tmp_path: Path, imported: importers.Imported) -> catalogue.Catalogue:
    """The import written as overlay files and read back as a user's."""
    empty = tmp_path / "empty"
    empty.mkdir()
    overlays = []
    for provider in imported.models:
        overlays.append(tmp_path / f"import-{provider}.toml")
        overlays[-1].write_text(imported.text(provider), encoding="utf-8")
    return load(empty, *overlays)


def test_litellm_suffixes_become_entries(tmp_path: Path) -> None:
    imported = importers.litellm(_saved(tmp_path / "l.json", LITELLM), on=ON)
    book = _loaded(tmp_path, imported)
    sol = book.get("openai/gpt-5.6-sol")
    assert (sol.entry.context_window, sol.entry.max_output) == (922000, 128000)
    assert unpriced(book, sol, "2026-11-22T23:59:59") == "no price on that day"
    base = priced(book, sol, "2026-11-23", input_tokens=272000)
    assert base.per_mtok == {
        "input": 4,
        "output": 20,
        "cache_read": Decimal("0.4"),
        "cache_write_5m": 5,
        "cache_write_24h": 10,
    }
    assert base.per_unit == {"web_search": Decimal("0.01")}
    above = priced(book, sol, "2026-11-23", input_tokens=272001)
    assert (above.per_mtok["input"], above.per_mtok["output"], above.per_mtok["cache_read"]) == (
        Decimal(8),
        Decimal(30),
        Decimal("0.8"),
    )
    assert priced(book, sol, "2026-11-23", service_tier="batch").per_mtok == {"input": 2, "output": 10}
    assert priced(book, sol, "2026-11-23", service_tier="flex", input_tokens=272001).per_mtok == {
        "input": 4,
        "output": 15,
    }
    assert priced(book, sol, "2026-11-23", service_tier="priority").per_mtok == {"input": 8, "output": 40}
    assert priced(book, sol, "2026-11-23", region="eu", input_tokens=272001).per_mtok["input"] == Decimal("8.8")
    opus = book.get("anthropic/claude-opus-5-5")
    assert priced(book, opus, "2026-11-23", service_tier="fast").per_mtok["cache_write_1h"] == 16
    assert priced(book, opus, "2026-11-23", region="us").per_mtok["output"] == 22
    grok = book.get("xai/grok-4.7")
    assert [priced(book, grok, "2026-11-23", input_tokens=n).per_mtok["input"] for n in (199_999, 200_000)] == [2, 4]
    assert priced(book, grok, "2026-11-23").per_mtok["output"] == 6
    assert priced(book, book.get("openai/whisper-1"), "2026-11-23").per_unit == {
        "audio_input_second": Decimal("0.0001")
    }
    assert priced(book, book.get("mistral/ocr"), "2026-11-23").per_unit == {"page": Decimal("0.004")}
    assert imported.left_out == {"service ultrafast": 1, "no price that a price file can hold": 1}


def test_litellm_hours_know_weekends(tmp_path: Path) -> None:
    book = _loaded(tmp_path, importers.litellm(_saved(tmp_path / "l.json", LITELLM), on=ON, providers={"deepseek"}))
    model = book.get("deepseek/v4")
    days = (
        "2026-11-23T02:00",
        "2026-11-23T04:00",
        "2026-11-27T23:59",
        "2026-11-28T02:00",
        "2026-11-29T08:00",
        "2026-11-30T00:59",
        "2026-11-30T01:00",
    )
    assert [str(priced(book, model, day).per_mtok["input"]) for day in days] == [
        "1.32",
        "0.66",
        "0.66",
        "0.66",
        "0.66",
        "0.66",
        "1.32",
    ]
    assert book.providers() == ("deepseek",)


def test_genai_prices_conditions_become_entries(tmp_path: Path) -> None:
    imported = importers.genai_prices(_saved(tmp_path / "data.json", {"units": {}, "providers": GENAI}), on=ON)
    book = _loaded(tmp_path, imported)
    v4 = book.get("deepseek/v4-pro")
    assert v4.model == "v4"
    assert [
        str(priced(book, v4, t).per_mtok["input"])
        for t in ("2026-11-23T00:59:59", "2026-11-23T01:00", "2026-11-28T04:00")
    ] == ["0.66", "1.32", "0.66"]
    assert book.resolve("deepseek", "v4-else") is None
    grok = book.get("xai/grok")
    assert [priced(book, grok, "2026-11-23", input_tokens=n).per_mtok["input"] for n in (199_999, 200_000)] == [2, 4]
    assert priced(book, grok, "2026-11-23").per_unit == {"web_search": Decimal("0.005")}
    assert unpriced(book, grok, "2026-11-30", service_tier="batch") == "no batch price on that day"
    assert priced(book, grok, "2026-12-01", service_tier="batch").per_mtok == {"input": Decimal("1.6"), "output": 6}
    soon = book.get("xai/soon")
    assert (priced(book, soon, "2026-12-31").per_mtok["input"], priced(book, soon, "2027-01-01").per_mtok["input"]) == (
        Decimal(1),
        Decimal(2),
    )
    assert "announced price" in priced(book, soon, "2027-01-01").assumptions
    assert priced(book, book.get("groq/w2"), "2026-11-23").per_unit == {"audio_input_second": Decimal("0.0001")}
    assert imported.left_out == {"a variant for another context": 1, "input_audio_hours": 1}


def test_the_form_is_recognised(tmp_path: Path) -> None:
    assert "openai" in importers.recognised(_saved(tmp_path / "a.json", LITELLM), on=ON).models
    assert "xai" in importers.recognised(_saved(tmp_path / "b.json", GENAI), on=ON).models
    with pytest.raises(UsageError, match="neither LiteLLM"):
        importers.recognised(_saved(tmp_path / "c.json", {"a": 1}), on=ON)
    (tmp_path / "d.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="not JSON"):
        importers.recognised(tmp_path / "d.json", on=ON)
    with pytest.raises(UsageError, match="cannot read"):
        importers.recognised(tmp_path / "e.json", on=ON)


@pytest.mark.parametrize("form", ["litellm", "genai"])
def test_what_is_written_reads_back_the_same(tmp_path: Path, form: str) -> None:
    imported = importers.recognised(_saved(tmp_path / "x.json", LITELLM if form == "litellm" else GENAI), on=ON)
    for file in imported.files():
        assert file.provider is not None
        assert entries.read(imported.text(file.provider), "import") == file


def test_diff_names_every_rate_that_would_change(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    write(
        folder,
        "xai",
        '[[model]]\nid = "grok-4.7"\n'
        + entry(
            "2026-01-01",
            "input = 2, output = 5, cache_read = 0.5",
            tier="[{ from_input_tokens = 200001, rates = { input = 4 } }]",
        ),
    )
    write(folder, "openai", '[[model]]\nid = "whisper-1"\n' + entry("2026-01-01", "input = 1"))
    write(folder, "deepseek", '[[model]]\nid = "v4"\n' + entry("2026-01-01", "input = 0.66, output = 1.98"))
    imported = importers.litellm(_saved(tmp_path / "l.json", LITELLM), on=ON, providers={"xai", "openai", "deepseek"})
    found = {
        (d.kind, d.model, d.service, d.item, d.from_input_tokens, d.ours, d.theirs)
        for d in diff(load(folder), imported, at=instant("2026-11-23T00:30:00"))
    }
    two, four, five, six = map(Decimal, (2, 4, 5, 6))
    assert found == {
        ("model is new", "gpt-5.6-sol", "standard", None, None, None, None),
        ("rate differs", "grok-4.7", "standard", "output", None, five, six),
        ("rate differs", "grok-4.7", "standard", "output", 200_000, five, six),
        ("rate differs", "grok-4.7", "standard", "input", 200_000, two, four),
        ("rate differs", "grok-4.7", "standard", "output", 200_001, five, six),
        *(
            ("rate is not theirs", "grok-4.7", "standard", "cache_read", n, Decimal("0.5"), None)
            for n in (None, 200_000, 200_001)
        ),
        ("rate is new", "whisper-1", "standard", "audio_input_second", None, None, Decimal("0.0001")),
        ("rate is not theirs", "whisper-1", "standard", "input", None, Decimal(1), None),
        ("rate differs", "v4", "standard", "input", None, Decimal("0.66"), Decimal("1.32")),
        ("rate differs", "v4", "standard", "output", None, Decimal("1.98"), Decimal("3.96")),
    }
