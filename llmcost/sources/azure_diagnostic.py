"""Azure Monitor's logs and metrics of Azure OpenAI, and API Management's log of calls to models.

From: diagnostic settings of the resource, in a storage account (``insights-logs-requestresponse/../PT1H.json``), from an
event hub, or out of Log Analytics as JSON or CSV; ``az monitor metrics list`` (https://learn.microsoft.com/azure/ai-services/
openai/monitor-openai-reference, 2026-11-24). A row of ``RequestResponse`` is one call without token counts: they are unknown,
never zero, and never guessed from the lengths in bytes (25 to 30 % off). ``AzureOpenAIRequestUsage`` counts tokens of one call
under names that Microsoft does not document; the two have one ``correlationId``, which is the identity. The tokens of
``GatewayLlmLogs`` are API Management's (https://learn.microsoft.com/azure/azure-monitor/reference/tables/apimanagementgatewayllmlog).
A row of a metric is a sum over its interval: prompt, generated tokens and requests come as rows of their own, labelled
``metric`` with what they count (by the same label the older and the newer name of a metric meet as one); diagnostic settings export metrics without deployment and model, ``az monitor`` splits by them. Times in .NET
ticks; a negative duration is told and, if possible, taken from the ticks. Left out: the kind of deployment, which decides the
price; the caller's address; calls of assistants' threads and files, which run no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.azure_monitor import amount, json_of, properties_of, records_of, resource_of, ticks
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes
from llmcost.records.openai_chat import CHAT_KNOWS, chat_readings
from llmcost.records.rows import known, tags_of
from llmcost.records.shapes import mapping, objects, word
from llmcost.records.values import BadValueError, count, instant, text, whole
from llmcost.usage.columns import Usage
from llmcost.usage.names import status_of

_RUNS_A_MODEL: Final = re.compile(
    r"completion|embedding|response|image|transcription|translation|speech|_run|messages", re.IGNORECASE
)
_NO_CALL: Final = re.compile(
    r"^(?:get|list|delete|cancel|update|modify)|_(?:get|list|delete|cancel|update)", re.IGNORECASE
)
_OPERATIONS: Final = (
    ("embedding", "embeddings"),
    ("image", "image_generation"),
    ("transcription", "transcription"),
    ("speech", "speech"),
)
_METRICS: Final = {
    "processedprompttokens": "input_tokens", "generatedtokens": "output_tokens", "generatedcompletiontokens": "output_tokens",
    "azureopenairequests": "requests", "inputtokens": "input_tokens", "outputtokens": "output_tokens", "modelrequests": "requests",
}  # fmt: skip
"""Metrics that are counted; the others are sums or ratios. The last three restate the others for Azure OpenAI and are all
that there is for other Foundry models (https://learn.microsoft.com/azure/ai-foundry/foundry-models/how-to/monitor-models,
2026-11-24): of two that count the same interval of a deployment one is taken."""
_NEWER: Final = frozenset({"inputtokens", "outputtokens", "modelrequests"})
_Counted = dict[tuple[Any, ...], str]
"""Which metric counted an interval of a deployment."""
_GRAINS: Final = {
    "PT1M": 60,
    "PT5M": 300,
    "PT15M": 900,
    "PT30M": 1800,
    "PT1H": 3600,
    "PT6H": 21_600,
    "PT12H": 43_200,
    "P1D": 86_400,
}
_INPUT: Final = ("prompttokens", "inputtokens", "prompt_tokens", "input_tokens")
_OUTPUT: Final = ("completiontokens", "generatedtokens", "outputtokens", "completion_tokens", "output_tokens")
_CACHED: Final = ("cachedtokens", "cachereadinputtokens", "cached_tokens")


def _kind(line: dict[str, Any]) -> str | None:
    """What a record is: a call, a metric, a gateway's call, another log of Azure OpenAI; None if it is none of them."""
    place = f"{line.get('resourceid')} {line.get('resourceprovider')} {line.get('namespace')}".lower()
    category = word(line.get("category")).lower()
    if "cognitiveservices" in place:
        if "metricname" in line or isinstance(line.get("value"), list):
            return "metric"
        return "call" if category in {"requestresponse", "azureopenairequestusage"} else "other" if category else None
    if (
        category == "gatewayllmlogs"
        or {"correlationid", "deploymentname", "prompttokens", "completiontokens"} <= line.keys()
    ):
        return "gateway"
    return None


def sniff(sample: Sample) -> bool:
    """Claims records, or a table, of these logs."""
    return any(_kind(line) is not None for record in sample.records for line in records_of(record))


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The rows of a file's records; what one metric counted, another of the file does not count again."""
    counted: _Counted = {}
    for record in records:
        try:
            yield from _read(record, counted)
        except BadValueError as error:
            yield Problem(error.kind, error.detail)


def _read(record: Record, counted: _Counted) -> Iterator[Reading]:
    """The rows of one record, or of each record of a page."""
    found = False
    for line in records_of(record.value):
        found = True
        notes = Notes()
        yield from notes.after(_readings(line, notes, counted))
    if not found:
        yield Problem("no-row", "the record holds no log line")


def _readings(line: dict[str, Any], notes: Notes, counted: _Counted) -> Iterator[Reading]:
    kind = _kind(line)
    if kind == "metric":
        yield from _metrics(line, notes, counted)
    elif kind == "gateway":
        yield from _gateway(properties_of(line), line, notes)
    elif kind == "call":
        yield from _call(line, notes)
    elif kind == "other":
        yield Skip("a log of another category")
    else:
        yield Problem("no-row", "the record is no log of Azure OpenAI")


def _call(line: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    said = properties_of(line)
    operation = text(line.get("operationname"), "operationName") or ""
    if not _RUNS_A_MODEL.search(operation) or _NO_CALL.search(operation):
        yield Skip("an operation that runs no model")
        return
    row = _owner(line, notes) | _model(said, notes) | _when(line, said, notes)
    row |= {
        "request_id": notes.soft(text, line.get("correlationid"), "correlationId"),
        "requests": 1,
        "operation_name": next((name for part, name in _OPERATIONS if part in operation.lower()), "chat"),
        "status": status_of(notes.soft(count, line.get("resultsignature"), "resultSignature")),
        "user_id": notes.soft(text, said.get("objectid"), "objectId"),
    }
    body = mapping(json_of(said.get("backend_response_body", said.get("backendresponsebody"))))
    if body:
        asked = mapping(json_of(said.get("backend_request_body", said.get("backendrequestbody"))))
        yield from _with_body(row, asked, body)
        return
    counted = _counts(said)
    row |= counted
    if not counted and row["status"] in {None, "ok"}:
        told = "these logs carry no token counts: the tokens are unknown"
        notes.append(Problem("no-usage", told, rejected=False, informative=True))
    yield Row(_labelled(row))


def _with_body(row: dict[str, Any], asked: dict[str, Any], body: dict[str, Any]) -> Iterator[Reading]:
    """A gateway's variant of the log, with the bodies of the call."""
    for reading in chat_readings(Exchange(asked, body, (), _labelled(row)), "azure"):
        if isinstance(reading, Row) and reading.usage is not None:
            reading.usage["operation_name"] = row["operation_name"]
        yield reading


def _owner(line: dict[str, Any], notes: Notes) -> dict[str, Any]:
    subscription, account = resource_of(line)
    place = notes.soft(text, line.get("location") or line.get("tenant") or line.get("region"), "location")
    return {"provider_name": "azure", "organization": subscription, "project": account, "place": place}


def _model(said: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """The model that served, with its version where that is a snapshot's name; what was called is a deployment."""
    name = notes.soft(text, said.get("modelname"), "modelName")
    version = notes.soft(text, said.get("modelversion"), "modelVersion")
    deployment = notes.soft(text, said.get("modeldeploymentname") or said.get("deploymentname"), "modelDeploymentName")
    is_snapshot = version is not None and re.fullmatch(r"\d{4}(-\d\d-\d\d)?", version) is not None
    return {
        "response_model": f"{name}-{version}" if name and is_snapshot and not name.endswith(str(version)) else name,
        "request_model": deployment,
        "deployment": deployment,
    }


def _when(line: dict[str, Any], said: dict[str, Any], notes: Notes) -> dict[str, Any]:
    sent, answered = (notes.soft(ticks, said.get(key), key) for key in ("requesttime", "responsetime"))
    took = notes.soft(whole, line.get("durationms"), "durationMs")
    if took is not None and took < 0:
        notes.append(Problem("negative-duration", f"durationMs is {took}", rejected=False))
        took = None
    if took is None and sent is not None and answered is not None and answered >= sent:
        took = round((answered - sent) / 1000)
    logged = notes.soft(instant, line.get("time", line.get("timegenerated")), "time")
    return {"started_at": logged if sent is None else sent, "duration_ms": took}


def _counts(said: dict[str, Any]) -> dict[str, Any]:
    """Token counts, under any of the names that are in use."""
    given, made, cached = (
        next((n for key in keys if (n := count(said.get(key), key)) is not None), None)
        for keys in (_INPUT, _OUTPUT, _CACHED)
    )
    if given is None and made is None:
        return {}
    return {"input_tokens": given, "output_tokens": made, "cache_read_input_tokens": cached, "token_source": "provider"}


def _gateway(said: dict[str, Any], line: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    if (notes.soft(count, said.get("sequencenumber"), "SequenceNumber") or 0) > 0:
        yield Skip("a further part of a message, which repeats the call")
        return
    counted = _counts(said)
    if not counted:
        notes.append(Problem("no-usage", "the call carries no token counts", rejected=False))
    named = notes.soft(text, said.get("requestid"), "RequestId")
    row = _owner(line, notes) | _model(said, notes) | _when(line, said, notes) | counted
    row |= {
        "request_id": named or notes.soft(text, said.get("correlationid"), "CorrelationId"),
        "requests": 1,
        "operation_name": "chat",
    }
    yield Row(_labelled(row))


def _metrics(line: dict[str, Any], notes: Notes, counted: _Counted) -> Iterator[Reading]:
    if not isinstance(line.get("value"), list):
        yield _once(line.get("metricname"), _metric(line.get("metricname"), line, line, {}, notes), counted)
        return
    found = False
    for metric in sorted(objects(line["value"]), key=_is_newer):
        name = mapping(metric.get("name")).get("value")
        for series in objects(metric.get("timeseries")):
            split = {
                word(mapping(d.get("name")).get("value")).lower(): d.get("value")
                for d in objects(series.get("metadatavalues"))
            }
            for point in objects(series.get("data")):
                found = True
                place = {"resourceid": metric.get("id"), "timegrain": line.get("interval")}
                row = _metric(name, {**point, "time": point.get("timeStamp")}, {**line, **place}, split, notes)
                yield _once(name, row, counted)
    if not found:
        yield Skip("a page of metrics without data")


def _is_newer(metric: dict[str, Any]) -> bool:
    return word(mapping(metric.get("name")).get("value")).lower() in _NEWER


def _once(name: Any, reading: Reading, counted: _Counted) -> Reading:
    """The row of a metric, unless another metric has counted this interval of this deployment."""
    row = reading.usage if isinstance(reading, Row) else None
    if row is None:
        return reading
    place = tuple(
        row.get(n)
        for n in ("organization", "project", "request_model", "response_model", "started_at", "ended_at", "tags")
    )
    metric = word(name).lower()
    return reading if counted.setdefault(place, metric) == metric else Skip("another metric counts the same interval")


def _metric(name: Any, point: dict[str, Any], line: dict[str, Any], split: dict[str, Any], notes: Notes) -> Reading:
    """The row of one metric in one interval: the other counters are none of it, so they are zero, not unknown."""
    column = _METRICS.get(word(name).lower())
    total = amount(point.get("total"), f"{name} total") if column else None
    if column is None or not total:
        return Skip("a metric that is not counted" if column is None else "an interval without use")
    start = instant(point.get("time", point.get("timegenerated")), "time")
    length = _GRAINS.get(word(line.get("timegrain")))
    if start is None or length is None:
        return Problem("no-interval", "the metric names no time or no known grain")
    row = _owner(line, notes) | _model(split, notes)
    row |= {"input_tokens": 0, "output_tokens": 0, column: total, "metric": column}
    row |= {"started_at": start, "ended_at": start + length * 1_000_000, "token_source": "provider"}
    row["call_role"] = None if column == "requests" else "subcall"
    return Row(_labelled(row))


def _labelled(row: dict[str, Any]) -> Usage:
    """The row with what no column holds as tags."""
    free = {
        "azure_region": row.pop("place", None),
        "deployment": row.pop("deployment", None),
        "metric": row.pop("metric", None),
    }
    return known({**row, "tags": tags_of(free)})


SOURCE: Final = Source(
    title="Azure Monitor logs and metrics of Azure OpenAI",
    grain="mixed",
    forms=("jsonl", "json", "csv", "parquet"),
    sniff=sniff,
    read_file=read_file,
    knows=CHAT_KNOWS | {"ended_at"},
    url="https://learn.microsoft.com/azure/ai-services/openai/monitor-openai-reference",
    checked="2026-11-24",
)
