"""The canonical usage and billed columns: the one place that names, types and explains them.

Names follow OpenTelemetry GenAI and FOCUS. ``input_tokens`` contains cached, written, audio, image and
tool-use tokens; ``output_tokens`` contains reasoning and audio; ``input_audio_tokens`` and
``cache_read_input_tokens`` both contain ``cache_read_audio_tokens``; ``cache_creation_input_tokens``
contains the 1-hour part. NULL is unknown and is not 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypedDict

Type = Literal["text", "count", "instant", "decimal", "number", "flag", "counts", "numbers", "json"]
Group = Literal["identity", "time", "call", "counter", "media", "part", "owner", "request", "key", "quality", "origin"]


@dataclass(frozen=True)
class Column:
    """One canonical column.

    ``type``: text; count (whole number, not negative); instant (microseconds since 1970, UTC); decimal (exact);
    number (floating, never money); flag; counts (list of whole numbers); numbers (list of floating numbers);
    json (JSON text). ``group`` says what the column is about. ``aliases`` are other names that a usage-rows
    file may use for it.
    """

    name: str
    type: Type
    group: Group
    doc: str
    aliases: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()


CALL_ROLES: Final = ("primary", "judge", "checker", "embedding", "summariser", "retry", "subcall")
SERVICE_TIERS: Final = ("standard", "batch", "flex", "priority", "fast")
STATUSES: Final = ("ok", "error", "cancelled", "partial")
SUM_OF_CALLS: Final = "retrieve_batch"
"""The operation under which LiteLLM logs a finished batch as one row (litellm 1.109.1 ``batches/batch_utils.py``, 2026-11-24).

It stands for several calls though it has no span: where it does not count them, ``requests`` is unknown, not 1.
"""
TOKEN_SOURCES: Final = ("provider", "tokenizer", "other-tokenizer", "estimate", "mixed")

_C = Column
USAGE: Final[tuple[Column, ...]] = (
    _C("request_id", "text", "identity", "The provider's response id; with the provider it identifies a request."),
    _C("parent_request_id", "text", "identity", "request_id of the call that caused this one."),
    _C("call_role", "text", "call", "What the call was for.", allowed=CALL_ROLES),
    _C("started_at", "instant", "time", "When the request was sent; for a bucket its start. UTC."),
    _C("ended_at", "instant", "time", "End of a bucket (exclusive); unknown for requests, which have duration_ms."),
    _C("duration_ms", "count", "time", "From sending the request to the end of the answer, milliseconds."),
    _C("time_to_first_token_ms", "count", "time", "From sending the request to the first token, milliseconds."),
    _C(
        "provider_name",
        "text",
        "call",
        "Who served and billed the call: openai, anthropic, google, vertex_ai ..",
        ("gen_ai.provider.name", "gen_ai.system"),
    ),
    _C("request_model", "text", "call", "The model that was asked for.", ("gen_ai.request.model",)),
    _C(
        "response_model",
        "text",
        "call",
        "The model that answered (often a dated snapshot).",
        ("gen_ai.response.model",),
    ),
    _C(
        "operation_name",
        "text",
        "call",
        "chat, embeddings, text_completion, generate_content ..",
        ("gen_ai.operation.name",),
    ),
    _C("service_tier", "text", "call", "The tier that was served; it decides the price.", allowed=SERVICE_TIERS),
    _C("region", "text", "call", "global, us, eu .. or the host's region."),
    _C("status", "text", "call", "How the call ended.", allowed=STATUSES),
    _C("finish_reason", "text", "call", "Why the model stopped, in the provider's word."),
    _C("attempt", "count", "call", "1 for the first attempt, 2 for the first retry .."),
    _C("requests", "count", "counter", "How many calls the row stands for: 1, or more for a bucket."),
    _C(
        "input_tokens",
        "count",
        "counter",
        "All input tokens, cached and written included.",
        ("gen_ai.usage.input_tokens",),
    ),
    _C(
        "cache_read_input_tokens",
        "count",
        "counter",
        "Input tokens read from the provider's cache.",
        ("gen_ai.usage.cache_read.input_tokens",),
    ),
    _C(
        "cache_creation_input_tokens",
        "count",
        "counter",
        "Input tokens written to the provider's cache, the longer-lived part included.",
        ("gen_ai.usage.cache_creation.input_tokens",),
    ),
    _C(
        "cache_creation_1h_input_tokens",
        "count",
        "counter",
        "The part of the written tokens that is kept longer: for an hour, at OpenAI for twelve.",
    ),
    _C("input_audio_tokens", "count", "media", "Audio tokens inside input_tokens."),
    _C("cache_read_audio_tokens", "count", "media", "Audio tokens inside cache_read_input_tokens."),
    _C("input_image_tokens", "count", "media", "Image tokens inside input_tokens."),
    _C("input_video_tokens", "count", "media", "Video tokens inside input_tokens."),
    _C("output_tokens", "count", "counter", "All output tokens, reasoning included.", ("gen_ai.usage.output_tokens",)),
    _C(
        "reasoning_output_tokens",
        "count",
        "counter",
        "Hidden reasoning (thinking) tokens inside output_tokens.",
        ("gen_ai.usage.reasoning.output_tokens",),
    ),
    _C("output_audio_tokens", "count", "media", "Audio tokens inside output_tokens."),
    _C("output_image_tokens", "count", "media", "Image tokens inside output_tokens."),
    _C("web_search_requests", "count", "media", "Web searches that were run and are billed per call."),
    _C("file_search_requests", "count", "media", "Searches in the provider's file stores that were run."),
    _C("code_execution_sessions", "count", "media", "Containers that ran code and are billed per session."),
    _C("search_units", "count", "media", "Rerank units billed (a query with up to 100 documents is one)."),
    _C("input_characters", "count", "media", "Characters of input (speech, some embeddings), where they are billed."),
    _C("input_audio_seconds", "decimal", "media", "Seconds of audio that are billed by time."),
    _C("output_audio_seconds", "decimal", "media", "Seconds of produced audio that are billed by time."),
    _C("input_video_seconds", "decimal", "media", "Seconds of video that are billed by time."),
    _C("pages", "count", "media", "Document pages that are billed per page."),
    _C("output_images", "count", "media", "Images that were produced."),
    _C("images", "json", "media", "List of {width, height, count} of the images sent."),
    _C("system_tokens", "count", "part", "Input tokens of the system prompt."),
    _C("tools_tokens", "count", "part", "Input tokens of tool definitions."),
    _C("schema_tokens", "count", "part", "Input tokens of response schemas."),
    _C("history_tokens", "count", "part", "Input tokens of earlier turns."),
    _C("context_tokens", "count", "part", "Input tokens of retrieved context and tool results."),
    _C("example_tokens", "count", "part", "Input tokens of few-shot examples."),
    _C("user_tokens", "count", "part", "Input tokens of the last user turn."),
    _C("organization", "text", "owner", "Organization or account that pays."),
    _C("project", "text", "owner", "Project or workspace."),
    _C("team", "text", "owner", "Team."),
    _C("user_id", "text", "owner", "User on whose behalf the call was made."),
    _C("api_key_id", "text", "owner", "Id of the API key; a key itself is hashed on ingest."),
    _C("feature", "text", "owner", "Product feature that made the call."),
    _C("environment", "text", "owner", "production, staging ..", ("deployment.environment.name",)),
    _C("conversation_id", "text", "owner", "Conversation, session or thread.", ("gen_ai.conversation.id",)),
    _C("tags", "json", "owner", "Further labels, a map of text to text."),
    _C("task_type", "text", "request", "Kind of task, if the log labels it."),
    _C("confidence", "number", "quality", "The model's own confidence, 0 to 1."),
    _C("quality_score", "number", "quality", "Measured quality of the answer, 0 to 1."),
    _C("original_model", "text", "request", "provider/model before a router changed it."),
    _C("was_routed", "flag", "request", "Whether a router chose the model."),
    _C("temperature", "number", "request", "Sampling temperature; absent is the provider's default."),
    _C("top_p", "number", "request", "Nucleus sampling."),
    _C("seed", "count", "request", "Sampling seed."),
    _C("response_format", "text", "request", "text, json_object, or a digest of the schema."),
    _C("max_output_tokens", "count", "request", "Cap on output tokens that the request set."),
    _C("thinking_budget_tokens", "count", "request", "Cap on thinking tokens that the request set."),
    _C("prompt_key", "count", "key", "Keyed hash of everything the model was given (system, tools, messages)."),
    _C("response_key", "count", "key", "Keyed hash of the answer."),
    _C(
        "prefix_keys",
        "counts",
        "key",
        "Keyed hashes of the prompt's prefix, one per full block; equal at k means equal up to k.",
    ),
    _C("prefix_block_tokens", "count", "key", "Tokens in one block of prefix_keys."),
    _C("cache_breakpoints", "counts", "key", "Token positions at which the request set a cache breakpoint."),
    _C("embedding", "numbers", "key", "Embedding of the prompt, if the log carries one."),
    _C("billed_cost", "decimal", "origin", "What the provider or gateway reported as charged, USD."),
    _C("token_source", "text", "origin", "Where the counts come from.", allowed=TOKEN_SOURCES),
)
"""Every canonical usage column, in the order of the table."""

BY_NAME: Final[dict[str, Column]] = {column.name: column for column in USAGE}
COUNTERS: Final = tuple(c.name for c in USAGE if c.group in {"counter", "media"} and c.type == "count")


class Usage(TypedDict, total=False):
    """One usage row as a source gives it; an absent key is unknown. See :data:`USAGE` for units."""

    request_id: str | None
    parent_request_id: str | None
    call_role: str | None
    started_at: int | None
    ended_at: int | None
    duration_ms: int | None
    time_to_first_token_ms: int | None
    provider_name: str | None
    request_model: str | None
    response_model: str | None
    operation_name: str | None
    service_tier: str | None
    region: str | None
    status: str | None
    finish_reason: str | None
    attempt: int | None
    requests: int | None
    input_tokens: int | None
    cache_read_input_tokens: int | None
    cache_creation_input_tokens: int | None
    cache_creation_1h_input_tokens: int | None
    input_audio_tokens: int | None
    cache_read_audio_tokens: int | None
    input_image_tokens: int | None
    input_video_tokens: int | None
    output_tokens: int | None
    reasoning_output_tokens: int | None
    output_audio_tokens: int | None
    output_image_tokens: int | None
    web_search_requests: int | None
    file_search_requests: int | None
    code_execution_sessions: int | None
    search_units: int | None
    input_characters: int | None
    input_audio_seconds: Decimal | None
    output_audio_seconds: Decimal | None
    input_video_seconds: Decimal | None
    pages: int | None
    output_images: int | None
    images: str | None
    system_tokens: int | None
    tools_tokens: int | None
    schema_tokens: int | None
    history_tokens: int | None
    context_tokens: int | None
    example_tokens: int | None
    user_tokens: int | None
    organization: str | None
    project: str | None
    team: str | None
    user_id: str | None
    api_key_id: str | None
    feature: str | None
    environment: str | None
    conversation_id: str | None
    tags: str | None
    task_type: str | None
    confidence: float | None
    quality_score: float | None
    original_model: str | None
    was_routed: bool | None
    temperature: float | None
    top_p: float | None
    seed: int | None
    response_format: str | None
    max_output_tokens: int | None
    thinking_budget_tokens: int | None
    prompt_key: int | None
    response_key: int | None
    prefix_keys: list[int] | None
    prefix_block_tokens: int | None
    cache_breakpoints: list[int] | None
    embedding: list[float] | None
    billed_cost: Decimal | None
    token_source: str | None


BILLED: Final[tuple[Column, ...]] = (
    _C("charge_id", "text", "identity", "The provider's own id of the charge, if it has one."),
    _C("started_at", "instant", "time", "Start of the charge period, UTC."),
    _C("ended_at", "instant", "time", "End of the charge period (exclusive), UTC."),
    _C("provider_name", "text", "call", "Who billed."),
    _C("model", "text", "call", "Model, if the line names one."),
    _C("service_tier", "text", "call", "Tier, if the line names one.", allowed=SERVICE_TIERS),
    _C("region", "text", "call", "Region, if the line names one."),
    _C("line_item", "text", "call", "The provider's own description of the line."),
    _C("token_class", "text", "call", "input, output, cache_read, cache_write_5m .., if the line names one."),
    _C("quantity", "decimal", "counter", "Quantity billed."),
    _C("quantity_unit", "text", "counter", "Unit of the quantity."),
    _C("billed_cost", "decimal", "origin", "Amount charged, in billing_currency."),
    _C("billing_currency", "text", "origin", "ISO 4217 code."),
    _C("charge_category", "text", "origin", "usage, purchase, tax, credit, adjustment."),
    _C("organization", "text", "owner", "Organization or account."),
    _C("project", "text", "owner", "Project or workspace."),
    _C("api_key_id", "text", "owner", "Id of the API key."),
    _C("user_id", "text", "owner", "User."),
    _C("tags", "json", "owner", "Further labels, a map of text to text."),
)
"""What a provider says it charged: a table of its own, never counted as usage."""


class Billed(TypedDict, total=False):
    """One billed line as a source gives it. See :data:`BILLED`."""

    charge_id: str | None
    started_at: int | None
    ended_at: int | None
    provider_name: str | None
    model: str | None
    service_tier: str | None
    region: str | None
    line_item: str | None
    token_class: str | None
    quantity: Decimal | None
    quantity_unit: str | None
    billed_cost: Decimal | None
    billing_currency: str | None
    charge_category: str | None
    organization: str | None
    project: str | None
    api_key_id: str | None
    user_id: str | None
    tags: str | None
