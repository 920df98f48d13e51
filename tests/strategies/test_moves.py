"""Rows that move to another model: counters, windows, factors and evidence are those of the rows that move."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from llmcost.results.model import Step as Done
from tests.pricing.support import entry, load, write
from tests.strategies.playing import Log, Row, Step, after, scenario
from tests.strategies.support import NOW, STARTED

HAIKU: Final = "anthropic/claude-haiku-4-5"
HOUR: Final = 3_600_000_000
ASSUMED_HITS: Final[Step] = ("prompt-cache", {"hit_rate": "1", "prefix_tokens": 4096})


def call(name: str = "r0", **more: Any) -> Row:
    return {
        "request_id": name, "provider_name": "openai", "request_model": "gpt-4o", "service_tier": "standard",
        "started_at": after(0), "input_tokens": 10_000, "output_tokens": 100, **more,
    }  # fmt: skip


def bucket(requests: int | None, tokens: int) -> Row:
    row = {**call(input_tokens=tokens, output_tokens=0), "ended_at": STARTED + HOUR, "requests": requests}
    return {k: v for k, v in row.items() if v is not None and k != "request_id"}


def moved_to(model: str) -> list[tuple[str, Step]]:
    return [("reprice", ("reprice", {"model": model})), ("route", ("route", {"rules": [{"model": model}]}))]


BOTH: Final = pytest.mark.parametrize(("name", "move"), moved_to(HAIKU), ids=["reprice", "route"])


@BOTH
def test_counters_that_an_earlier_step_made_are_scaled(tmp_path: Path, name: str, move: Step) -> None:
    """The log knows no cached tokens and no region; the steps before made both."""
    with Log(tmp_path, [call()]) as log:
        assert "cache_read_input_tokens" not in log.store.value("SELECT value FROM meta WHERE key = 'present'")
        found = log.rows(ASSUMED_HITS, ("reprice", {"region": "us"}), move)["r0#1"]
    assert (found["input_tokens"], found["cache_read_input_tokens"]) == (10_600, 4096 * 106 // 100)
    assert found["region"] is None


def test_a_cold_cache_is_cold_whoever_filled_it(tmp_path: Path) -> None:
    talk = [call(f"r{n}", started_at=after(n), conversation_id="c", feature="ab"[n == 1]) for n in range(3)]
    rule = {"when": "feature = 'b'", "model": HAIKU}
    with Log(tmp_path, talk) as log:
        found = log.rows(ASSUMED_HITS, ("route", {"rules": [rule]}))
    assert [found[f"r{n}#1"]["cache_read_input_tokens"] for n in range(3)] == [4096, 0, 0]
    assert found["r1#1"]["cache_creation_input_tokens"] == 4096 * 106 // 100


def test_audio_and_images_are_no_text(tmp_path: Path) -> None:
    """Only the text is more tokens in another tokenizer; no part comes to exceed its whole."""
    own = '[[model]]\nid = "half"\ntokenizer_factor = 0.5\n' + entry(
        "2025-01-01", "input = 1, output = 1, cache_read = 0.1"
    )
    (tmp_path / "prices").mkdir()
    book = load(
        write(tmp_path / "prices", "openai", own, own.replace('"half"', '"whole"').replace("0.5", "1.0")).parent,
        now=NOW,
    )
    row = call(
        request_model="whole", input_tokens=1000, input_audio_tokens=600, input_image_tokens=100,
        cache_read_input_tokens=500, cache_read_audio_tokens=400,
    )  # fmt: skip
    with Log(tmp_path, [row], book=book) as log:
        found = log.rows(("reprice", {"model": "openai/half"}))["r0"]
    assert (found["input_tokens"], found["cache_read_input_tokens"]) == (700 + 150, 400 + 50)
    assert (found["input_audio_tokens"], found["cache_read_audio_tokens"]) == (600, 400)


@pytest.mark.parametrize(
    ("requests", "tokens", "fits"), [(1000, 5_000_000, True), (10, 5_000_000, False), (None, 5_000_000, True)]
)
def test_a_bucket_fits_if_its_calls_do_on_average(
    tmp_path: Path, requests: int | None, tokens: int, fits: bool
) -> None:
    with Log(tmp_path, [bucket(requests, tokens)]) as log:
        for name, move in moved_to(HAIKU):
            played = log.replay(scenario(move, name=name), extrapolate=True).scenarios[0]
            assert played.steps[0].facts.get("requests that do not fit and stay") == (None if fits else "10")
            assert (played.saving_usd == 0) != fits


def steps_of(log: Log, *moves: Step) -> list[Done]:
    found = log.replay(*(scenario(move, name=f"s{n}") for n, move in enumerate(moves)), extrapolate=True)
    return [one.steps[0] for one in found.scenarios]


def test_an_unknown_factor_is_told_and_never_measured(tmp_path: Path) -> None:
    (tmp_path / "prices").mkdir()
    models = (
        '[[model]]\nid = "a"\nfamily = "x"\n',
        '[[model]]\nid = "b"\nfamily = "y"\ntokenizer_factor = 1.0\n',
        '[[model]]\nid = "c"\nfamily = "x"\n',
    )
    prices = [model + entry("2025-01-01", f"input = {9 - place}, output = 1") for place, model in enumerate(models)]
    book = load(write(tmp_path / "prices", "openai", *prices).parent, now=NOW)
    with Log(tmp_path, [call(request_model="a")], book=book) as log:
        other, same = steps_of(log, ("reprice", {"model": "openai/b"}), ("reprice", {"model": "openai/c"}))
    assert [(a.name, a.value) for a in other.assumptions] == [
        ("tokenizer factor openai/a to openai/b", "unknown: 1 assumed")
    ]
    assert other.evidence.modelled_usd == other.saving_usd != 0
    # Models of one family have one tokenizer.
    assert not same.assumptions
    assert same.evidence.measured_usd == same.saving_usd != 0


@BOTH
def test_evidence_is_that_of_the_rows_that_move_whatever_other_scenarios_name(
    tmp_path: Path, name: str, move: Step
) -> None:
    within = ("route", {"rules": [{"when": "provider_name = 'openai'", "model": "openai/gpt-4o-mini"}]})
    rows = [call(), call("r1", provider_name="anthropic", request_model="claude-sonnet-4-5")]
    with Log(tmp_path, rows) as log:
        (alone,) = steps_of(log, within)
        _, beside = steps_of(log, move, within)
    assert alone == beside
    assert alone.evidence.measured_usd == alone.saving_usd > 0
    assert not alone.assumptions
    assert alone.facts == {"share of requests moved": "0.5000"}


def test_the_share_moved_counts_calls_by_weight(tmp_path: Path) -> None:
    rows = [call(feature="a"), call("r1", feature="b", started_at=after(1))]
    grown = ("reprice", {"growth": "3", "when": "feature = 'a'"})
    with Log(tmp_path, rows) as log:
        played = log.replay(
            scenario(grown, ("route", {"rules": [{"when": "feature = 'a'", "model": HAIKU}]})), extrapolate=True
        )
    assert played.scenarios[0].steps[1].facts["share of requests moved"] == "0.7500"
    assert played.scenarios[0].requests == Decimal(4)
