"""What an ingest leaves behind: nothing after a kill, never a body, and one writer at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llmcost.errors import NothingIngestedError, StoreBusyError, UsageError
from llmcost.ingest.run import IngestOptions, ingest
from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store
from tests.ingest.support import write
from tests.support import ROOT

CANARY = "wombat-marmalade-9f3b"
ROW = {"request_id": "a", "provider_name": "openai", "request_model": "gpt-5", "input_tokens": 5, "output_tokens": 1}
PAUSED = """
import sys
import llmcost.ingest.{module} as module
from llmcost.cli.main import invoke
def stop(*arguments, **options):
    print("there", flush=True)
    import time
    time.sleep(60)
module.{function} = stop
sys.exit(invoke(sys.argv[1:]))
"""


def chat(number: int) -> dict[str, object]:
    """An OpenAI exchange whose prompt and answer hold the canary."""
    return {
        "request": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": f"{CANARY} question {number} " * 40}]},
        "response": {
            "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1790812800 + number, "model": "gpt-5-mini",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"{CANARY} answer"}}],
            "usage": {"prompt_tokens": 300, "completion_tokens": 5, "total_tokens": 305},
        },
    }  # fmt: skip


def start(folder: Path, *arguments: str, module: str, function: str) -> subprocess.Popen[str]:
    """A process that runs a command and stands still where ``function`` is called; its temporary files are in ``folder``."""
    (folder / "tmp").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", PAUSED.format(module=module, function=function), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp")},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def holding(folder: Path, text: str) -> list[str]:
    """Files below ``folder`` that hold ``text``."""
    return sorted(
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and text.encode() in p.read_bytes()
    )


@pytest.mark.parametrize(("module", "function"), [("run", "merge_usage"), ("run", "_record")])
def test_a_kill_leaves_the_store_as_it_was(module: str, function: str, tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    write(tmp_path / "old.jsonl", [ROW])
    write(tmp_path / "new.jsonl", [{**ROW, "request_id": f"n{n}"} for n in range(500)] + [{**ROW, "output_tokens": 99}])
    with Store(path) as store:
        ingest(store, [str(tmp_path / "old.jsonl")])
        before = store_digest(store)
    kill(start(tmp_path, "ingest", "new.jsonl", "--store", "s.duckdb", module=module, function=function))
    with Store(path) as store:
        assert store_digest(store) == before
        assert store.value("SELECT count(*) FROM files") == 1
        ingest(store, [str(tmp_path / "new.jsonl")])
        assert store.value("SELECT count(*) FROM usage") == 501
    assert not list(tmp_path.glob("*.wal"))


def test_a_second_writer_gets_a_clear_error(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [ROW])
    with Store(tmp_path / "s.duckdb"):
        pass
    process = start(tmp_path, "ingest", "a.jsonl", "--store", "s.duckdb", module="run", function="merge_usage")
    try:
        started = time.monotonic()
        with pytest.raises(StoreBusyError, match="another process is using the store"):
            Store(tmp_path / "s.duckdb")
        assert time.monotonic() - started < 10
    finally:
        kill(process)


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_bodies_never_reach_a_disk(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "work"))
    (tmp_path / "work").mkdir()
    log = tmp_path / f"log.{form}"
    exchanges = [chat(n) for n in range(50)]
    log.write_text(json.dumps(exchanges) if form == "json" else "".join(json.dumps(each) + "\n" for each in exchanges))
    with Store(tmp_path / "work" / "s.duckdb") as store:
        summary = ingest(store, [str(log)])
        assert summary.ingested == 50
        assert store.value("SELECT count(DISTINCT prompt_key) FROM usage") == 50
    assert holding(tmp_path, CANARY) == [log.name]


@pytest.mark.parametrize("function", ["merge_usage", "derive_prefixes", "_record"])
def test_bodies_are_nowhere_after_a_kill(function: str, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "log.jsonl").write_text("".join(json.dumps(chat(n)) + "\n" for n in range(200)))
    kill(start(folder, "ingest", "log.jsonl", "--store", "s.duckdb", module="run", function=function))
    assert holding(folder, CANARY) == ["log.jsonl"]


@pytest.mark.parametrize(
    "broken",
    [
        '{"request": {"model": "gpt-5-mini", "messages": [{"content": "' + CANARY,
        json.dumps({**chat(1), "response": CANARY}),
        json.dumps({**chat(1), "response": {**chat(1)["response"], "usage": {"prompt_tokens": CANARY}}}),  # type: ignore[dict-item]  # a broken value is the point
        json.dumps({**ROW, "prompt": CANARY * 9, "input_tokens": CANARY}),
    ],
    ids=["cut off", "no object", "text for a count", "usage row with a prompt"],
)
def test_what_cannot_be_read_is_not_quoted(broken: str, tmp_path: Path) -> None:
    good = json.dumps(ROW) if "provider_name" in broken else json.dumps(chat(2))
    (tmp_path / "log.jsonl").write_text(f"{good}\n{broken}\n")
    with Store(tmp_path / "s.duckdb") as store:
        summary = ingest(store, [str(tmp_path / "log.jsonl")])
        assert summary.problems
        assert CANARY not in repr(summary)
    assert holding(tmp_path, CANARY) == ["log.jsonl"]


def test_raw_api_keys_are_hashed_whatever_owners_says(tmp_path: Path) -> None:
    raw = "sk-proj-abcdefghijklmnop1234"
    write(tmp_path / "a.jsonl", [{**ROW, "api_key_id": raw, "user_id": "ann"}])
    with Store(tmp_path / "s.duckdb") as store:
        ingest(store, [str(tmp_path / "a.jsonl")], IngestOptions(owners="keep"))
        [(key, user)] = store.rows("SELECT api_key_id, user_id FROM usage")
    assert key.startswith("h_")
    assert user == "ann"
    assert holding(tmp_path, raw) == ["a.jsonl"]


@pytest.mark.parametrize(("owners", "shown"), [("hash", True), ("drop", False)])
def test_owners_can_be_hidden(owners: str, tmp_path: Path, *, shown: bool) -> None:
    write(
        tmp_path / "a.jsonl",
        [{**ROW, "user_id": "ann-the-customer"}, {**ROW, "request_id": "b", "user_id": "ann-the-customer"}],
    )
    with Store(tmp_path / "s.duckdb") as store:
        ingest(store, [str(tmp_path / "a.jsonl")], IngestOptions(owners=owners))  # type: ignore[arg-type]  # a text of the parameters
        values = store.rows("SELECT DISTINCT user_id FROM usage")
        assert (values != [(None,)]) is shown
        assert len(values) == 1
        assert store.value("SELECT count(DISTINCT user_key) FROM usage") == 1
    assert holding(tmp_path, "ann-the-customer") == ["a.jsonl"]


def test_a_failure_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    good, bad = (
        write(tmp_path / "a.jsonl", [ROW]),
        write(tmp_path / "b.jsonl", [{**ROW, "request_id": "b", "input_tokens": -1}]),
    )
    with Store(tmp_path / "s.duckdb") as store:
        with pytest.raises(NothingIngestedError, match=r"b\.jsonl:1"):
            ingest(store, [str(good), str(bad)], IngestOptions(on_problem="fail"))
        assert store.value("SELECT count(*) FROM usage") == 0
        assert store.value("SELECT count(*) FROM files") == 0
    assert not (tmp_path / "s.duckdb.spill").exists()


def test_a_store_that_is_not_ours(tmp_path: Path) -> None:
    log = write(tmp_path / "a.jsonl", [ROW])
    with pytest.raises(UsageError, match="no DuckDB file"):
        Store(log)
    assert json.loads(log.read_text()) == ROW


@pytest.mark.parametrize(
    "noise",
    [b"noise", b"01234567DUCK" + bytes(range(256)) * 400, b"01234567DUCK and no block of it"],
    ids=["plain", "blocks", "short"],
)
def test_a_store_of_noise_is_no_busy_store(tmp_path: Path, noise: bytes) -> None:
    path = tmp_path / "s.duckdb"
    path.write_bytes(noise)
    with pytest.raises(UsageError, match="cannot be opened as a store"):
        Store(path)
    assert path.read_bytes() == noise
