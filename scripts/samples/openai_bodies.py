"""OpenAI's other calls as an application logs them: embeddings, moderations, images, audio, text completions, and old days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from scripts.samples.dice import DAYS, Dice, at, seconds
from scripts.samples.files import Expected, Folder, dumps, expect, folder, jsonl, packed, pretty
from scripts.samples.http import Json, call
from scripts.samples.text import prose, tokens

API: Final = "https://api.openai.com/v1/"
Row = dict[str, Any]
Made = tuple[Json, Row]
NAME: Final = "requests.jsonl.gz"


def _log(source: str, made: Sequence[Made], **more: Any) -> Folder:
    rows = [row for _, row in made]
    return folder({NAME: packed(jsonl(record for record, _ in made))}, {NAME: expect(source, rows, **more)})


def _spread(dice: Dice, many: int, make: Callable[[Dice, datetime], Made]) -> list[Made]:
    moments = sorted(at(dice.whole(1, DAYS) - 1, dice.whole(8 * 3600, 18 * 3600)) for _ in range(many))
    return [make(dice, moment) for moment in moments]


def _embedding(dice: Dice, moment: datetime) -> Made:
    if dice.chance(0.15):
        text = prose(dice, 40)
        judged = {"id": dice.token("modr-"), "model": "omni-moderation-latest", "results": [{"flagged": False}]}
        return call(moment, f"{API}moderations", {"model": "omni-moderation-latest", "input": text}, judged), {"request_model": "omni-moderation-latest"}  # fmt: skip
    texts = [prose(dice, dice.whole(8, 90)) for _ in range(dice.whole(1, 4))]
    count, model = sum(map(tokens, texts)), "text-embedding-3-small"
    vectors = [{"object": "embedding", "index": n, "embedding": [0.125, -0.5]} for n in range(len(texts))]
    answer = {
        "object": "list",
        "data": vectors,
        "model": model,
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }
    row = {"request_model": model, "input_tokens": count, "output_tokens": 0}
    return call(moment, f"{API}embeddings", {"model": model, "input": texts, "encoding_format": "float"}, answer), row


def openai_embeddings() -> Folder:
    """The file of sample_logs/openai_embeddings, one call in seven a moderation."""
    return _log("openai-embeddings", _spread(Dice("openai_embeddings"), 60, _embedding))


def _image(dice: Dice, moment: datetime) -> Made:
    kind = dice.weighted((("image", 4), ("speech", 3), ("seconds", 2), ("tokens", 2), ("refused", 1)))
    if kind == "image":
        given, many = dice.whole(30, 120), dice.whole(1, 2)
        made = many * 272
        usage = {"input_tokens": given, "input_tokens_details": {"text_tokens": given, "image_tokens": 0}, "output_tokens": made, "total_tokens": given + made}  # fmt: skip
        answer: Json = {"created": seconds(moment), "size": "1024x1024", "quality": "low", "data": [{"b64_json": "iVBORw0KGgo="}] * many, "usage": usage}  # fmt: skip
        asked = {"model": "gpt-image-1", "prompt": prose(dice, 20), "n": many, "size": "1024x1024", "quality": "low"}
        return call(moment, f"{API}images/generations", asked, answer), {
            "request_model": "gpt-image-1",
            "input_tokens": given,
            "output_tokens": made,
        }
    if kind == "speech":
        asked = {"model": "tts-1", "voice": "alloy", "input": prose(dice, dice.whole(20, 60))}
        return call(moment, f"{API}audio/speech", asked, "<audio/mpeg>"), {"request_model": "tts-1"}
    if kind == "seconds":
        answer = {"text": prose(dice, 20), "usage": {"type": "duration", "seconds": dice.whole(5, 300)}}
        return call(moment, f"{API}audio/transcriptions", {"model": "whisper-1"}, answer), {
            "request_model": "whisper-1"
        }
    if kind == "tokens":
        heard, said = dice.whole(50, 900), dice.whole(10, 120)
        usage = {"type": "tokens", "input_tokens": heard, "input_token_details": {"text_tokens": 0, "audio_tokens": heard}, "output_tokens": said, "total_tokens": heard + said}  # fmt: skip
        row = {"request_model": "gpt-4o-transcribe", "input_tokens": heard, "output_tokens": said}
        return call(moment, f"{API}audio/transcriptions", {"model": "gpt-4o-transcribe"}, {"text": prose(dice, 20), "usage": usage}), row  # fmt: skip
    refused = {"error": {"message": "Your request was rejected by the safety system.", "code": "moderation_blocked"}}
    return call(moment, f"{API}images/generations", {"model": "gpt-image-1", "prompt": prose(dice, 9)}, refused, 400), {
        "request_model": "gpt-image-1"
    }


def openai_media() -> Folder:
    """The file of sample_logs/openai_media: images, speech, and transcriptions by tokens and by seconds."""
    return _log("openai-media", _spread(Dice("openai_media"), 40, _image))


def _completion(dice: Dice, moment: datetime) -> Made:
    prompt, answer = prose(dice, dice.whole(20, 120)), prose(dice, dice.whole(5, 60))
    given, made, model = tokens(prompt), tokens(answer), "gpt-3.5-turbo-instruct"
    body = {
        "id": dice.token("cmpl-"), "object": "text_completion", "created": seconds(moment), "model": model,
        "choices": [{"text": answer, "index": 0, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made},
    }  # fmt: skip
    row = {"request_model": model, "input_tokens": given, "output_tokens": made}
    return call(
        moment, f"{API}completions", {"model": model, "prompt": prompt, "max_tokens": 90, "temperature": 0}, body
    ), row


def openai_completions() -> Folder:
    """The file of sample_logs/openai_completions."""
    return _log("openai-completions", _spread(Dice("openai_completions"), 25, _completion))


def openai_batch() -> Folder:
    """The files of sample_logs/openai_batch: what came back of one night's summaries, and what did not."""
    dice, done = Dice("openai_batch"), at(20, 5 * 3600)
    lines: list[Json] = []
    rows: list[Row] = []
    for number in range(60):
        given, made, read = dice.whole(700, 1900), dice.whole(60, 200), dice.pick((0, 0, 1024))
        given = max(given, read + 100)
        model = "gpt-4o-mini-2024-07-18"
        usage = {
            "prompt_tokens": given,
            "completion_tokens": made,
            "total_tokens": given + made,
            "prompt_tokens_details": {"cached_tokens": read},
        }
        body = {
            "id": dice.token("chatcmpl-"), "object": "chat.completion", "created": seconds(done - timedelta(seconds=dice.whole(0, 9000))), "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": prose(dice, 12)}, "finish_reason": "stop"}],
            "usage": usage, "service_tier": "default",
        }  # fmt: skip
        lines.append(_batch_line(dice, number, {"status_code": 200, "request_id": dice.token("", 32), "body": body}))
        rows.append(
            {"request_model": model, "input_tokens": given, "cache_read_input_tokens": read, "output_tokens": made}
        )
    lines.sort(key=lambda line: str(line["id"]))
    refused = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}
    failures = [
        _batch_line(dice, n, {"status_code": 429, "request_id": dice.token("", 32), "body": refused}) for n in (60, 61)
    ]
    expired = [_batch_line(dice, n, None, {"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}) for n in (62, 63, 64)]  # fmt: skip
    return folder(
        {"output.jsonl.gz": packed(jsonl(lines)), "errors.jsonl": jsonl([*failures, *expired])},
        {"output.jsonl.gz": expect("openai-batch", rows), "errors.jsonl": expect("openai-batch", [{}, {}], skipped=3)},
    )


def _batch_line(dice: Dice, number: int, response: Json | None, error: Json | None = None) -> Json:
    return {
        "id": dice.token("batch_req_", 32),
        "custom_id": f"ticket-{number:04}",
        "response": response,
        "error": error,
    }


def anthropic_batch() -> Folder:
    """The file of sample_logs/anthropic_batch: caches hit inside the batch, a few requests failed or expired."""
    dice, model = Dice("anthropic_batch"), "claude-haiku-4-5-20251001"
    lines: list[Json] = []
    rows: list[Row] = []
    for number in range(50):
        read = dice.pick((0, 4200, 4200))
        fresh, hour, made = dice.whole(20, 400), 0 if read else 4200, dice.whole(30, 150)
        usage = {
            "input_tokens": fresh, "cache_creation_input_tokens": hour, "cache_read_input_tokens": read,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": hour}, "output_tokens": made, "service_tier": "batch",
        }  # fmt: skip
        message = {
            "id": dice.token("msg_"), "type": "message", "role": "assistant", "model": model, "content": [{"type": "text", "text": prose(dice, 10)}],
            "stop_reason": "end_turn", "stop_sequence": None, "usage": usage,
        }  # fmt: skip
        lines.append({"custom_id": f"review-{number:03}", "result": {"type": "succeeded", "message": message}})
        rows.append({
            "request_model": model, "input_tokens": fresh + hour + read, "cache_read_input_tokens": read, "cache_creation_input_tokens": hour,
            "cache_creation_1h_input_tokens": hour, "output_tokens": made,
        })  # fmt: skip
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: must be positive"}}
    lines += [{"custom_id": "review-050", "result": {"type": "errored", "error": error}}]
    lines += [
        {"custom_id": f"review-{n:03}", "result": {"type": kind}} for n, kind in ((51, "expired"), (52, "canceled"))
    ]
    return folder(
        {"results.jsonl.gz": packed(jsonl(lines))},
        {"results.jsonl.gz": expect("anthropic-batch", [*rows, {}], skipped=2)},
    )


def openai_usage_legacy() -> Folder:
    """The files of sample_logs/openai_usage_legacy: two days, one as the endpoint gives it and one an entry a line."""
    dice = Dice("openai_usage_legacy")
    first, rows = _day(dice, 5)
    second, more = _day(dice, 6)
    heard = dice.whole(20, 200)
    page = {
        "object": "list", "data": first, "ft_data": [], "dalle_api_data": [], "tts_api_data": [], "assistant_code_interpreter_data": [],
        "whisper_api_data": [{"timestamp": seconds(at(5, 36_000)), "model_id": "whisper-1", "num_seconds": heard, "num_requests": 3}],
    }  # fmt: skip
    return folder(
        {"usage-2026-10-06.json": pretty(page), "usage-2026-10-07.jsonl": "".join(dumps(e) + "\n" for e in second).encode()},
        {
            "usage-2026-10-06.json": _legacy([*rows, {"request_model": "whisper-1", "requests": 3}]),
            "usage-2026-10-07.jsonl": _legacy(more),
        },
    )  # fmt: skip


def _legacy(rows: Sequence[Row]) -> Expected:
    return expect("openai-usage-legacy", rows)


def _day(dice: Dice, day: int) -> tuple[list[Json], list[Row]]:
    entries: list[Json] = []
    rows: list[Row] = []
    for hour in range(8, 18):
        calls, model = dice.whole(1, 9), "gpt-4o-mini-2024-07-18"
        given = calls * dice.whole(300, 900)
        read, made = given // 4 // 128 * 128, calls * dice.whole(40, 120)
        entries.append({
            "organization_id": "org-larkspur", "organization_name": "Larkspur", "aggregation_timestamp": seconds(at(day, hour * 3600 + 300)),
            "n_requests": calls, "operation": "completion", "snapshot_id": model, "n_context_tokens_total": given, "n_generated_tokens_total": made,
            "n_cached_context_tokens_total": read, "email": None, "api_key_id": None, "project_id": "proj_evals", "request_type": "",
        })  # fmt: skip
        rows.append(
            {
                "request_model": model,
                "requests": calls,
                "input_tokens": given,
                "cache_read_input_tokens": read,
                "output_tokens": made,
            }
        )
    return entries, rows
