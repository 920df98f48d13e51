"""A large log that is read in processes gives what one process reads of it, and leaves nothing when one dies."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmcost.errors import LlmcostError, NothingIngestedError
from llmcost.ingest import read, readers
from llmcost.ingest.readers import Job, Readers
from llmcost.ingest.run import IngestOptions, ingest
from llmcost.records import Context, Problem
from llmcost.records.files import chunks
from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store
from tests.ingest.support import balanced

JOB = Job("openai-chat", Context("calls.jsonl"), b"secret")


def _call(number: int) -> dict[str, Any]:
    messages = [{"role": "system", "content": "You answer in one line. " * 40}]
    messages += [{"role": "user", "content": f"question {number} of many " * (number % 7 + 1)}]
    answer = {"index": 0, "message": {"role": "assistant", "content": f"answer {number}"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 300 + number, "completion_tokens": 9, "total_tokens": 309 + number}
    return {
        "request": {"model": "gpt-4o-mini", "messages": messages},
        "response": {
            "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1_790_000_000 + number,
            "model": "gpt-4o-mini-2024-07-18", "choices": [answer], "usage": usage,
        },
    }  # fmt: skip


def _log(folder: Path, calls: int = 400) -> Path:
    """Calls with odd lines between them: no JSON, a blank one, a negative count, twice the same call."""
    lines = [json.dumps(_call(number)) for number in range(calls)]
    bad = _call(7_000)
    bad["response"]["usage"]["prompt_tokens"] = -4
    lines[50:50] = ["{broken", "", json.dumps(bad), lines[3]]
    lines.append("[1, 2]")
    path = folder / "calls.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is large enough, and is cut into many stretches."""
    monkeypatch.setattr(readers, "SMALLEST", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(read, "chunks", _in_pieces)


def _in_pieces(path: Path, watch: Any) -> Iterator[tuple[int, bytes] | Problem]:
    for piece in chunks(path, watch):
        if isinstance(piece, Problem):
            yield piece
            continue
        first, data = piece
        for line in data.splitlines(keepends=True):
            yield first, line
            first += 1


def _read(path: Path, options: IngestOptions | None = None) -> tuple[Any, ...]:
    with Store() as store:
        summary = balanced(ingest(store, [str(path)], options))
        return (
            (summary.read, summary.ingested, summary.duplicates, summary.rejected, summary.skipped),
            sorted(summary.problems), store_digest(store), store.rows("SELECT line, count(*) FROM usage GROUP BY ALL ORDER BY ALL"),
        )  # fmt: skip


@pytest.mark.usefixtures("small_stretches")
@pytest.mark.parametrize("cut", [False, True])
def test_processes_give_what_one_process_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: bool) -> None:
    path = _log(tmp_path)
    if cut:  # the end of the file is missing, inside compressed data
        packed = gzip.compress(path.read_bytes(), mtime=0)
        path = tmp_path / "calls.jsonl.gz"
        path.write_bytes(packed[: len(packed) * 2 // 3])
    beside = _read(path)
    monkeypatch.setattr(readers, "SMALLEST", 10**12)
    assert beside == _read(path)
    assert beside[0][1] > 100
    assert {kind for kind, *_ in beside[1]} >= {"bad-json", "negative-count"}


@pytest.mark.usefixtures("small_stretches")
def test_the_first_problem_stops_an_ingest_that_must_not_have_any(tmp_path: Path) -> None:
    with Store() as store, pytest.raises(NothingIngestedError) as error:
        ingest(store, [str(_log(tmp_path))], IngestOptions(on_problem="fail"))
    assert "calls.jsonl:51" in str(error.value.where)


def test_a_process_that_dies_is_told() -> None:
    with Readers(JOB, 1) as found:
        assert found.read((1, json.dumps(_call(1)).encode())).batch.rows == 1
        found._all[0]._process.kill()
        with pytest.raises(LlmcostError, match="ended early"):
            found.read((1, json.dumps(_call(2)).encode()))


def test_no_process_is_left_behind() -> None:
    with Readers(JOB, 2) as found:
        processes = [reader._process for reader in found._all]
    assert [process.returncode is not None for process in processes] == [True, True]


def test_an_error_of_a_process_is_raised_here(tmp_path: Path) -> None:
    with Readers(Job("openai-chat", Context("x", options={}), None), 1) as found, pytest.raises(TypeError):  # type: ignore[arg-type]  # no secret at all
        found.read((1, json.dumps(_call(1)).encode()))


def test_the_secret_is_in_no_error() -> None:
    assert "secret" not in repr(JOB).replace("secret=", "").replace("Job(", "")
