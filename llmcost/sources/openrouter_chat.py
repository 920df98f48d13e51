"""Request logs of calls to OpenRouter, a gateway that bills in credits (1 credit is 1 USD).

From: what an application, proxy or recorder writes for calls of ``POST https://openrouter.ai/api/v1/chat/completions`` (and
of its ``responses``), as wrappers ``{request, response ..}`` or bare answers
(https://openrouter.ai/docs/guides/administration/usage-accounting, 2026-11-24). A row is one call.

Counts are the upstream's own. Cached and written tokens are inside ``prompt_tokens``, reasoning inside
``completion_tokens``; total = prompt + completion in 62 of 62 recorded answers. Real ones contradict themselves by a token
(reasoning 11 of completion 10) or count the same tokens as cached and as written: such counts are told as problems.

``usage.cost`` is the charge and 0 is a price. It can be far more than tokens x price, because a tool that OpenRouter ran has
a fee, or a second model of its own (82 times, in a recorded call): what exceeds the inference is the problem
``no-column``. On your own key (BYOK) it is OpenRouter's fee, and what the upstream bills is the problem ``byok``. The host
that served is the tag ``upstream_provider``.

Left out: answers from before 2025-11 have no cost; a second model's tokens are in no field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from llmcost.records.contract import Context, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.exchange import Exchange, first_call
from llmcost.records.gateways import GATEWAY_KNOWS, with_tag
from llmcost.records.hosts import FORMS, answer_of, form_of_others, provider_of
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.openrouter import byok, fee
from llmcost.records.rows import known
from llmcost.records.shapes import mapping
from llmcost.records.values import count, flag, money, text
from llmcost.usage.columns import Usage

_ROUNDING: Final = Decimal("0.000001")
"""Costs are floats: a smaller rest is rounding."""


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call went to OpenRouter."""
    call = first_call(sample)
    return call is not None and call.api in FORMS and provider_of(call) == "openrouter"


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "openrouter-chat", read_call)


def read_call(call: Exchange) -> Iterator[Reading]:
    """The rows of one call."""
    if call.response.get("object") == "chat.completion.chunk" and not call.response.get("usage"):
        yield Skip("a chunk of a stream, without the usage that its last one carries")
        return
    answer = answer_of(call)
    for reading in form_of_others(call, "openrouter"):
        if isinstance(reading, Row) and reading.usage is not None and reading.usage.get("call_role") != "subcall":
            notes = Notes()
            yield Row(_charged(reading.usage, answer, notes), body=reading.body)
            yield from notes
        else:
            yield reading


def _charged(row: Usage, answer: dict[str, Any], notes: Notes) -> Usage:
    """The row with OpenRouter's charge, the host that served, and what the charge holds beside tokens."""
    usage = mapping(answer.get("usage"))
    details, tools = mapping(usage.get("cost_details")), mapping(usage.get("server_tool_use_details"))
    own_key = bool(notes.soft(flag, usage.get("is_byok"), "is_byok"))
    cost = notes.soft(money, usage.get("cost"), "cost")
    inference = _inference(details, notes)
    if own_key:
        byok(details.get("upstream_inference_cost"), "upstream_inference_cost", notes)
    elif cost is not None and inference is not None and cost - inference > _ROUNDING:
        fee(cost - inference, "usage.cost exceeds the inference by", notes)
    upstream = notes.soft(text, answer.get("provider"), "provider")
    found = {
        "billed_cost": cost,
        "web_search_requests": notes.soft(count, tools.get("web_search_requests"), "web_search_requests"),
        "input_video_tokens": notes.soft(
            count, mapping(usage.get("prompt_tokens_details")).get("video_tokens"), "video_tokens"
        ),
        "tags": with_tag(row.get("tags"), upstream_provider=upstream, byok="true" if own_key else None),
    }
    return known({**row, **known(found)})


def _inference(details: dict[str, Any], notes: Notes) -> Decimal | None:
    """What the tokens cost: one figure, or, in answers before 2026, that of the prompt and that of the completion."""
    names = ("upstream_inference_prompt_cost", "upstream_inference_completions_cost")
    whole = notes.soft(money, details.get("upstream_inference_cost"), "upstream_inference_cost")
    parts = [notes.soft(money, details.get(name), name) for name in names]
    return sum((p for p in parts if p is not None), Decimal(0)) if whole is None and any(parts) else whole


SOURCE: Final = Source(
    title="OpenRouter chat",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=GATEWAY_KNOWS | {"input_video_tokens"},
    url="https://openrouter.ai/docs/guides/administration/usage-accounting",
    checked="2026-11-24",
    identity="id of the generation",
)
