"""The names under which logs write what a usage column holds; the wizard's guesses start from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["count", "instant", "time", "model", "money", "label", "id", "number", "share", "keys", "status"]


@dataclass(frozen=True)
class Spelling:
    """How a column is spelled: names that mean just this, a pattern of names that probably do, and what values must be."""

    kind: Kind
    exact: frozenset[str]
    likely: re.Pattern[str] | None = None


def _s(kind: Kind, exact: str, likely: str | None = None) -> Spelling:
    return Spelling(kind, frozenset(exact.split()), re.compile(likely) if likely else None)


SPELLINGS: Final[dict[str, Spelling]] = {
    "input_tokens": _s(
        "count",
        "input_tokens prompt_tokens tokens_in in_tokens context_tokens num_input_tokens "
        "number_input_tokens tokens_sent request_tokens n_input_tokens num_prompt_tokens prompt_token_count input_token_count tokens_prompt",
        r"(.*_)?(in|input|prompt|context|request|sent)(_.*)?_(tokens?|toks?|len|length)(_count)?|(.*_)?tok(en)?s?_(in|input|prompt|sent)|in|input|isl",
    ),
    "output_tokens": _s(
        "count",
        "output_tokens completion_tokens tokens_out out_tokens generated_tokens num_output_tokens "
        "number_output_tokens tokens_received response_tokens generation_tokens n_output_tokens completion_token_count tokens_completion",
        r"(.*_)?(out|output|completion|generat\w*|response|received)(_.*)?_(tokens?|toks?|len|length)(_count)?"
        r"|(.*_)?tok(en)?s?_(out|output|completion|received)|out|output|osl",
    ),
    "cache_read_input_tokens": _s(
        "count",
        "cache_read_input_tokens cached_tokens cache_read_tokens cache_hit_tokens prompt_cache_hit_tokens cached_input_tokens tokens_cached",
        r"(.*_)?(cache_?d|cache_read|cache_hits?)(_.*)?",
    ),
    "cache_creation_input_tokens": _s(
        "count", "cache_creation_input_tokens cache_write_tokens cache_creation_tokens", r"(.*_)?cache_(write|creat)\w*(_.*)?"
    ),
    "reasoning_output_tokens": _s(
        "count", "reasoning_output_tokens reasoning_tokens thinking_tokens thoughts_tokens", r"(.*_)?(reasoning|thinking|thoughts?)(_.*)?tokens?"
    ),
    "requests": _s("count", "requests num_requests request_count n_requests api_calls num_calls calls num_model_requests"),
    "max_output_tokens": _s("count", "max_tokens max_output_tokens max_completion_tokens max_new_tokens"),
    "attempt": _s("count", "attempt attempt_number retry_attempt"),
    "started_at": _s(
        "instant",
        "timestamp ts time created_at created started_at start_time start request_time datetime date launch_time arrival_time arrived_at "
        "event_time requested_at record_time",
        r"(.*_)?(timestamp|at|time|date|when)",
    ),
    "ended_at": _s("instant", "bucket_end period_end window_end"),
    "duration_ms": _s(
        "time",
        "duration latency elapsed duration_ms latency_ms response_time total_time e2e_latency secs end_to_end_latency total_chunk_time",
        r"(?!.*(inter|per|between)_)(.*_)?(latency|duration|elapsed|response_time|total_time|runtime)(_\w+)?",
    ),
    "time_to_first_token_ms": _s("time", "ttft time_to_first_token first_chunk_time ttft_ms", r"(.*_)?(ttft|first_token|first_chunk)(_\w+)?"),
    "request_model": _s(
        "model", "model model_name request_model model_id llm llm_selected model_used model_slug", r"(.*_)?(model|engine|deployment|llm)(_\w+)?"
    ),
    "provider_name": _s("label", "provider provider_name vendor llm_provider", r"(.*_)?(provider|vendor)(_name)?"),
    "billed_cost": _s(
        "money", "billed_cost charged_usd", r"(.*_)?(cost|spend|charged?|usd|price|cents)(_\w+)?"
    ),
    "request_id": _s("id", "request_id id call_id uuid generation_id response_id log_id global_index", r"(.*_)?(request|call|response|generation)_?id"),
    "conversation_id": _s("label", "conversation_id session_id thread_id conversation session chat_id", r"(.*_)?(conversation|session|thread)(_id)?"),
    "user_id": _s("label", "user_id user end_user customer_id username", r"(.*_)?(user|customer)(_id)?"),
    "team": _s("label", "team team_id team_name department", r"(.*_)?team(_id|_name)?"),
    "project": _s("label", "project project_id project_name workspace", r"(.*_)?project(_id|_name)?"),
    "organization": _s("label", "organization org org_id organization_id tenant tenant_id account", r"(.*_)?(org|tenant)(_id|_name)?"),
    "api_key_id": _s("label", "api_key_id api_key_name key_name key_alias"),
    "feature": _s("label", "feature feature_name use_case app application endpoint_name"),
    "environment": _s("label", "environment env stage"),
    "region": _s("label", "region aws_region location"),
    "service_tier": _s("label", "service_tier tier"),
    "finish_reason": _s("label", "finish_reason stop_reason exit_status", r"(.*_)?(finish|stop)_reason"),
    "task_type": _s("label", "task_type task task_name", r"(.*_)?(dataset|category|eval_name|kind)"),
    "status": _s("status", "status status_code http_status response_status error_code success ok succeeded"),
    "temperature": _s("number", "temperature"),
    "top_p": _s("number", "top_p"),
    "quality_score": _s("share", "quality_score score quality accuracy correct"),
    "confidence": _s("share", "confidence"),
    "prefix_keys": _s("keys", "hash_ids prefix_keys block_hashes block_ids prefix_hashes"),
}  # fmt: skip
"""Column -> its spellings, the more telling columns first."""
TOTALS: Final = frozenset({"total_tokens", "tokens_total", "number_total_tokens", "tokens", "total"})
