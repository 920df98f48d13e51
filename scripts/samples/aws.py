"""Amazon Bedrock's exports: calls of Converse and InvokeModel, the invocation log, and a cost and usage report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from scripts.samples.dice import Dice, at
from scripts.samples.files import Folder, dumps, expect, folder, jsonl, packed, table
from scripts.samples.http import Json, call
from scripts.samples.text import prose, question, tokens

HOST: Final = "https://bedrock-runtime.eu-central-1.amazonaws.com/model/"
CLAUDE, NOVA = "eu.anthropic.claude-haiku-4-5-20251001-v1:0", "eu.amazon.nova-lite-v1:0"
LLAMA, COMMAND, MISTRAL = "meta.llama3-70b-instruct-v1:0", "cohere.command-r-v1:0", "mistral.mistral-7b-instruct-v0:2"
ACCOUNT: Final = "210987654321"


def url(model: str, way: str) -> str:
    """The address of a call; SDKs quote the colon."""
    return f"{HOST}{quote(model, safe='')}/{way}"


def counted(dice: Dice, model: str, text: str) -> Json:
    """The row of a call that caches."""
    row: Json = {"request_model": model, "cache_read_input_tokens": dice.pick((0, 1536)), "output_tokens": tokens(text)}
    row["cache_creation_input_tokens"] = 0 if row["cache_read_input_tokens"] else 1536
    row["input_tokens"] = 1536 + dice.whole(10, 90)
    return row


def plain(row: Json) -> int:
    """What Bedrock calls input: neither read nor written."""
    return int(row["input_tokens"] - row["cache_read_input_tokens"] - row["cache_creation_input_tokens"])


def converse_usage(row: Json) -> Json:
    """The usage object of Converse."""
    counts = {
        "inputTokens": plain(row),
        "outputTokens": row["output_tokens"],
        "totalTokens": row["input_tokens"] + row["output_tokens"],
    }
    return counts | {"cacheReadInputTokens": row["cache_read_input_tokens"], "cacheWriteInputTokens": row["cache_creation_input_tokens"], "serverToolUsage": {}}  # fmt: skip


def spoken(text: str, row: Json, latency: int) -> Json:
    """An answer of Converse."""
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}}, "stopReason": "end_turn", "usage": converse_usage(row),
        "metrics": {"latencyMs": latency},
    }  # fmt: skip


def asked(dice: Dice, system: str) -> Json:
    """A request of Converse with a cache point behind its fixed beginning."""
    return {
        "system": [{"text": system}, {"cachePoint": {"type": "default"}}], "messages": [{"role": "user", "content": [{"text": question(dice)}]}],
        "inferenceConfig": {"maxTokens": 500, "temperature": 0.2}, "requestMetadata": {"team": "support"},
    }  # fmt: skip


def streamed(text: str, row: Json) -> list[Json]:
    """The events of ConverseStream."""
    whole = spoken(text, row, 700)
    deltas = [
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": piece}}} for piece in (text[:30], text[30:])
    ]
    ends = [
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": {"usage": whole["usage"], "metrics": whole["metrics"]}},
    ]
    return [{"messageStart": {"role": "assistant"}}, *deltas, {"contentBlockStop": {"contentBlockIndex": 0}}, *ends]


def bedrock_converse() -> Folder:
    """The file of sample_logs/bedrock_converse."""
    dice = Dice("bedrock_converse")
    system = prose(dice, 60, "You answer for Larkspur.")
    calls, rows = [], []
    for number in range(16):
        moment, model, text = (
            at(number, 30_000 + dice.whole(0, 9_000)),
            dice.pick((CLAUDE, NOVA)),
            prose(dice, dice.around(15, 50)),
        )
        row = counted(dice, model, text)
        stream = number % 4 == 3
        answer: Any = streamed(text, row) if stream else spoken(text, row, dice.whole(300, 3000))
        logged = call(moment, url(model, "converse-stream" if stream else "converse"), asked(dice, system), answer)
        calls.append(logged | {"stream": stream, "response_headers": {"x-amzn-requestid": dice.uuid()}})
        rows.append(row)
    refused = {"message": "Too many requests, please wait before trying again."}
    calls.append(call(at(17, 30_000), url(CLAUDE, "converse"), asked(dice, system), refused, 429))
    expected = expect("bedrock-converse", [*rows, {"request_model": CLAUDE}], failed=1)
    return folder({"requests.jsonl": jsonl(calls)}, {"requests.jsonl": expected})


def family(dice: Dice, model: str) -> tuple[Json, Json, dict[str, str], Json]:
    """Request, answer, headers and row of one model family's InvokeModel."""
    text = prose(dice, dice.around(15, 40))
    row: Json = {"request_model": model, "input_tokens": dice.whole(20, 300), "output_tokens": tokens(text)}
    if model == CLAUDE:
        row = counted(dice, model, text)
        counts = {"input_tokens": plain(row), "cache_read_input_tokens": row["cache_read_input_tokens"], "cache_creation_input_tokens": row["cache_creation_input_tokens"], "output_tokens": row["output_tokens"]}  # fmt: skip
        body = {"id": dice.token("msg_bdrk_"), "type": "message", "role": "assistant", "model": "claude-haiku-4-5-20251001", "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": counts}  # fmt: skip
        return (
            {
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 500,
                "messages": [{"role": "user", "content": question(dice)}],
            },
            body,
            {},
            row,
        )
    if model == LLAMA:
        body = {
            "generation": text,
            "prompt_token_count": row["input_tokens"],
            "generation_token_count": row["output_tokens"],
            "stop_reason": "stop",
        }
        return {"prompt": question(dice), "max_gen_len": 500}, body, {}, row
    if model == COMMAND:
        heads = {
            "X-Amzn-Bedrock-Input-Token-Count": str(row["input_tokens"]),
            "X-Amzn-Bedrock-Output-Token-Count": str(row["output_tokens"]),
        }
        return (
            {"message": question(dice)},
            {"response_id": dice.uuid(), "text": text, "finish_reason": "COMPLETE"},
            heads,
            row,
        )
    return (
        {"prompt": question(dice), "max_tokens": 500},
        {"outputs": [{"text": text, "stop_reason": "stop"}]},
        {},
        {"request_model": model},
    )


def bedrock_invoke() -> Folder:
    """The file of sample_logs/bedrock_invoke: four families, one of which counts in the headers and one nowhere."""
    dice = Dice("bedrock_invoke")
    calls, rows = [], []
    for number in range(16):
        model = (CLAUDE, LLAMA, COMMAND, MISTRAL)[number % 4]
        request, answer, headers, row = family(dice, model)
        logged = call(at(number, 40_000 + dice.whole(0, 9_000)), url(model, "invoke"), request, answer)
        calls.append(logged | {"response_headers": {"X-Amzn-RequestId": dice.uuid()} | headers})
        rows.append(row)
    return folder({"requests.jsonl": jsonl(calls)}, {"requests.jsonl": expect("bedrock-invoke", rows)})


def entries(dice: Dice) -> Iterator[tuple[Json, Json]]:
    """Entries of the invocation log and their rows: bodies, events, none at all, a guardrail, a failure."""
    for number in range(18):
        text = prose(dice, dice.around(15, 40))
        moment = at(number, 50_000 + dice.whole(0, 9_000))
        model = NOVA if number % 3 == 2 else CLAUDE
        row = counted(dice, model, text)
        entry = base(dice, moment, model)
        given = {"inputTokenCount": plain(row), "cacheReadInputTokenCount": row["cache_read_input_tokens"], "cacheWriteInputTokenCount": row["cache_creation_input_tokens"]}  # fmt: skip
        entry["input"] |= given
        entry["output"]["outputTokenCount"] = row["output_tokens"]
        if number == 7:
            entry |= {"errorCode": "ThrottlingException", "input": {}, "output": {}}
            yield entry, {"request_model": model}
            continue
        if number % 3 == 0:
            entry["input"]["inputBodyJson"] = asked(dice, "Be brief.") | {"note": '"inputTokenCount": 999999'}
            entry["output"]["outputBodyJson"] = spoken(text, row, dice.whole(300, 3000))
        elif number % 3 == 1:
            entry |= {"operation": "InvokeModelWithResponseStream"}
            entry["output"]["outputBodyJson"] = claude_events(dice, text, row)
        yield entry, row


def base(dice: Dice, moment: datetime, model: str) -> Json:
    """What every entry of the log has."""
    return {
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "accountId": ACCOUNT, "identity": {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/support/app"},
        "region": "eu-central-1", "inferenceRegion": "eu-west-1", "requestId": dice.uuid(), "operation": "Converse", "modelId": model,
        "requestMetadata": {"team": "support"}, "input": {"inputContentType": "application/json"}, "output": {"outputContentType": "application/json"},
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0",
    }  # fmt: skip


def claude_events(dice: Dice, text: str, row: Json) -> list[Any]:
    """A streamed body: events, and Bedrock's metrics in the last."""
    counts = {"input_tokens": plain(row), "cache_read_input_tokens": row["cache_read_input_tokens"], "cache_creation_input_tokens": row["cache_creation_input_tokens"], "output_tokens": 1}  # fmt: skip
    message = {"id": dice.token("msg_bdrk_"), "type": "message", "role": "assistant", "content": [], "model": "claude-haiku-4-5-20251001", "usage": counts}  # fmt: skip
    metrics = {
        "inputTokenCount": plain(row),
        "outputTokenCount": row["output_tokens"],
        "invocationLatency": 2100,
        "firstByteLatency": 300,
    }
    return [
        {"type": "message_start", "message": message}, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": row["output_tokens"]}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics}, "[DONE]",
    ]  # fmt: skip


def bedrock_invocation_log() -> Folder:
    """The files of sample_logs/bedrock_invocation_log: as S3 has it, and the last entries as CloudWatch wraps them."""
    found = list(entries(Dice("bedrock_invocation_log")))
    lines, wrapped = found[:12], found[12:]
    path = f"AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/eu-central-1/2026/10/12/20261012T100000000Z_a1b2.json.gz"
    pages = [{"events": [{"timestamp": 1_760_000_000_000, "message": dumps(entry)} for entry, _ in wrapped]}]
    files = {path: packed(jsonl(entry for entry, _ in lines)), "cloudwatch.json": jsonl(pages)}
    source = "bedrock-invocation-log"
    expected = {
        path: expect(source, [row for _, row in lines], failed=1),
        "cloudwatch.json": expect(source, [row for _, row in wrapped]),
    }
    return folder(files, expected)


TYPES: Final[dict[str, tuple[str, str, dict[str, tuple[str, str]]]]] = {
    CLAUDE: ("Claude Haiku 4.5 (Amazon Bedrock Edition)", "1M tokens", {
        "input": ("EUC1-MP:EUC1_InputTokenCount-Units", "1.1"), "output": ("EUC1-MP:EUC1_OutputTokenCount-Units", "5.5"),
        "read": ("EUC1-MP:EUC1_CacheReadInputTokenCount-Units", "0.11"), "written": ("EUC1-MP:EUC1_CacheWriteInputTokenCount-Units", "1.375"),
    }),
    NOVA: ("Amazon Bedrock", "1K tokens", {
        "input": ("EUC1-NovaLite-input-tokens", "0.000078"), "output": ("EUC1-NovaLite-output-tokens", "0.000312"),
        "read": ("EUC1-NovaLite-cache-read-input-token-count", "0.0000195"),
        "written": ("EUC1-NovaLite-cache-write-input-token-count", "0.000078"),
    }),
}  # fmt: skip
"""Model -> product, unit, and usage type and dollars a unit of each kind of token, at the list prices of October 2026."""
OTHERS: Final = (
    ("EUC1-Guardrail-ContentPolicyUnitsConsumed", "Amazon Bedrock", "1K text units", "0.003", "0.00045"),
    ("EUC1-BoxUsage:t3.micro", "Amazon Elastic Compute Cloud", "Hrs", "24", "0.2784"),
)
"""Usage type, product, unit, quantity and dollars of every day: one that no log of calls shows, and one of another service."""
CUR_HEADER: Final = (
    "identity/LineItemId", "identity/TimeInterval", "bill/PayerAccountId", "lineItem/UsageAccountId", "lineItem/LineItemType",
    "lineItem/UsageStartDate", "lineItem/UsageEndDate", "lineItem/ProductCode", "lineItem/UsageType", "lineItem/Operation", "lineItem/UsageAmount",
    "lineItem/CurrencyCode", "lineItem/UnblendedRate", "lineItem/UnblendedCost", "lineItem/LineItemDescription", "lineItem/ResourceId",
    "product/ProductName", "product/regionCode", "pricing/unit", "resourceTags/user:team",
)  # fmt: skip


def aws_cur() -> Folder:
    """The file of sample_logs/aws_cur: the bill for sample_logs/bedrock_invocation_log, with a guardrail and a credit."""
    dice = Dice("aws_cur")
    lines: list[Json] = []
    amounts: list[Decimal] = []
    for day, (_, row) in enumerate(entries(Dice("bedrock_invocation_log"))):
        for kind, product, unit, amount, cost in (
            *billed_of(row),
            *((k, p, u, Decimal(n), Decimal(c)) for k, p, u, n, c in OTHERS),
        ):
            lines.append(cur_line(dice, day, kind, product, unit, amount, cost))
            amounts += [] if "BoxUsage" in kind else [cost]
    credit = cur_line(dice, 9, "EUC1-NovaLite-input-tokens", "Amazon Bedrock", "", Decimal(1), Decimal("-0.0005"))
    lines.append(credit | {"lineItem/LineItemType": "Credit"})
    amounts.append(Decimal("-0.0005"))
    billed = {"rows": len(amounts), "cost": str(sum(amounts, Decimal(0)).normalize())}
    name = "cur-2026-10.csv"
    skipped = sum("BoxUsage" in row["lineItem/UsageType"] for row in lines)
    return folder(
        {name: table(CUR_HEADER, lines)}, {name: expect("aws-cur", [], skipped=skipped, requests=None, billed=billed)}
    )


def billed_of(row: Json) -> Iterator[tuple[str, str, str, Decimal, Decimal]]:
    """Usage type, product, unit, quantity and dollars of a call's tokens; a failed call has none."""
    if "input_tokens" not in row:
        return
    product, unit, kinds = TYPES[row["request_model"]]
    counts = {"input": plain(row), "output": row["output_tokens"], "read": row["cache_read_input_tokens"], "written": row["cache_creation_input_tokens"]}  # fmt: skip
    for name, (kind, rate) in kinds.items():
        if counts[name]:
            amount = Decimal(counts[name]) / (1_000_000 if unit == "1M tokens" else 1000)
            yield kind, product, unit, amount, amount * Decimal(rate)


def cur_line(dice: Dice, day: int, kind: str, product: str, unit: str, amount: Decimal, cost: Decimal) -> Json:
    """One line of the report."""
    start = at(day, 0)
    span = f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{start + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    code = "AmazonEC2" if "BoxUsage" in kind else "AmazonBedrock" if product == "Amazon Bedrock" else dice.token("", 12)
    return {
        "identity/LineItemId": dice.token("", 40), "identity/TimeInterval": "/".join(span), "bill/PayerAccountId": ACCOUNT, "lineItem/UsageAccountId": ACCOUNT,
        "lineItem/LineItemType": "Usage", "lineItem/UsageStartDate": span[0], "lineItem/UsageEndDate": span[1], "lineItem/ProductCode": code,
        "lineItem/UsageType": kind, "lineItem/Operation": "Usage", "lineItem/UsageAmount": str(amount), "lineItem/CurrencyCode": "USD",
        "lineItem/UnblendedCost": str(cost), "product/ProductName": product, "product/regionCode": "eu-central-1", "pricing/unit": unit,
        "resourceTags/user:team": "support",
    }  # fmt: skip


BUILDERS: Final[dict[str, Callable[[], Folder]]] = {
    "aws_cur": aws_cur, "bedrock_converse": bedrock_converse, "bedrock_invocation_log": bedrock_invocation_log, "bedrock_invoke": bedrock_invoke,
}  # fmt: skip
