"""Events of OpenAI's Realtime API, as a phone assistant's recorder writes them: each beside the time it came."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from scripts.samples.dice import Dice, at, stamp
from scripts.samples.files import Folder, expect, folder, jsonl, packed

MODEL: Final = "gpt-realtime"
TRANSCRIBER: Final = "gpt-4o-mini-transcribe"
NAME: Final = "events.jsonl.gz"


def _usage(given: dict[str, int], cached: dict[str, int], made: dict[str, int]) -> dict[str, Any]:
    total_in, total_out = sum(given.values()), sum(made.values())
    details: dict[str, Any] = {**given, "cached_tokens": sum(cached.values()), "cached_tokens_details": cached}
    return {
        "total_tokens": total_in + total_out, "input_tokens": total_in, "output_tokens": total_out, "input_token_details": details,
        "output_token_details": made,
    }  # fmt: skip


def build() -> Folder:
    """The file of sample_logs/openai_realtime: six conversations, in which every response counts all turns before it."""
    dice = Dice("openai_realtime")
    lines: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []

    def came(moment: datetime, kind: str, **event: Any) -> None:
        lines.append({"timestamp": stamp(moment), "event": {"type": kind, "event_id": dice.token("event_"), **event}})

    for day in (2, 5, 9, 13, 20, 27):
        moment = at(day, dice.whole(9 * 3600, 17 * 3600))
        heard = {"model": TRANSCRIBER}
        session = {
            "object": "realtime.session",
            "id": dice.token("sess_"),
            "model": MODEL,
            "audio": {"input": {"transcription": heard}},
        }
        came(moment, "session.created", session=session)
        spoken, text = 0, dice.whole(180, 260)
        for _ in range(dice.whole(4, 9)):
            moment += timedelta(seconds=dice.around(4, 30))
            asked, said = dice.around(20, 160), dice.around(5, 60)
            counts = {
                "input_tokens": asked,
                "input_token_details": {"text_tokens": 0, "audio_tokens": asked},
                "output_tokens": said,
            }
            came(
                moment, "conversation.item.input_audio_transcription.completed", item_id=dice.token("item_"), content_index=0,
                transcript="[not kept]", usage={"type": "tokens", "total_tokens": asked + said, **counts},
            )  # fmt: skip
            rows.append({"request_model": TRANSCRIBER, "input_tokens": asked, "output_tokens": said})
            before = spoken
            spoken += asked
            hurried = dice.chance(0.15)
            made = {"text_tokens": dice.around(10, 60), "audio_tokens": dice.around(40, 400)}
            kept = {"text_tokens": text // 64 * 64 if before else 0, "audio_tokens": before // 64 * 64}
            usage = _usage({"text_tokens": text, "audio_tokens": spoken}, kept, made)
            answer = {
                "object": "realtime.response",
                "id": dice.token("resp_"),
                "status": "cancelled" if hurried else "completed",
                "usage": usage,
            }
            if hurried:
                answer["status_details"] = {"type": "cancelled", "reason": "turn_detected"}
            moment += timedelta(seconds=dice.around(2, 15))
            came(moment, "response.done", response=answer)
            rows.append({
                "request_model": MODEL, "input_tokens": usage["input_tokens"], "output_tokens": usage["output_tokens"],
                "cache_read_input_tokens": sum(kept.values()),
            })  # fmt: skip
            text, spoken = text + made["text_tokens"], spoken + made["audio_tokens"]
    return folder({NAME: packed(jsonl(lines))}, {NAME: expect("openai-realtime", rows)})
