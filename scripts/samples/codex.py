"""Session logs of Codex CLI: running totals, events that repeat them, a fork that begins with a copy, ``exec --json``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scripts.samples.dice import Dice, at, stamp
from scripts.samples.files import Folder, expect, folder, jsonl

Line = dict[str, Any]
NAMES = {
    "input_tokens": "input_tokens", "cached_input_tokens": "cache_read_input_tokens",
    "cache_write_input_tokens": "cache_creation_input_tokens", "output_tokens": "output_tokens",
    "reasoning_output_tokens": "reasoning_output_tokens",
}  # fmt: skip


class Session:
    """Lines of one rollout and the calls behind them."""

    def __init__(self, dice: Dice, moment: datetime, parent: Session | None = None) -> None:
        self.dice, self.moment, self.id = dice, moment, dice.uuid()
        self.totals: dict[str, int] = dict(parent.totals) if parent else dict.fromkeys(NAMES, 0)
        self.seen: int = parent.seen if parent else 0
        self.rows: list[Line] = list(parent.rows) if parent else []
        self.lines: list[Line] = []
        self.model = "gpt-5.6-luna"
        self.add("session_meta", {
            "id": self.id, "session_id": self.id, "forked_from_id": parent.id if parent else None, "timestamp": stamp(moment), "cwd": "/srv/shop",
            "originator": "codex_cli_rs", "cli_version": "0.146.0", "source": "cli", "model_provider": "openai", "git": {"branch": "main"},
        })  # fmt: skip
        self.lines += [line | {"timestamp": stamp(self.moment)} for line in (parent.lines if parent else [])]

    def add(self, kind: str, payload: Line) -> None:
        """One line of the file."""
        self.lines.append({"timestamp": stamp(self.moment), "type": kind, "payload": payload})
        self.moment += timedelta(milliseconds=self.dice.whole(20, 900))

    def turn(self, model: str, calls: int) -> None:
        """A turn of the developer, with some model calls."""
        self.model = model
        self.add("turn_context", {"turn_id": self.dice.uuid(), "cwd": "/srv/shop", "model": model, "effort": "medium"})
        self.add("event_msg", {"type": "user_message", "message": "go on"})
        for _ in range(calls):
            self.call()
        self.add("event_msg", {"type": "task_complete", "duration_ms": self.dice.whole(2_000, 60_000)})

    def call(self) -> None:
        """One model call; now and then its event comes twice, or once more with rate limits only."""
        cached = self.seen // 128 * 128
        grown = self.dice.around(200, 6000)
        answer = self.dice.around(40, 900)
        last = {
            "input_tokens": self.seen + grown, "cached_input_tokens": cached, "cache_write_input_tokens": grown // 128 * 128,
            "output_tokens": answer, "reasoning_output_tokens": answer * self.dice.whole(0, 70) // 100,
        }  # fmt: skip
        self.seen += grown + answer
        self.totals = {name: self.totals[name] + last[name] for name in NAMES}
        self.rows.append({"request_model": self.model} | {column: last[name] for name, column in NAMES.items()})
        self.moment += timedelta(seconds=self.dice.around(2, 40))
        limits = {"limit_id": "codex", "plan_type": "team", "primary": {"used_percent": 3.0, "window_minutes": 300}}
        info = {
            "total_token_usage": _summed(self.totals),
            "last_token_usage": _summed(last),
            "model_context_window": 258400,
        }
        event = {"type": "token_count", "info": info, "rate_limits": limits}
        self.add("event_msg", event)
        if self.dice.chance(0.15):
            self.add("event_msg", event)
        if self.dice.chance(0.15):
            self.add("event_msg", event | {"info": None})


def _summed(counts: Line) -> Line:
    return counts | {"total_tokens": counts["input_tokens"] + counts["output_tokens"]}


def _exec(dice: Dice) -> tuple[list[Line], list[Line]]:
    """What ``codex exec --json`` prints: running totals at the end of every turn, no model."""
    lines: list[Line] = [{"type": "thread.started", "thread_id": dice.uuid()}]
    rows: list[Line] = []
    total = dict.fromkeys(("input_tokens", "cached_input_tokens", "output_tokens"), 0)
    for _ in range(3):
        now = {
            "input_tokens": dice.around(9_000, 20_000),
            "cached_input_tokens": dice.around(2_000, 8_000),
            "output_tokens": dice.around(50, 500),
        }
        total = {name: total[name] + now[name] for name in total}
        rows.append({NAMES[name]: value for name, value in now.items()})
        lines += [{"type": "turn.started"}, {"type": "turn.completed", "usage": total}]
    return lines, rows


def build() -> Folder:
    """The files of sample_logs/codex: a session, its fork, and the output of a scripted run."""
    dice = Dice("codex")
    parent = Session(dice, at(16, 9 * 3600))
    for turn in range(5):
        parent.turn("gpt-5.5" if turn == 3 else "gpt-5.6-luna", dice.whole(2, 6))
    child = Session(dice, at(16, 15 * 3600), parent)
    child.turn("gpt-5.6-luna", 4)
    printed, rows = _exec(dice)
    names = [f"rollout-2026-10-17T{hour}-00-00-{s.id}.jsonl" for hour, s in (("09", parent), ("15", child))]
    files = {names[0]: jsonl(parent.lines), names[1]: jsonl(child.lines), "exec.jsonl": jsonl(printed)}
    expected = {
        names[0]: expect("codex", parent.rows),
        names[1]: expect("codex", child.rows, copied_from_other_file=len(parent.rows)),
        "exec.jsonl": expect("codex", rows),
    }
    return folder(files, expected)
