"""A proxy's log mixes hosts: every call is read as its own host's source reads it, whichever source claims the file."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.ingest.recognise import claimants
from llmcost.ingest.run import IngestOptions, ingest
from llmcost.records import Context, Problem, Record, Row, Sample, Skip
from llmcost.records.exchange import exchange
from llmcost.records.mixed import ANY_HOST, home_of
from llmcost.sources import SOURCES, read_elsewhere
from llmcost.usage.store import Store
from tests.ingest.support import balanced
from tests.sources.cases import read_all, readings

USAGE: dict[str, Any] = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def _chat(url: str, own_id: str, **usage: Any) -> dict[str, Any]:
    answer = {"id": own_id, "object": "chat.completion", "created": 1_790_000_000, "model": "m-1", "choices": []}
    return {"url": url, "request": {"model": "m"}, "response": {**answer, "usage": {**USAGE, **usage}}}


CALLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "openai-chat": (_chat("https://api.openai.com/v1/chat/completions", "c-1"), {"provider_name": "openai", "input_tokens": 10}),
    "openrouter-chat": (_chat("https://openrouter.ai/api/v1/chat/completions", "gen-1", cost=Decimal("0.5")), {"billed_cost": Decimal("0.5")}),
    "xai": (_chat("https://api.x.ai/v1/chat/completions", "x-1", cost_in_usd_ticks=25_000_000), {"billed_cost": Decimal("0.0025")}),
    "perplexity": (
        _chat("https://api.perplexity.ai/chat/completions", "p-1", cost={"total_cost": Decimal("0.006")}), {"billed_cost": Decimal("0.006")},
    ),
    "groq": (_chat("https://api.groq.com/openai/v1/chat/completions", "g-1", total_time=Decimal("0.25")), {"duration_ms": 250}),
    "azure-openai": (
        _chat("https://x.openai.azure.com/openai/deployments/blue/chat/completions", "a-1"), {"provider_name": "azure", "tags": '{"deployment":"blue"}'},
    ),
    "mistral": (
        {"url": "https://api.mistral.ai/v1/ocr", "request": {"model": "mistral-ocr-latest"},
         "response": {"pages": [{"index": 0}], "model": "mistral-ocr-2512", "usage_info": {"pages_processed": 2}}},
        {"provider_name": "mistral", "pages": 2},
    ),
    "cohere": (
        {"url": "https://api.cohere.com/v2/chat", "request": {"model": "command-x"},
         "response": {"id": "co-1", "message": {}, "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 4}, "tokens": {"input_tokens": 30, "output_tokens": 4}}}},
        {"provider_name": "cohere", "input_tokens": 3, "output_tokens": 4},
    ),
    "ollama": (
        {"url": "http://localhost:11434/api/chat", "request": {"model": "llama3"},
         "response": {"model": "llama3", "created_at": "2026-03-01T00:00:00Z", "done": True, "prompt_eval_count": 4, "eval_count": 6}},
        {"provider_name": "ollama", "input_tokens": 4, "output_tokens": 6},
    ),
    "bedrock-converse": (
        {"url": "https://bedrock-runtime.us-east-1.amazonaws.com/model/eu.amazon.nova-lite-v1%3A0/converse", "request": {},
         "response": {"output": {}, "stopReason": "end_turn", "usage": {"inputTokens": 1, "cacheReadInputTokens": 7, "outputTokens": 2, "totalTokens": 10}}},
        {"provider_name": "bedrock", "request_model": "eu.amazon.nova-lite-v1:0", "input_tokens": 8},
    ),
    "bedrock-invoke": (
        {"url": "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-text-lite-v1/invoke", "request": {"inputText": "x"},
         "response": {"inputTextTokenCount": 6, "results": [{"tokenCount": 3, "outputText": "y", "completionReason": "FINISH"}]}},
        {"provider_name": "bedrock", "input_tokens": 6, "output_tokens": 3},
    ),
    "gemini": (
        {"url": "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent", "request": {"contents": []},
         "response": {"responseId": "ge-1", "modelVersion": "gemini-2.5-flash", "candidates": [{"finishReason": "STOP"}],
                      "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 5, "totalTokenCount": 16}}},
        {"provider_name": "google", "output_tokens": 7},
    ),
}  # fmt: skip
"""By the source that is its home: a call, and something that only that source reads right."""


@pytest.mark.parametrize("own", CALLS)
@pytest.mark.parametrize("home", CALLS)
def test_a_call_is_read_by_its_home_whichever_source_claims_the_log(own: str, home: str) -> None:
    call, expected = CALLS[home]
    found = readings(SOURCES.load(own), call)
    rows = [reading.usage for reading in found if isinstance(reading, Row) and reading.usage is not None]
    assert len(rows) == 1, found
    assert expected.items() <= rows[0].items()


@pytest.mark.parametrize("home", CALLS)
def test_the_source_that_claims_a_log_of_such_calls_is_their_home(home: str) -> None:
    call, _ = CALLS[home]
    assert claimants(Sample("calls.jsonl", "jsonl", "", (call,))) == [home]
    told = exchange(call)
    assert told is not None
    assert home_of(told) == (home if home != "openai-chat" else ANY_HOST)


def test_without_its_home_a_call_is_a_reject_and_never_read_wrongly() -> None:
    call, _ = CALLS["cohere"]
    (found,) = read_all(SOURCES.load("openai-chat"), [Record(call, 1)], Context("calls"))
    assert isinstance(found, Problem)
    assert (found.kind, found.rejected) == ("other-format", True)


def test_a_mixed_log_is_ingested_whole(tmp_path: Path) -> None:
    path = tmp_path / "proxy.jsonl"
    path.write_text("".join(json.dumps(call, default=float) + "\n" for call, _ in CALLS.values()))
    with Store() as store:
        account = balanced(ingest(store, [str(path)], IngestOptions()))
        assert (account.ingested, account.rejected) == (len(CALLS), 0)
        assert store.value("SELECT sum(billed_cost) FROM usage") == Decimal("0.5085")


FREE = {
    "https://api.anthropic.com/v1/messages/count_tokens": {"input_tokens": 14},
    "https://api.openai.com/v1/responses/input_tokens": {"object": "response.input_tokens", "input_tokens": 11},
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:countTokens": {"totalTokens": 11},
    "https://api.openai.com/v1/models": {"object": "list", "data": [{"id": "gpt-x", "object": "model"}]},
    "https://api.openai.com/v1/files/file-1": {"object": "file", "id": "file-1"},
    "https://api.openai.com/v1/batches": {"object": "batch", "id": "batch_1", "usage": {"input_tokens": 10, "output_tokens": 5}},
    "https://api.anthropic.com/v1/messages/batches/msgbatch_1": {"id": "msgbatch_1", "type": "message_batch"},
    "https://api.openai.com/v1/threads/thread_1/messages": {"object": "thread.message", "id": "msg_1", "role": "assistant", "content": []},
    "https://api.openai.com/v1/responses/resp_1/input_items": {"object": "list", "data": []},
    "http://localhost:11434/api/tags": {"models": []},
    "https://openrouter.ai/api/v1/key": {"data": {"usage": 3}},
    "http://proxy.example/health": {"status": "ok"},
}  # fmt: skip


@pytest.mark.parametrize("url", FREE)
def test_a_request_that_no_model_answers_is_no_call(url: str) -> None:
    said = [{"role": "user", "content": "count me"}]
    call = {"url": url, "status": 200, "request": {"model": "m", "messages": said}, "response": FREE[url]}
    for own in ("openai-chat", "anthropic-messages", "gemini", "cohere"):
        assert [type(reading) for reading in readings(SOURCES.load(own), call)] == [Skip]


@pytest.mark.parametrize("path", ["fine_tuning/jobs", "evals/eval_1/runs"])
def test_what_is_billed_elsewhere_is_told_and_is_no_call(path: str) -> None:
    call = {
        "url": f"https://api.openai.com/v1/{path}",
        "request": {"model": "m"},
        "response": {"id": "j-1", "object": "job"},
    }
    (found,) = readings(SOURCES.load("openai-chat"), call)
    assert isinstance(found, Problem)
    assert (found.kind, found.rejected) == ("no-column", True)


@pytest.mark.parametrize(
    "path", ["v1/chat/completions", "v1/responses", "v1/messages", "v1beta/models/gemini-x:generateContent", "v1/threads/runs", "gateway/anything"]
)  # fmt: skip
def test_calls_are_not_taken_for_something_else(path: str) -> None:
    found = readings(
        SOURCES.load("openai-chat"), {"url": f"https://api.example/{path}", "request": {"model": "m"}, "status": 500}
    )
    assert isinstance(found[0], Row)


def test_an_answer_of_a_model_is_a_call_whatever_its_path_is_called() -> None:
    call = _chat("https://gateway.example/api/create", "c-9")
    (row,) = readings(SOURCES.load("openai-chat"), call)
    assert isinstance(row, Row)
    assert row.usage is not None
    assert row.usage["input_tokens"] == 10


def test_what_is_read_elsewhere_needs_a_source_of_calls() -> None:
    with pytest.raises(TypeError, match="reads no single calls"):
        read_elsewhere("claude-code", object())
