"""Reading as columns and record by record give the same store and the same account, whatever stands between clean rows."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmcost.ingest import read
from llmcost.ingest.rows import readings
from llmcost.ingest.run import IngestOptions, ingest
from llmcost.records import Context, blocks
from llmcost.records.flatjson import flat_table
from llmcost.records.table import MOST_UNCLEAN, Unclean
from llmcost.sources import usage_rows
from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store

Row = dict[str, Any]
_CHANGES: Final[tuple[Row, ...]] = (
    {"input_tokens": -1}, {"input_tokens": 7.5}, {"input_tokens": 7.0}, {"input_tokens": "7"}, {"input_tokens": "x"}, {"input_tokens": True},
    {"input_tokens": 2**53 + 1}, {"input_tokens": 10**19}, {"input_tokens": 1e3}, {"output_tokens": [1]}, {"output_tokens": {"a": 1}},
    {"started_at": "0001-01-01T00:00:00Z"}, {"started_at": "2026-13-40T00:00:00Z"}, {"started_at": "yesterday"}, {"started_at": 1.5},
    {"request_model": 5}, {"request_model": ""}, {"request_model": "Ünï\U0001f600"}, {"request_model": " m "}, {"request_id": True},
    {"cost_center": "x"}, {"prompt": "tell me"}, {"billed_cost": 1e30}, {"billed_cost": "NaN"}, {"billed_cost": "0.123456789012345678"},
    {"service_tier": "scale"}, {"service_tier": "platinum"}, {"status": "weird"}, {"prefix_keys": [1, None]}, {"prefix_keys": [2**63]},
    {"prefix_keys": [1.5]}, {"prefix_keys": "[1, 2]"}, {"tags": {"a": [1]}}, {"tags": {"b": "c", "a": 1}}, {"tags": "{}"}, {"temperature": "hot"},
    {"temperature": 1e400}, {"was_routed": 1}, {"was_routed": "true"}, {"cache_read_input_tokens": 10**6}, {"gen_ai.usage.input_tokens": 3},
    {"gen_ai.request.model": "other"}, dict.fromkeys(("request_model", "input_tokens", "output_tokens", "started_at")),
)  # fmt: skip
_SPOILT: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda line: line[:-5],
    lambda _line: b"",
    lambda _line: b"null",
    lambda _line: b"[]",
    lambda _line: b"  ",
    lambda line: line + line,
    lambda line: line + b" ",
    lambda line: line + b"\r",
    lambda line: b"\xef\xbb\xbf" + line,
    lambda line: line.replace(b'"m"', b'"\xff"'),
    lambda line: line.replace(b'"m"', b'"\\ud800"'),
    lambda line: line.replace(b'"m"', b'"m", "request_model": "n"'),
    lambda line: line.replace(b'"m"', b'"m", "request_model": null'),
    lambda line: line.replace(b'"m"', b'"m", "request_model": "m"'),
    lambda line: line.replace(b'"output_tokens": ', b'"output_tokens": NaN, "x": '),
    lambda line: line.replace(b'"output_tokens": ', b'"output_tokens": 0'),
    lambda line: line.replace(b'"input', b'"\\u0069nput'),
)


def _row(dice: random.Random, number: int) -> Row:
    row: Row = {
        "request_id": f"r{number}",
        "provider_name": dice.choice(["openai", "anthropic"]),
        "request_model": "m",
        "started_at": f"2026-10-{dice.randint(1, 28):02}T10:00:00Z",
        "input_tokens": dice.randint(0, 5000),
        "output_tokens": dice.choice([None, 1, 300]),
        "prefix_keys": [dice.randint(0, 2**63 - 1) for _ in range(dice.randint(0, 3))],
        "prefix_block_tokens": 128,
    }
    return row | (
        {"team": dice.choice(["a", "true", "7", "null", "tea.m", "e:,", None])} if dice.random() < 0.3 else {}
    )


def _hostile(seed: int, size: int, share: float) -> bytes:
    dice = random.Random(seed)
    lines = []
    for number in range(size):
        row = _row(dice, number if dice.random() < 0.97 else number // 2)
        kind = dice.random()
        if kind < share / 2:
            row |= dice.choice(_CHANGES)
        line = json.dumps(row).encode()
        lines.append(dice.choice(_SPOILT)(line) if share / 2 <= kind < share else line)
    return b"\n".join(lines) + dice.choice([b"", b"\n"])


def _read(path: Path) -> tuple[Any, ...]:
    with Store() as store:
        found = ingest(store, [str(path)], IngestOptions(source="usage-rows"))
        lines = store.rows("SELECT request_id, line FROM usage ORDER BY ALL")
        problems = sorted((kind, rejected, count) for kind, rejected, count, _ in found.problems)
        counts = (found.read, found.ingested, found.duplicates, found.superseded, found.rejected, found.skipped)
        return store_digest(store), counts, problems, sorted(found.repeated), lines


@pytest.fixture(autouse=True)
def _small_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WORTH_AN_ENGINE", 0)


def _agrees(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = _read(path)
    monkeypatch.setattr(read, "vectorised", lambda *_: False)
    assert _read(path) == fast


@pytest.mark.parametrize(("size", "share"), [(900, 0.005), (900, 0.03), (400, 0.4), (30, 0.2)])
@pytest.mark.parametrize("seed", range(3))
def test_hostile_lines_among_clean_ones(
    seed: int, size: int, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(_hostile(seed, size, share))
    _agrees(path, monkeypatch)


_BALANCED: Final[tuple[tuple[tuple[str, str], ...], ...]] = (
    (('"m"', "5"), ('"output_tokens": 300', '"output_tokens": "300"')),  # as many quotes
    (('"m"', "true"), ('"output_tokens": 300', '"output_tokens": "300"')),
    (('"m"', "NaN"), ('"output_tokens": 300', '"output_tokens": "300"')),
    (('"m"', "null"), ('"output_tokens": 300', '"output_tokens": "300"')),
    (('"m"', '"me"'), ('"output_tokens": 300', '"output_tokens": true')),
    (('"m"', '"m.1"'), ('"output_tokens": 300', '"output_tokens": 300.5')),
    (('"temperature": 0.5', '"temperature": 1'), ('"output_tokens": 300', '"output_tokens": 300.5')),
    (('"temperature": 0.5', '"temperature": "0.5"'), ('"team": "a"', '"team": 7')),
    (('"temperature": 0.5', '"temperature": 5e-1'), ('"output_tokens": 300', '"output_tokens": 3e2')),
    ((', "team": "a"', ""), ('"m"', '"m", "request_model": null')),  # as many colons
    ((', "team": "a"', ""), ('"m"', '"m", "request_model": "n"')),
    ((', "team": "a"', ""), ('"m"', '"m", "maet": "a"')),
    (('"temperature": 0.5}', '"temperature": 0.5,}'), (', "team": "a"', "")),  # as many commas
    (("[1, 2]", "[1, 2,]"), ("[1, 2]", "[12]")),
    (("[1, 2]", '["1", 2]'), ('"m"', "5")),
    (("[1, 2]", "[1.5, 2]"), ('"temperature": 0.5', '"temperature": 5')),
    (("[1, 2]", "[1, null]"),),
    (("{", "{ "), ("}", "\t}")),
)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("changes", _BALANCED)
def test_faults_that_balance_each_other(
    changes: tuple[tuple[str, str], ...], whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one line has too much another lacks: the sums of a block stay the same, and its lines must not."""
    line = (
        '{"request_id": "r%d", "provider_name": "openai", "request_model": "m", "input_tokens": 400, "output_tokens": 300, '
        '"prefix_block_tokens": 9, "prefix_keys": [1, 2], "team": "a", "temperature": 0.5}'
    )
    lines = [line % number for number in range(700)]
    lines[7] = lines[7] if whole else lines[7].replace('"team": "a", ', "")
    for place, (old, new) in enumerate(changes, 104):
        assert old in lines[place]
        lines[place] = lines[place].replace(old, new)
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(lines))
    flat = _watched(monkeypatch)
    _agrees(path, monkeypatch)
    # Blanks are no fault, and a null in a list is for the conversion to find.
    assert (flat[0] is None) == (changes[0][1] not in {"{ ", "[1, null]"} or ("null" in changes[0][1] and not whole))


def _watched(monkeypatch: pytest.MonkeyPatch) -> list[pa.Table | None]:
    """What the engine's reader gives from now on."""
    found: list[pa.Table | None] = []

    def flat(*given: Any) -> pa.Table | None:
        found.append(flat_table(*given))
        return found[-1]

    monkeypatch.setattr(blocks, "flat_table", flat)
    return found


def test_clean_lines_are_read_by_the_engine_as_by_arrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(8)
    rows = [_row(dice, number) | {"temperature": dice.choice([0, 0.7, 1e-7, 5])} for number in range(500)]
    rows = [row | {"team": "7b" if row["team"] else None} if "team" in row else row for row in rows]
    every = [
        {"team": None, **row, "was_routed": dice.random() < 0.5, "user_id": f"{number:x}", "seed": 2**63 - 1}
        for number, row in enumerate(rows)
    ]
    flat = _watched(monkeypatch)
    for lines in (rows, every):
        block = b"".join(
            json.dumps({k: v for k, v in row.items() if v is not None or lines is every}).encode() + b"\n"
            for row in lines
        )
        one = usage_rows.arrow(block, Context("x", (), {}))
        assert flat[-1] is not None
        with monkeypatch.context() as without:
            without.setattr(blocks, "flat_table", lambda *_: None)
            assert one == usage_rows.arrow(block, Context("x", (), {}))


def test_unclean_rows_of_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(5)
    rows = [_row(dice, number) for number in range(600)]
    for place, change in ((3, {"input_tokens": -5}), (77, {"request_id": "x" * 2000}), (599, {"started_at": "soon"})):
        rows[place] |= change
    path = tmp_path / "log.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    _agrees(path, monkeypatch)


def test_one_unclean_row_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand rows with three faults of three kinds only these go the long way."""
    dice = random.Random(1)
    rows = [_row(dice, number) for number in range(1000)]
    rows[10]["input_tokens"], rows[500]["started_at"] = "x", "0001-01-01T00:00:00Z"
    lines = [json.dumps(row).encode() for row in rows]
    lines[900] = b"{broken"
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(lines))
    careful: list[int] = []
    long_way = readings

    def counted(incoming: Any, *rest: Any) -> Any:
        for reading in long_way(incoming, *rest):
            careful.append(reading[0])
            yield reading

    monkeypatch.setattr(read, "readings", counted)
    with Store() as store:
        found = ingest(store, [str(path)])
    assert careful == [11, 501, 901]
    assert (found.read, found.ingested, found.rejected) == (1000, 997, 3)


@pytest.mark.parametrize(("bad", "named"), [(1, True), (MOST_UNCLEAN, True), (MOST_UNCLEAN + 1, False)])
def test_unclean_rows_are_named_while_they_are_few(bad: int, named: bool) -> None:
    dice = random.Random(2)
    rows = [_row(dice, number) for number in range(500)]
    places = list(range(5, 5 + 3 * bad, 3))
    for place in places:
        rows[place]["input_tokens"] = -1
    found = usage_rows.arrow(b"".join(json.dumps(row).encode() + b"\n" for row in rows), Context("x", (), {}))
    assert found == (Unclean(tuple(places)) if named else None)
