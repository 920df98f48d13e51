"""Request logs of Azure OpenAI and of models in Azure AI Foundry that speak its forms.

From: what an application, proxy or recorder writes for calls of ``/openai/deployments/<name>/chat/completions``,
``/openai/v1/responses`` and the like (https://learn.microsoft.com/azure/ai-services/openai/reference, 2026-11-24): JSONL or one
JSON document of ``{request, response ..}`` wrappers or of bare answers, which Azure's filter results mark. A row is one
call; counts mean what they mean at OpenAI. What a caller names is a deployment, not a model: it is the tag
``deployment``, and the model is the one that answered. A call without an answer names only the deployment, so its model is
unknown unless the two are called alike. Left out: whether the deployment is global, of a data zone or regional, which
decides the price (global is assumed; the host's region is the tag ``azure_region``); streams made without
``stream_options.include_usage`` have no counts (24 of 24 recorded ones); provisioned throughput.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from llmcost.records.contract import Context, Reading, Record, Row, Sample, Source
from llmcost.records.exchange import Exchange
from llmcost.records.hosts import Dialect, claims, host_readings
from llmcost.records.mixed import read_calls
from llmcost.records.openai_chat import CHAT_KNOWS
from llmcost.records.rows import tags_of
from llmcost.usage.columns import Usage

_DIALECT: Final = Dialect("azure")
_DEPLOYMENT: Final = re.compile(r"/deployments/([^/]+)/")


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call is one of Azure's."""
    return claims(sample, _DIALECT)


def read(record: Record, context: Context) -> Iterator[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "azure-openai", read_call)


def read_call(call: Exchange) -> Iterator[Reading]:
    """The rows of one call."""
    for reading in host_readings(call, _DIALECT):
        is_own = (
            isinstance(reading, Row) and reading.usage is not None and reading.usage.get("provider_name") == "azure"
        )
        if is_own and isinstance(reading, Row) and reading.usage is not None:
            _deployed(reading.usage, call)
        yield reading


def deployment_of(url: str | None) -> str | None:
    """The deployment that a URL names."""
    try:
        match = _DEPLOYMENT.search(urlsplit(url or "").path)
    except ValueError:
        return None
    return unquote(match[1])[:256] if match else None


def _deployed(row: Usage, call: Exchange) -> None:
    """Tells the deployment apart from the model; the region of the host decides no price."""
    deployment, region = deployment_of(call.url), call.headers.get("x-ms-region")
    if deployment is not None and "request_model" not in row:
        row["request_model"] = deployment
    tags: dict[str, Any] = {"deployment": deployment, "azure_region": region}
    if any(value is not None for value in tags.values()):
        row["tags"] = tags_of({**json.loads(row.get("tags") or "{}"), **tags})


SOURCE: Final = Source(
    title="Azure OpenAI calls",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=CHAT_KNOWS
    | {
        "file_search_requests",
        "code_execution_sessions",
        "output_images",
        "cache_creation_1h_input_tokens",
        "thinking_budget_tokens",
    },
    url="https://learn.microsoft.com/azure/ai-services/openai/reference",
    checked="2026-11-24",
)
