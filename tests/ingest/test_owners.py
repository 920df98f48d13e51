"""Raw API keys reach no store, hidden owners cannot be guessed, and labels stay readable."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llmcost.config import owner_hash, owner_hash_sql
from llmcost.ingest.merge import merge_billed
from llmcost.ingest.owners import masked, owner_sql
from llmcost.ingest.run import IngestOptions, ingest
from llmcost.ingest.stage import ProblemLog, Staging
from llmcost.usage.arrow import billed_to_arrow
from llmcost.usage.columns import Billed
from llmcost.usage.store import Store
from tests.ingest.support import write
from tests.ingest.test_safety import ROW, holding, kill, start

SECRET = b"s" * 32
KEYS = [
    "sk-abcdefghijklmnop1234",
    "sk-proj-Ab1_cd-EF.gh_ijklmnop",
    "sk-ant-api03-R2D2.aaaa_bbbb-cccc_dddd-AA",
    "sk-or-v1-0123456789abcdef0123456789abcdef",
    "pk-lf-01234567-89ab-cdef",
    "xai-0123456789abcdefXYZ",
    "gsk_0123456789abcdefXYZ",
    "AIzaSyA-0123456789_abcdefghijklmnopqrs",
    "AKIAIOSFODNN7EXAMPLE",
    "hf_AbCdEfGhIjKlMnOpQrSt",
    "r8_AbCdEfGhIjKlMnOpQrSt",
    "Bearer abcdef.ghijkl-mnopqrs",
    "bearer  sk-ant-api03-AAAAAAAAAAAAAAAA",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
]
LABELS = [
    "skunkworks-data-team-key", "sk-learn-pipeline-experiments", "risk-team-2026-Q4-forecasts", "sk-1", "ann@example.com",
    "hf_transformers_finetuning", "key_9f8e7d6c5b4a", "Bearer", "AIzawa", "proj_AbCdEfGhIjKlMnOpQrSt", "eyJ", "disk-ABCDEFGHIJKLMNOPQRST",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_hashed(key: str) -> None:
    assert masked(key, SECRET) == owner_hash(key, SECRET)
    inside = masked(f"billing {key}", SECRET)
    assert inside == f"billing {owner_hash(key, SECRET)}"


@pytest.mark.parametrize("label", LABELS)
def test_a_label_is_not(label: str) -> None:
    assert masked(label, SECRET) == label


@pytest.mark.parametrize("form", ["jsonl", "records"])
@pytest.mark.parametrize(
    "place",
    ["user_id", "api_key_id", "project", "team", "feature", "organization", "environment", "conversation_id", "tags"],
)
def test_no_column_stores_a_key(place: str, form: str, tmp_path: Path) -> None:
    key, label = "sk-ant-api03-" + "Ab1_.-" * 6, "skunkworks-data-team-key"
    value: Any = {"owner": label, "auth": key} if place == "tags" else key
    rows: list[dict[str, Any]] = [{**ROW, place: value}, {**ROW, "request_id": "b", "feature": label, "user_id": "ann"}]
    if form == "records":  # a value that the vectorised reader leaves to the careful one
        rows.append({**ROW, "request_id": "c", "input_tokens": "7"})
    write(tmp_path / "a.jsonl", rows)
    with Store(tmp_path / "s.duckdb") as store:
        ingest(store, [str(tmp_path / "a.jsonl")])
        stored = store.value(f"SELECT \"{place}\" FROM usage WHERE request_id = 'a'")  # noqa: S608 - a column of ours
        other = store.rows("SELECT feature, user_id FROM usage WHERE request_id = 'b'")
    given = json.loads(stored)["auth"] if place == "tags" else stored
    assert given.startswith("h_")
    assert len(given) == 34
    assert place != "tags" or json.loads(stored)["owner"] == label
    assert other == [(label, "ann")]
    assert holding(tmp_path, key) == ["a.jsonl"]


def test_a_key_is_nowhere_after_a_kill(tmp_path: Path) -> None:
    key = "sk-proj-abcdefghijklmnop1234"
    write(tmp_path / "a.jsonl", [{**ROW, "request_id": f"r{n}", "project": key} for n in range(50)])
    kill(start(tmp_path, "ingest", "a.jsonl", "--store", "s.duckdb", module="run", function="merge_usage"))
    assert holding(tmp_path, key) == ["a.jsonl"]


def owners_under(secret: str, owners: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    monkeypatch.setenv("LLMCOST_KEY", secret)
    rows = [{**ROW, "request_id": f"r{n}", "user_id": f"ann-{n % 2}", "api_key_id": "key_1"} for n in range(4)]
    log = write(folder / "owners.jsonl", rows)
    with Store() as store:
        ingest(store, [str(log)], IngestOptions(owners=owners))
        return store.rows("SELECT DISTINCT user_id, api_key_id, user_key FROM usage ORDER BY ALL")


@pytest.mark.parametrize("owners", ["hash", "drop"])
def test_hidden_owners_depend_on_the_users_secret(owners: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = owners_under("mine", owners, tmp_path, monkeypatch)
    again = owners_under("mine", owners, tmp_path, monkeypatch)
    others = owners_under("another", owners, tmp_path, monkeypatch)
    assert mine == again
    assert len(mine) == len(others) == 2  # two users stay two
    told = {value for row in mine for value in row if value is not None}
    assert told.isdisjoint(value for row in others for value in row)
    guesses = {"h_" + hashlib.md5(name.encode(), usedforsecurity=False).hexdigest() for name in ("ann-0", "ann-1")}
    assert told.isdisjoint(guesses)


def test_kept_owners_draw_the_same_for_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert owners_under("mine", "keep", tmp_path, monkeypatch) == owners_under("another", "keep", tmp_path, monkeypatch)


@pytest.mark.parametrize("text", ["ann", "", "it's \u00e9\u4e16 \U0001f600"])
def test_the_engine_hashes_as_python_does(text: str) -> None:
    with Store() as store:
        assert store.value(f"SELECT {owner_hash_sql('?::VARCHAR', SECRET)}", [text]) == owner_hash(text, SECRET)
        assert store.value(f"SELECT {owner_hash_sql('NULL::VARCHAR', SECRET)}") is None


@pytest.mark.parametrize("owners", ["keep", "hash", "drop"])
def test_billed_lines_hide_owners_too(owners: Any, tmp_path: Path) -> None:
    raw = "sk-proj-abcdefghijklmnop1234"
    lines = [
        Billed(billed_cost=Decimal(n + 1), line_item="gpt-5", api_key_id=key) for n, key in enumerate(("key_a", raw))
    ]
    with Store() as store:
        for again in (False, True):  # the same export twice, as another file
            staging = Staging(store, tmp_path, ProblemLog(), SECRET)
            staging.add_billed(billed_to_arrow(lines), 0, [1, 2])
            staging.finish()
            file = {"file_no": pa.array([0], pa.int32()), "file_key": pa.array([7 + again]), "source": ["costs"]}
            store.register("staged_files", pa.table(file))
            merged = merge_billed(store, staging, owner_sql(owners, SECRET))
            assert (merged.ingested, merged.duplicates, merged.superseded) == ((0, 2, 0) if again else (2, 0, 0))
        stored = [key for (key,) in store.rows("SELECT api_key_id FROM billed ORDER BY billed_cost")]
    assert raw.encode() not in (tmp_path / "billed.parquet").read_bytes()
    hashed = owner_hash(raw, SECRET)
    expected = {
        "keep": ["key_a", hashed],
        "hash": [owner_hash("key_a", SECRET), owner_hash(hashed, SECRET)],
        "drop": [None, None],
    }
    assert stored == expected[owners]
