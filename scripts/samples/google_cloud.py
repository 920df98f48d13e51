"""Google's exports: calls of both Gemini APIs and of a batch job, Vertex AI's table of calls, and the billing export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from scripts.samples.dice import Dice, at, stamp
from scripts.samples.files import Folder, dumps, expect, folder, jsonl, packed
from scripts.samples.http import Json, call, events
from scripts.samples.text import prose, question, tokens

STUDIO: Final = "https://generativelanguage.googleapis.com/v1beta/models/"
VERTEX: Final = "https://europe-west1-aiplatform.googleapis.com/v1/projects/larkspur-shop/locations/europe-west1/publishers/google/models/"
MODEL, IMAGES, CLAUDE = "gemini-3.8-flash", "gemini-2.5-flash-image", "claude-sonnet-4-5@20250929"
KINDS: Final = (("plain", 5), ("vertex", 4), ("stream", 3), ("cut", 1), ("search", 2), ("image", 1))


def usage(row: Json, tool: int = 0, **more: Any) -> Json:
    """The usage metadata of a row; counts of zero are left out, as Google does."""
    thought = row.get("reasoning_output_tokens", 0)
    counts = {
        "promptTokenCount": row["input_tokens"] - tool, "cachedContentTokenCount": row.get("cache_read_input_tokens", 0),
        "candidatesTokenCount": row["output_tokens"] - thought, "thoughtsTokenCount": thought, "toolUsePromptTokenCount": tool,
        "totalTokenCount": row["input_tokens"] + row["output_tokens"],
    }  # fmt: skip
    return {name: number for name, number in counts.items() if number} | more


def answer(dice: Dice, model: str, text: str, counts: Json, **candidate: Any) -> Json:
    """One whole answer."""
    found = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0} | candidate
    return {"candidates": [found], "usageMetadata": counts, "modelVersion": model, "responseId": dice.token("", 22)}


def request(dice: Dice, system: str) -> Json:
    """A prompt with its fixed beginning."""
    return {
        "systemInstruction": {"parts": [{"text": system}]}, "contents": [{"role": "user", "parts": [{"text": question(dice)}]}],
        "generationConfig": {"maxOutputTokens": 800, "temperature": 0.7, "thinkingConfig": {"thinkingBudget": 512}},
    }  # fmt: skip


def one(dice: Dice, moment: datetime, kind: str, system: str) -> tuple[Json, Json]:
    """A logged call of a kind, and its row."""
    asked, text = request(dice, system), prose(dice, dice.around(20, 70))
    row: Json = {
        "request_model": MODEL,
        "input_tokens": tokens(system) + dice.whole(10, 40),
        "reasoning_output_tokens": dice.around(0, 300),
    }
    row |= {
        "cache_read_input_tokens": tokens(system) // 2,
        "output_tokens": tokens(text) + row["reasoning_output_tokens"],
    }
    url = (VERTEX if kind == "vertex" else STUDIO) + MODEL
    if kind == "search":
        queries = ["larkspur tent recall", "tent fabric fire test", ""]
        row |= {"input_tokens": row["input_tokens"] + 90, "web_search_requests": 2}
        found = answer(dice, MODEL, text, usage(row, 90), groundingMetadata={"webSearchQueries": queries})
        return call(moment, f"{url}:generateContent", asked | {"tools": [{"googleSearch": {}}]}, found), row
    if kind == "image":
        row = {"request_model": IMAGES, "input_tokens": 12, "output_tokens": 1290, "output_image_tokens": 1290}
        detail = [{"modality": "IMAGE", "tokenCount": 1290}]
        found = answer(dice, IMAGES, "", usage(row, candidatesTokensDetails=detail))
        found["candidates"][0]["content"]["parts"] = [{"inlineData": {"mimeType": "image/png", "data": "aW1hZ2U="}}]
        return call(moment, f"{STUDIO}{IMAGES}:generateContent", request(dice, "Draw."), found), row
    if kind in {"stream", "cut"}:
        return call(
            moment, f"{url}:streamGenerateContent?alt=sse", asked, streamed(dice, text, row, cut=kind == "cut")
        ), row
    more = {"createTime": stamp(moment)} if kind == "vertex" else {}
    counts = usage(row, trafficType="ON_DEMAND") if kind == "vertex" else usage(row, serviceTier="standard")
    return call(moment, f"{url}:generateContent", asked, answer(dice, MODEL, text, counts) | more), row


def streamed(dice: Dice, text: str, row: Json, *, cut: bool) -> str:
    """A stream that restates its counts in both chunks; cut off, the first ones are all there is."""
    whole = answer(dice, MODEL, text, usage(row))
    first = whole | {"candidates": [{"content": {"role": "model", "parts": [{"text": text[:40]}]}, "index": 0}]}
    if cut:
        row["output_tokens"] = row["reasoning_output_tokens"] + 9
        return events([first | {"usageMetadata": usage(row)}], named=False).removesuffix("data: [DONE]\n\n")
    early = usage(row | {"output_tokens": row["reasoning_output_tokens"] + 9})
    rest = whole["candidates"][0] | {"content": {"role": "model", "parts": [{"text": text[40:]}]}}
    return events([first | {"usageMetadata": early}, whole | {"candidates": [rest]}], named=False).removesuffix(
        "data: [DONE]\n\n"
    )


def gemini() -> Folder:
    """The files of sample_logs/gemini: calls, one of them refused, and the output of a batch job."""
    dice = Dice("gemini")
    system = prose(dice, 90, "You write short texts for Larkspur's catalogue.")
    calls, rows = [], []
    for number in range(20):
        logged, row = one(dice, at(number, 36_000 + dice.whole(0, 9_000)), dice.weighted(KINDS), system)
        calls.append(logged)
        rows.append(row)
    refused = {"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED"}}
    calls.append(call(at(21, 40_000), f"{STUDIO}{MODEL}:generateContent", request(dice, system), refused, 429))
    expected = expect("gemini", [*rows, {"request_model": MODEL}], failed=1)
    expected["totals"]["web_search_requests"] = sum(row.get("web_search_requests", 0) for row in rows)
    expected["totals"]["output_image_tokens"] = sum(row.get("output_image_tokens", 0) for row in rows)
    batch, done = [], []
    for number in range(8):
        row = {"request_model": MODEL, "input_tokens": dice.around(100, 900), "output_tokens": dice.around(20, 200)}
        batch.append({"key": f"text-{number}", "response": answer(dice, MODEL, prose(dice, 20), usage(row))})
        done.append(row)
    files = {"requests.jsonl.gz": packed(jsonl(calls)), "batch-output.jsonl": jsonl(batch)}
    return folder(files, {"requests.jsonl.gz": expected, "batch-output.jsonl": expect("gemini", done)})


def vertex_bq() -> Folder:
    """The file of sample_logs/vertex_bq."""
    found = list(table_rows())
    rows = [row for _, row in found]
    return folder({"rows.jsonl": jsonl(entry for entry, _ in found)}, {"rows.jsonl": expect("vertex-bq", rows)})


def table_rows() -> Iterator[tuple[Json, Json]]:
    """Rows of the table, a day each, and what they hold: Gemini's bodies as JSON or as text, and two calls of Claude."""
    dice = Dice("vertex_bq")
    for number in range(12):
        moment = at(number, 50_000 + dice.whole(0, 9_000))
        claude = number % 6 == 5
        row: Json = {
            "request_model": CLAUDE if claude else MODEL,
            "input_tokens": dice.around(300, 2000),
            "output_tokens": dice.around(30, 300),
        }
        row["cache_read_input_tokens"] = row["input_tokens"] // 3
        entry: Json = {
            "endpoint": "projects/larkspur-shop/locations/europe-west1" if claude else None, "deployed_model_id": None, "logging_time": stamp(moment),
            "request_id": str(10**18 + dice.whole(0, 10**9)), "request_payload": [], "response_payload": [],
            "model": f"publishers/{'anthropic' if claude else 'google'}/models/{row['request_model']}", "model_version": "default",
            "api_method": "rawPredict" if claude else "GenerateContent", "metadata": {"request_latency": dice.whole(300, 4000)}, "otel_log": None,
        }  # fmt: skip
        if claude:
            counts = {"input_tokens": row["input_tokens"] - row["cache_read_input_tokens"], "cache_read_input_tokens": row["cache_read_input_tokens"], "cache_creation_input_tokens": 0, "output_tokens": row["output_tokens"]}  # fmt: skip
            said = {"id": dice.token("msg_vrtx_"), "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "content": [], "stop_reason": "end_turn", "usage": counts}  # fmt: skip
            row |= {"cache_creation_input_tokens": 0}
            bodies: Json = {
                "full_request": {"max_tokens": 400, "messages": [{"role": "user", "content": question(dice)}]},
                "full_response": said,
            }
        else:
            place = f"projects/larkspur-shop/locations/global/publishers/google/models/{MODEL}"
            bodies = {
                "full_request": request(dice, "Be brief.") | {"model": place},
                "full_response": answer(dice, MODEL, prose(dice, 15), usage(row, trafficType="ON_DEMAND")),
            }
        yield entry | ({k: dumps(v) for k, v in bodies.items()} if number % 2 else bodies), row


SKUS: Final = {
    MODEL: (("3C1D-01AA", "Gemini 3.8 Flash Global Text Input - Predictions", "0.75"), ("3C1D-03AA", "Gemini 3.8 Flash Global Text Input Caching", "0.075"), ("3C1D-02AA", "Gemini 3.8 Flash Global Text Output - Predictions", "3.75")),
    CLAUDE: (("7A1D-01AA", "Claude Sonnet 4.5 Input Tokens", "3.3"), ("7A1D-03AA", "Claude Sonnet 4.5 Cache Read Input Tokens", "0.33"), ("7A1D-02AA", "Claude Sonnet 4.5 Output Tokens", "16.5")),
}  # fmt: skip
"""Model -> id, description and dollars a million of plain input, cached input and output, at the list prices of October 2026."""


def charges() -> Iterator[tuple[Json, list[Decimal]]]:
    """The rows of the export with the amounts of their lines: the calls of sample_logs/vertex_bq, a machine, a late correction."""
    for day, (_, row) in enumerate(table_rows()):
        read = row["cache_read_input_tokens"]
        for (sku, described, rate), amount in zip(
            SKUS[row["request_model"]], (row["input_tokens"] - read, read, row["output_tokens"]), strict=True
        ):
            cost = Decimal(amount) * Decimal(rate) / 1_000_000
            granted: list[Json] = (
                [{"name": "Startup credit", "type": "PROMOTION", "amount": -cost / 4}] if day < 2 else []
            )
            yield line(day, sku, described, amount, cost, granted), [cost, *(Decimal(c["amount"]) for c in granted)]
        yield (
            line(day, "6F81-77BB", "N1 Predefined Instance Core running in Belgium", 3600, Decimal("0.031611"), []),
            [],
        )
        if day == 8:
            sku, described, _ = SKUS[MODEL][0]
            yield line(day, sku, described, -100, Decimal("-0.000075"), [], late=2), [Decimal("-0.000075")]


def line(day: int, sku: str, described: str, amount: int, cost: Decimal, granted: list[Json], late: int = 0) -> Json:
    """One row of the table."""
    start = at(day, 0)
    machine = described.startswith("N1")
    return {
        "billing_account_id": "01AB23-CD45EF-678901",
        "service": {"id": "6F81-5844-456A", "description": "Compute Engine"} if machine else {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
        "sku": {"id": sku, "description": described}, "usage_start_time": stamp(start), "usage_end_time": stamp(start + timedelta(hours=1)),
        "project": {"id": "larkspur-shop", "name": "larkspur-shop", "labels": []}, "labels": [{"key": "team", "value": "growth"}], "system_labels": [],
        "location": {"location": "global" if "Global" in described else "europe-west1", "region": None}, "export_time": stamp(start + timedelta(hours=6, days=late)),
        "cost": str(cost), "currency": "USD", "currency_conversion_rate": "1", "usage": {"amount": str(amount), "unit": "seconds" if machine else "count"},
        "credits": [credit | {"amount": str(credit["amount"])} for credit in granted], "cost_type": "adjustment" if late else "regular",
    }  # fmt: skip


def gcp_billing() -> Folder:
    """The file of sample_logs/gcp_billing."""
    found = list(charges())
    amounts = [amount for _, lines in found for amount in lines]
    billed = {"rows": len(amounts), "cost": str(sum(amounts, Decimal(0)))}
    name = "gcp_billing_export_v1.jsonl.gz"
    skipped = sum(not lines for _, lines in found)
    return folder(
        {name: packed(jsonl(row for row, _ in found))},
        {name: expect("gcp-billing", [], skipped=skipped, requests=None, billed=billed)},
    )


BUILDERS: Final[dict[str, Callable[[], Folder]]] = {
    "gcp_billing": gcp_billing,
    "gemini": gemini,
    "vertex_bq": vertex_bq,
}
