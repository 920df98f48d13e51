"""Bodies without counts: real calls whose usage is taken away are counted from their texts, and near what was billed.

Most recorded streams of OpenAI's chat carry no usage (95 of 162), since nobody asked for it. Here every host's do not.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any, Final

import pytest

from llmcost.ingest.run import ingest
from llmcost.usage.store import Store
from tests.support import shared_data

COUNTS: Final = frozenset({
    "usage", "usageMetadata", "usage_metadata", "x_groq", "meta", "prompt_eval_count", "eval_count", "prompt_eval_cached_count", "metrics",
    "amazon-bedrock-invocationMetrics", "usage_breakdown", "time_info",
})  # fmt: skip
COUNTED: Final = ("tokenizer", "other-tokenizer", "estimate", "mixed")
PARTS: Final = (
    "system_tokens + tools_tokens + schema_tokens + history_tokens + context_tokens + example_tokens + user_tokens"
)
HOSTS: Final = {
    "openai_chat_completions": "openai-chat", "openai_responses": "openai-responses", "anthropic_messages": "anthropic-messages",
    "gemini_generatecontent": "gemini", "bedrock_converse": "bedrock-converse", "cohere_chat": "cohere", "mistral_chat": "mistral",
    "groq_chat": "groq", "deepseek_chat": "deepseek", "ollama_chat": "ollama", "azure_openai_chat": "azure-openai",
    "openrouter_chat": "openrouter-chat", "cerebras_chat": "cerebras",
}  # fmt: skip
"""Sample -> its source."""
NEAR: Final = (0.6, 1.4)
"""Between these lies the middle of counted to billed outputs of plain answers, whoever made the tokenizer."""


def _bare(value: Any) -> Any:
    """The value without any counts; streams of events and of lines stay what they are."""
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if key not in COUNTS}
    if isinstance(value, list):
        return [_bare(inner) for inner in value]
    if isinstance(value, str) and ("data:" in value or value.startswith("{")):
        return "\n".join(map(_bare_line, value.split("\n")))
    return value


def _bare_line(line: str) -> str:
    head, data = ("data: ", line[5:].strip()) if line.startswith("data:") else ("", line)
    try:
        return head + json.dumps(_bare(json.loads(data))) if data.startswith("{") else line
    except ValueError:
        return line


def _read(path: Path) -> tuple[str | None, dict[int, tuple[Any, ...]]]:
    columns = "status, operation_name, token_source, input_tokens, output_tokens, reasoning_output_tokens, prompt_key, response_key"
    with Store(None) as store:
        told = ingest(store, [str(path)])
        chosen = f"{columns}, tools_tokens, {PARTS}"
        rows = store.rows(f"SELECT line, {chosen} FROM usage WHERE call_role IS NULL OR call_role = 'primary'")  # noqa: S608 - columns of this file
    return told.files[0].source, {int(row[0]): row[1:] for row in rows}


@pytest.mark.parametrize("sample", sorted(HOSTS))
def test_calls_without_usage_are_counted_from_their_texts(sample: str, tmp_path: Path) -> None:
    path = shared_data("formats", sample, "requests.jsonl")
    source = HOSTS[sample]
    bare = tmp_path / "bare.jsonl"
    with path.open(encoding="utf-8") as lines:
        bare.write_text(
            "".join(json.dumps({**r, "response": _bare(r["response"])}) + "\n" for r in map(json.loads, lines))
        )
    (first, billed), (second, counted) = _read(path), _read(bare)
    assert first == second == source
    assert billed.keys() == counted.keys()
    seen, ratios = 0, []
    for line, (status, operation, origin, given, out, _, prompt, response, tools, parts) in counted.items():
        if status == "error":
            assert (origin, given, out) == (None, None, None), "a call that failed is not given counts"
            continue
        if prompt is not None:  # the whole text is in the log, and nothing but text
            assert origin in COUNTED
            assert given >= parts > 0
            seen += 1
        if response is not None and operation == "chat":
            assert out > 0
            is_plain = prompt is not None and not tools and not billed[line][5]
            if (
                is_plain and origin != "estimate" and billed[line][4] >= 10
            ):  # no calls of tools, no hidden thoughts, not just a word
                ratios.append(out / billed[line][4])
    assert seen > 0
    assert not ratios or NEAR[0] <= median(ratios) <= NEAR[1], sorted(ratios)
