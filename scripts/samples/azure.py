"""Azure's exports: calls of deployments, the diagnostic log that knows no tokens, metrics, and a cost export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from scripts.samples.dice import Dice, at, seconds, stamp
from scripts.samples.files import Folder, dumps, expect, folder, jsonl, pretty, table
from scripts.samples.http import Json, call, events
from scripts.samples.text import prose, question, tokens

DEPLOYMENTS: Final = {"support-bot": "gpt-4o-2024-11-20", "tagger": "gpt-4o-mini-2024-07-18"}
SUBSCRIPTION: Final = "5a1e0c2d-1111-2222-3333-444455556666"
RESOURCE: Final = f"/SUBSCRIPTIONS/{SUBSCRIPTION.upper()}/RESOURCEGROUPS/AI/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/LARKSPUR-AI"
NET: Final = 621_355_968_000_000_000
"""100 ns from year 1 to 1970: what .NET counts its ticks from."""


def ticks(moment: datetime) -> int:
    """A moment as .NET writes it."""
    return NET + seconds(moment) * 10_000_000 + moment.microsecond * 10


def made() -> Iterator[tuple[int, Json, Json, bool]]:
    """Day, logged call, its row, and whether the log shows its counts."""
    dice = Dice("azure_openai")
    for day in range(16):
        name = dice.pick(tuple(DEPLOYMENTS))
        moment, text = at(day, 30_000 + dice.whole(0, 9_000)), prose(dice, dice.around(15, 40))
        url = f"https://larkspur-ai.openai.azure.com/openai/deployments/{name}/chat/completions?api-version=2024-12-01-preview"
        asked = {"messages": [{"role": "user", "content": question(dice)}], "max_tokens": 400}
        row: Json = {
            "request_model": name,
            "input_tokens": dice.around(900, 3000),
            "output_tokens": tokens(text),
            "reasoning_output_tokens": 0,
        }
        row["cache_read_input_tokens"] = row["input_tokens"] // 128 * 64
        answer = whole(dice, moment, DEPLOYMENTS[name], text, row)
        if day % 5 == 4:
            counted = day % 2 == 0
            yield (
                day,
                call(moment, url, asked | {"stream": True}, streamed(answer, text, counted=counted)),
                row,
                counted,
            )
        else:
            yield (
                day,
                call(moment, url, asked, answer) | {"response_headers": {"x-ms-region": "Sweden Central"}},
                row,
                True,
            )


def azure_openai() -> Folder:
    """The file of sample_logs/azure_openai: cached prompts, a stream with counts and one without, a refusal."""
    found = list(made())
    rows = [row if counted else {"request_model": row["request_model"]} for _, _, row, counted in found]
    limit = {"error": {"code": "429", "message": "Requests have exceeded the token rate limit."}}
    refused = call(
        at(17, 30_000),
        "https://larkspur-ai.openai.azure.com/openai/deployments/tagger/chat/completions",
        {"messages": []},
        limit,
        429,
    )
    expected = expect("azure-openai", [*rows, {"request_model": "tagger"}], failed=1)
    calls = [*(logged for _, logged, _, _ in found), refused]
    return folder({"requests.jsonl": jsonl(calls)}, {"requests.jsonl": expected})


def whole(dice: Dice, moment: datetime, model: str, text: str, row: Json) -> Json:
    """A completion with its filter results."""
    counts = {
        "prompt_tokens": row["input_tokens"], "completion_tokens": row["output_tokens"], "total_tokens": row["input_tokens"] + row["output_tokens"],
        "prompt_tokens_details": {"cached_tokens": row["cache_read_input_tokens"], "audio_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "content_filter_results": {},
        "message": {"role": "assistant", "content": text},
    }
    return {
        "id": dice.token("chatcmpl-"), "object": "chat.completion", "created": seconds(moment), "model": model, "choices": [choice],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}], "system_fingerprint": "fp_1a2b", "usage": counts,
    }  # fmt: skip


def streamed(answer: Json, text: str, *, counted: bool) -> str:
    """The chunks of a stream; the first has only filter results, the last the counts, if they were asked for."""
    head = {k: answer[k] for k in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    first = {
        "id": "",
        "object": "",
        "created": 0,
        "model": "",
        "choices": [],
        "prompt_filter_results": answer["prompt_filter_results"],
    }
    said = head | {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
    return events([first, said, *([head | {"choices": [], "usage": answer["usage"]}] if counted else [])], named=False)


def azure_diagnostic() -> Folder:
    """The files of sample_logs/azure_diagnostic: an hour of the log as a storage account keeps it, and a page of metrics."""
    dice = Dice("azure_diagnostic")
    lines, rows = [], []
    for number in range(14):
        start, took, name = at(12, 36_000 + number * 200), dice.whole(200, 4000), dice.pick(tuple(DEPLOYMENTS))
        model, _, version = DEPLOYMENTS[name].partition("-2024")
        said = {
            "apiName": "Azure OpenAI API version 2024-10-21", "requestTime": ticks(start), "requestLength": dice.whole(500, 9000),
            "responseTime": ticks(start + timedelta(milliseconds=took)), "responseLength": dice.whole(500, 2000), "objectId": "",
            "streamType": "Non-Streaming", "modelDeploymentName": name, "modelName": model, "modelVersion": f"2024{version}",
        }  # fmt: skip
        is_call = number not in {3, 9}
        lines.append({
            "time": stamp(start), "Tenant": "swedencentral", "callerIpAddress": "203.0.113.***", "category": "RequestResponse", "correlationId": dice.uuid(),
            "durationMs": -2 if number == 5 else took, "event": "ShoeboxCallResult", "location": "swedencentral",
            "operationName": "ChatCompletions_Create" if is_call else "Create_Thread", "properties": dumps(said) if number % 2 else said,
            "resourceId": RESOURCE, "resultSignature": "429" if number == 6 else "200",
        })  # fmt: skip
        rows += [{"request_model": name}] if is_call else []
    log = expect("azure-diagnostic", rows, skipped=2)
    page, found = metrics(dice)
    files = {"PT1H.json": jsonl(lines), "metrics.json": pretty(page)}
    return folder(
        files,
        {
            "PT1H.json": log,
            "metrics.json": expect("azure-diagnostic", found, requests=None) | {"by_model": by_metric(found)},
        },
    )


def metrics(dice: Dice) -> tuple[Json, list[Json]]:
    """What ``az monitor metrics list`` prints, split by deployment and model."""
    rows: list[Json] = []
    values = []
    for metric, column in (("ProcessedPromptTokens", "input_tokens"), ("GeneratedTokens", "output_tokens")):
        series = []
        for name, model in DEPLOYMENTS.items():
            data: list[Json] = []
            for hour in range(6):
                total = dice.around(5_000, 90_000) if hour != 2 else 0
                data.append({"timeStamp": stamp(at(12, hour * 3600)), "total": float(total)})
                rows += [{"request_model": name, "input_tokens": 0, "output_tokens": 0, column: total}] if total else []
            labels = [
                {"name": {"value": "modeldeploymentname"}, "value": name},
                {"name": {"value": "modelname"}, "value": model},
            ]
            series.append({"metadatavalues": labels, "data": data})
        path = f"{RESOURCE}/providers/Microsoft.Insights/metrics/{metric}"
        values.append(
            {"id": path, "name": {"value": metric, "localizedValue": metric}, "unit": "Count", "timeseries": series}
        )
    page = {
        "cost": 0,
        "interval": "PT1H",
        "namespace": "Microsoft.CognitiveServices/accounts",
        "resourceregion": "swedencentral",
        "value": values,
    }
    return page, rows


def by_metric(rows: list[Json]) -> Json:
    """Sums by deployment of rows that say nothing of requests."""
    sums: Json = {}
    for row in rows:
        slot = sums.setdefault(
            row["request_model"], {"rows": 0, "requests": None, "input_tokens": 0, "output_tokens": 0}
        )
        slot["rows"] += 1
        slot["input_tokens"] += row["input_tokens"]
        slot["output_tokens"] += row["output_tokens"]
    return sums


METERS: Final = {
    "support-bot": (
        ("gpt-4o-1120-Inp-glbl Tokens", "0.0025"),
        ("gpt 4o 1120 cached Inp glbl Tokens", "0.00125"),
        ("gpt-4o-1120-Outp-glbl Tokens", "0.01"),
    ),
    "tagger": (
        ("gpt-4o-mini-0718-Inp-glbl Tokens", "0.00015"),
        ("gpt 4o mini0718 cached Inp glbl Tokens", "0.000075"),
        ("gpt-4o-mini-0718-Outp-glbl Tokens", "0.0006"),
    ),
}
"""Deployment -> meter and dollars per 1,000 tokens of plain input, cached input and output, at the list prices of October 2026."""
COST_HEADER: Final = (
    "BillingAccountId", "BillingAccountName", "SubscriptionId", "Date", "MeterCategory", "MeterSubCategory", "MeterName", "MeterRegion", "Quantity",
    "EffectivePrice", "Cost", "BillingCurrency", "ResourceLocation", "ResourceId", "Tags", "UnitOfMeasure", "ResourceGroup", "ChargeType",
)  # fmt: skip


def azure_cost() -> Folder:
    """The file of sample_logs/azure_cost: the bill for sample_logs/azure_openai, with the stream that shows no counts there."""
    lines: list[Json] = []
    amounts: list[Decimal] = []
    for day, _, row, _ in made():
        read = row["cache_read_input_tokens"]
        counts = (row["input_tokens"] - read, read, row["output_tokens"])
        for (meter, rate), number in zip(METERS[row["request_model"]], counts, strict=True):
            quantity = Decimal(number) / 1000
            lines.append(cost_line(day, "Azure OpenAI", "Azure OpenAI", meter, "1K", quantity, rate))
            amounts.append(quantity * Decimal(rate))
    lines.append(cost_line(5, "Virtual Machines", "BS Series", "B1s", "1 Hour", Decimal(24), "0.0104"))
    lines.append(
        cost_line(6, "Foundry Models", "Azure OpenAI GPT5", "5.4 mini Opt Gl 1M Tokens", "1M", Decimal("0.002"), "4.5")
    )
    amounts.append(Decimal("0.009"))
    billed: Any = {"rows": len(amounts), "cost": str(sum(amounts, Decimal(0)).normalize())}
    name = "EA_ActualCost_2026-10.csv"
    files = {name: b"\xef\xbb\xbf" + table(COST_HEADER, lines)}
    return folder(files, {name: expect("azure-cost", [], skipped=1, requests=None, billed=billed)})


def cost_line(day: int, category: str, family: str, meter: str, unit: str, quantity: Decimal, rate: str) -> Json:
    """One line of the export."""
    return {
        "BillingAccountId": "8123456", "BillingAccountName": "Larkspur", "SubscriptionId": SUBSCRIPTION, "Date": f"{at(day, 0):%m/%d/%Y}",
        "MeterCategory": category, "MeterSubCategory": family, "MeterName": meter, "Quantity": str(quantity), "EffectivePrice": rate,
        "Cost": str(quantity * Decimal(rate)), "BillingCurrency": "USD", "ResourceLocation": "swedencentral", "ResourceId": RESOURCE.lower(),
        "Tags": '"team": "support","env": "prod"', "UnitOfMeasure": unit, "ResourceGroup": "ai", "ChargeType": "Usage",
    }  # fmt: skip


BUILDERS: Final[dict[str, Callable[[], Folder]]] = {
    "azure_cost": azure_cost,
    "azure_diagnostic": azure_diagnostic,
    "azure_openai": azure_openai,
}
