"""Tools that OpenAI runs inside a call and bills per call or session: what was run, never what was declared.

Code interpreter is billed per container, however many calls ran in it and whichever answers shared it
(https://developers.openai.com/api/docs/pricing, 2026-11-24): a container is a row of its own whose id is the container's,
so the ingest counts it once. Declared tools that nobody called cost nothing but their tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmcost.records.calls import subcall
from llmcost.records.contract import Row
from llmcost.records.shapes import mapping, objects, word
from llmcost.records.values import count
from llmcost.usage.columns import Usage

CODE_INTERPRETER: Final = "code-interpreter"
"""The name under which price files sell a session."""
FILE_SEARCH: Final = "file-search"
"""The name under which price files sell a search in files."""
_DONE: Final = frozenset({"", "completed"})


def web_searches(answer: dict[str, Any]) -> int | None:
    """Web searches that were run: the provider's own number, else the executed search calls.

    Opening a page or finding a text in it is no search; one recorded call shows both ways agreeing (2026-11).
    """
    told = mapping(mapping(answer.get("tool_usage")).get("web_search")).get("num_requests")
    if told is not None:
        return count(told, "web_search num_requests")
    ran = _ran(answer, "web_search_call")
    return None if ran is None else sum(word(mapping(i.get("action")).get("type")) in {"", "search"} for i in ran)


def file_searches(answer: dict[str, Any]) -> int | None:
    """Searches in files that were run; None where the log does not show what was."""
    ran = _ran(answer, "file_search_call")
    return None if ran is None else len(ran)


def images_made(answer: dict[str, Any]) -> int:
    """Images that the image tool made."""
    return len(_ran(answer, "image_generation_call") or ())


def _ran(answer: dict[str, Any], kind: str) -> list[dict[str, Any]] | None:
    if not isinstance(answer.get("output"), list):
        return None
    return [i for i in objects(answer["output"]) if i.get("type") == kind and word(i.get("status")) in _DONE]


def containers(answer: dict[str, Any], main: Usage) -> Iterator[Row]:
    """A row for each container in which code ran; calls that name none share the one that the answer made."""
    ran = [item for item in objects(answer.get("output")) if item.get("type") == "code_interpreter_call"]
    for own_id in dict.fromkeys(word(item.get("container_id")) for item in ran):
        row = subcall(main, CODE_INTERPRETER, Usage(code_execution_sessions=1), CODE_INTERPRETER)
        row["operation_name"], row["service_tier"] = "code_interpreter", "standard"  # no tier changes a tool's fee
        if own_id:
            row["request_id"] = own_id
        yield Row(row)
