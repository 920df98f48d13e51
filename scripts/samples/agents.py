"""Session files of Gemini CLI (document and lines) and the chat history of aider."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from scripts.samples.dice import Dice, at, stamp
from scripts.samples.files import Folder, expect, folder, jsonl, pretty
from scripts.samples.text import prose, question

MODEL = "gemini-3-flash-preview"


def gemini_cli() -> Folder:
    """The files of sample_logs/gemini_cli: an old document and newer lines, in which a message is written twice as it grows."""
    dice = Dice("gemini_cli")
    files: Folder = {}
    expected: dict[str, Any] = {}
    for name, day in (("session-2026-10-21T09-00.json", 20), ("session-2026-10-22T09-00.jsonl", 21)):
        moment = at(day, 9 * 3600)
        header = {
            "sessionId": dice.uuid(),
            "projectHash": dice.token("", 64),
            "startTime": stamp(moment),
            "lastUpdated": stamp(moment),
            "kind": "main",
        }
        messages: list[dict[str, Any]] = []
        rows: list[dict[str, Any]] = []
        seen = grown = 0
        for _ in range(12):
            messages.append(
                {"id": dice.uuid(), "timestamp": stamp(moment), "type": "user", "content": [{"text": question(dice)}]}
            )
            moment += timedelta(seconds=dice.around(3, 60))
            given, made, thought, tool = (
                seen + dice.around(300, 5000),
                dice.around(20, 400),
                dice.around(0, 500),
                dice.whole(0, 1) * 120,
            )
            tokens = {
                "input": given,
                "output": made,
                "cached": seen // 2,
                "thoughts": thought,
                "tool": tool,
                "total": given + made + thought + tool,
            }
            message = {
                "id": dice.uuid(),
                "timestamp": stamp(moment),
                "type": "gemini",
                "content": prose(dice, 20),
                "thoughts": [],
                "tokens": tokens,
                "model": MODEL,
            }
            if name.endswith("jsonl") and dice.chance(0.3):
                grown += 1
                early = tokens | {"output": made // 2, "total": tokens["total"] - made + made // 2}
                messages.append(message | {"content": "", "tokens": early})
            messages.append(message)
            rows.append({
                "request_model": MODEL, "input_tokens": given + tool, "cache_read_input_tokens": seen // 2, "output_tokens": made + thought,
                "reasoning_output_tokens": thought,
            })  # fmt: skip
            seen = given
        document = pretty(header | {"messages": messages})
        files[name] = jsonl([header, *messages]) if name.endswith("jsonl") else document
        expected[name] = expect("gemini-cli", rows, grown=grown)
    return folder(files, expected)


def aider() -> Folder:
    """The files of sample_logs/aider: an older chat with exact counts, a newer one with rounded ones."""
    dice = Dice("aider")
    lines: list[str] = []
    rows: list[dict[str, Any]] = []
    for day, banner, model in (
        (
            3,
            "> Aider v0.47.1  \n> Models: claude-sonnet-4-5 with diff edit format, weak model claude-haiku-4-5  ",
            "claude-sonnet-4-5",
        ),
        (
            9,
            "> Aider v0.86.1\n> Main model: openrouter/openai/gpt-5.5 with diff edit format\n> Weak model: openrouter/openai/gpt-5.5-mini",
            "openai/gpt-5.5",
        ),
    ):
        lines += ["", f"# aider chat started at {at(day, 36_000 + dice.whole(0, 999)):%Y-%m-%d %H:%M:%S}", "", banner]
        session = 0
        for _ in range(8):
            sent, hit, received = dice.around(20, 180) * 100, dice.around(1, 15) * 100, dice.around(10, 99) * 10
            cents = dice.around(1, 9)
            session += cents
            lines += ["", f"#### {question(dice)}", "", prose(dice, 25), ""]
            cost = f"Cost: $0.0{cents} message, $0.{session:02d} session."
            if model.startswith("openai"):
                sent -= sent % 1000 if sent >= 10_000 else 0
                shown = f"{sent // 1000}k" if sent >= 10_000 else f"{sent / 1000:.1f}k"
                lines.append(f"> Tokens: {shown} sent, {hit / 1000:.1f}k cache hit, {received} received. {cost}")
                rows.append({"request_model": model})
            else:
                lines.append(f"> Tokens: {sent:,} sent, {received:,} received. {cost}  ")
                rows.append({"request_model": model, "input_tokens": sent, "output_tokens": received})
    return folder({"chat.history.md": ("\n".join(lines) + "\n").encode()}, {"chat.history.md": expect("aider", rows)})
