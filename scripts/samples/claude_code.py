"""Session logs of Claude Code: one API message over several lines, a sub-agent, and a resumed session that copies lines."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scripts.samples.dice import Dice, at, stamp
from scripts.samples.files import Folder, expect, folder, jsonl
from scripts.samples.text import prose

Line = dict[str, Any]
MODEL = "claude-sonnet-5-5"


class Session:
    """Lines of one session file, each hanging on the one before."""

    def __init__(self, dice: Dice, moment: datetime) -> None:
        self.dice, self.moment, self.id = dice, moment, dice.uuid()
        self.lines: list[Line] = []
        self.rows: list[Line] = []
        self.cached = {False: 0, True: 0}

    def add(self, kind: str, *, sidechain: bool = False, **more: Any) -> None:
        """One line of the file."""
        parent = next((line["uuid"] for line in reversed(self.lines) if "uuid" in line), None)
        self.lines.append({
            "parentUuid": parent, "isSidechain": sidechain, "userType": "external", "cwd": "/srv/shop", "sessionId": self.id, "version": "2.1.220",
            "gitBranch": "main", "type": kind, "uuid": self.dice.uuid(), "timestamp": stamp(self.moment), **more,
        })  # fmt: skip
        self.moment += timedelta(milliseconds=self.dice.whole(20, 900))

    def ask(self) -> None:
        """What the developer types."""
        self.add("user", message={"role": "user", "content": prose(self.dice, 20)})

    def answer(self, *, sidechain: bool = False, model: str = MODEL) -> None:
        """One API message: a line per content block, the output counted further on each, the reason to stop on the last."""
        written = self.dice.around(300, 3200)
        output = self.dice.around(60, 900)
        read = self.cached[sidechain]
        usage = {
            "input_tokens": 4, "cache_creation_input_tokens": written, "cache_read_input_tokens": read,
            "cache_creation": {"ephemeral_5m_input_tokens": written if sidechain else 0, "ephemeral_1h_input_tokens": 0 if sidechain else written},
            "output_tokens": 2, "service_tier": "standard",
        }  # fmt: skip
        blocks: list[Line] = [{"type": "text", "text": prose(self.dice, 15)}]
        blocks += [
            {
                "type": "tool_use",
                "id": self.dice.token("toolu_01"),
                "name": "Read",
                "input": {"file_path": "src/cart.py"},
            }
            for _ in range(self.dice.whole(0, 2))
        ]
        message = {
            "id": self.dice.token("msg_01"),
            "type": "message",
            "role": "assistant",
            "model": model,
            "stop_sequence": None,
        }
        request = self.dice.token("req_01")
        for number, block in enumerate(blocks, 1):
            last = number == len(blocks)
            grown = usage | {"output_tokens": output if last else 1 + number}
            stop = ("tool_use" if len(blocks) > 1 else "end_turn") if last else None
            self.add(
                "assistant",
                sidechain=sidechain,
                message=message | {"content": [block], "stop_reason": stop, "usage": grown},
                requestId=request,
            )
        self.rows.append({
            "request_model": model, "input_tokens": 4 + written + read, "cache_read_input_tokens": read, "cache_creation_input_tokens": written,
            "cache_creation_1h_input_tokens": 0 if sidechain else written, "output_tokens": output,
        })  # fmt: skip
        self.cached[sidechain] += written
        result = {
            "role": "user",
            "content": [
                {"tool_use_id": b["id"], "type": "tool_result", "content": "ok"}
                for b in blocks
                if b["type"] == "tool_use"
            ],
        }
        if len(blocks) > 1:
            self.add("user", sidechain=sidechain, message=result)
        self.moment += timedelta(seconds=self.dice.around(2, 40))


def build() -> Folder:
    """The files of sample_logs/claude_code: a session, and one resumed from it that begins with copied lines."""
    dice = Dice("claude_code")
    first = Session(dice, at(15, 9.5 * 3600))
    first.lines.append({"type": "summary", "summary": "Cart totals", "leafUuid": dice.uuid()})
    for turn in range(14):
        first.ask()
        for _ in range(dice.whole(1, 3)):
            first.answer(sidechain=turn in {5, 6}, model="claude-haiku-4-5" if turn in {5, 6} else MODEL)
    synthetic = {
        "id": dice.uuid(),
        "type": "message",
        "role": "assistant",
        "model": "<synthetic>",
        "stop_reason": "stop_sequence",
    }
    none = {"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    text = [{"type": "text", "text": "API Error: the connection was closed"}]
    first.add("assistant", message=synthetic | {"content": text, "usage": none}, isApiErrorMessage=True)

    second = Session(dice, at(15, 14 * 3600))
    old = _messages(first.lines)[:5]
    copied = [line for line in first.lines if line.get("type") == "assistant" and line["message"]["id"] in old]
    second.lines += [line | {"sessionId": second.id} for line in copied]
    for _ in range(6):
        second.ask()
        second.answer()
    copies = _messages(copied)
    names = (f"{first.id}.jsonl", f"{second.id}.jsonl")
    by_id = dict(zip(_messages(first.lines, rows_only=True), first.rows, strict=True))
    files = {names[0]: jsonl(first.lines), names[1]: jsonl(second.lines)}
    expected = {
        names[0]: expect("claude-code", first.rows, lines=len(first.lines), synthetic=1),
        names[1]: expect(
            "claude-code",
            [by_id[name] for name in copies] + second.rows,
            lines=len(second.lines),
            copied_from_other_file=len(copies),
        ),
    }
    return folder(files, expected)


def _messages(lines: list[Line], *, rows_only: bool = False) -> list[str]:
    """Ids of the API messages in the order of their first line."""
    answers = [line["message"] for line in lines if line.get("type") == "assistant"]
    return list(dict.fromkeys(m["id"] for m in answers if not (rows_only and m["model"] == "<synthetic>")))
