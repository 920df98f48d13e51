"""One month of one made-up company, request by request, in the canonical columns.

Larkspur sells outdoor gear. Its support bot answers easy questions with the dearest model and caches nothing; its
nightly summaries could wait for a batch; its invoice reader asks the same question again; its coding agent is run
well. One model changes its price twice in the month, and one afternoon everything fails and is retried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from scripts.samples.dice import DAYS, Dice, at, is_weekday, key, stamp

Row = dict[str, Any]
Segments = list[tuple[str, int]]
BLOCK = 256
ORGANIZATION = "org-larkspur"
STORM_DAY, STORM_FROM, STORM_TO = 13, 14 * 3600, 15 * 3600
"""The afternoon of 14 October on which a provider was overloaded."""
EASY = ("classification", "faq", "order-status")
HARD = ("troubleshooting", "refund-dispute")


def prefix_keys(segments: Segments) -> list[int]:
    """One key for every full block: two prompts agree at k exactly when they agree up to there."""
    keys: list[int] = []
    said, filled = "", 0
    for name, tokens in segments:
        start = 0
        while filled + tokens - start >= BLOCK:
            start += BLOCK - filled
            said += f"|{name}:{start}"
            keys.append(key(said))
            filled = 0
        if tokens > start:
            said += f"|{name}:{tokens}"
            filled += tokens - start
    return keys


def base(dice: Dice, moment: datetime, provider: str, model: str, **more: Any) -> Row:
    """What every request of the log has."""
    served = {
        "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
        "gpt-6-luna": "gpt-6-luna",
        "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    }.get(model, model)
    return {
        "request_id": dice.token({"anthropic": "msg_", "openai": "chatcmpl-"}.get(provider, "req_")),
        "call_role": "primary",
        "started_at": stamp(moment),
        "provider_name": provider,
        "request_model": model,
        "response_model": served,
        "operation_name": "chat",
        "service_tier": "standard",
        "region": "global",
        "status": "ok",
        "attempt": 1,
        "requests": 1,
        "organization": ORGANIZATION,
        "environment": "production",
        "token_source": "provider",
    } | more


def prompt(row: Row, segments: Segments, parts: dict[str, int], *, keyed: bool = True) -> Row:
    """Adds the counts of the prompt's parts, their sum, and the keys of the whole and of its prefixes."""
    row |= {name: tokens for name, tokens in parts.items() if tokens}
    row["input_tokens"] = sum(tokens for _, tokens in segments)
    if keyed:
        row |= {
            "prompt_key": key("prompt|" + "|".join(f"{name}:{tokens}" for name, tokens in segments)),
            "prefix_keys": prefix_keys(segments),
            "prefix_block_tokens": BLOCK,
        }
    return row


def timing(dice: Dice, row: Row, per_second: int) -> Row:
    """Adds time to the first token and the whole duration, from the length of the answer."""
    first = dice.around(250, 1100) + row["input_tokens"] // 40
    row["time_to_first_token_ms"] = first
    row["duration_ms"] = first + row["output_tokens"] * 1000 // per_second
    return row


def support(dice: Dice, *, environment: str = "production", days: int = DAYS, per_day: int = 19) -> Iterator[Row]:
    """Conversations of the support bot: system prompt and tools repeat in every call, the history grows."""
    model = "claude-opus-5-5" if environment == "production" else "claude-haiku-4-5"
    prompts = "support-system-v7" if environment == "production" else "support-system-v8"
    for day in range(days):
        for number in range(per_day + 4 if is_weekday(day) else per_day - 4):
            task = dice.weighted(
                [
                    ("classification", 20),
                    ("faq", 32),
                    ("order-status", 22),
                    ("troubleshooting", 18),
                    ("refund-dispute", 8),
                ]
            )
            conversation = f"conv-{environment[:4]}-{day + 1:02d}-{number:03d}"
            user = f"u-{dice.whole(1, 400):04d}"
            moment = at(day, dice.around(7 * 3600, 22 * 3600))
            history: Segments = []
            turns = dice.whole(1, 4) if task in EASY else dice.whole(4, 9)
            for turn in range(turns):
                context = dice.around(300, 900) if task != "classification" else 0
                asked = dice.around(15, 120)
                head: Segments = [("support-tools", 640), (prompts, 1210)]
                now: Segments = [(f"{conversation}/{turn}/context", context), (f"{conversation}/{turn}/user", asked)]
                row = base(
                    dice, moment, "anthropic", model, feature="support-bot", team="support", project="wrkspc_support", api_key_id="apikey_support",
                    environment=environment, user_id=user, conversation_id=conversation, task_type=task, temperature=0.3, max_output_tokens=1024,
                )  # fmt: skip
                parts = {
                    "tools_tokens": 640, "system_tokens": 1210, "history_tokens": sum(n for _, n in history),
                    "context_tokens": context, "user_tokens": asked,
                }  # fmt: skip
                prompt(row, head + history + now, parts)
                row["output_tokens"] = dice.around(4, 14) if task == "classification" else dice.around(60, 330)
                row["finish_reason"] = "end_turn"
                row |= {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
                if dice.chance(0.008):
                    row |= {"status": "partial", "output_tokens": row["output_tokens"] // 3 + 1}
                    del row["finish_reason"]
                if dice.chance(0.06):
                    row["quality_score"] = dice.whole(80, 100) / 100 if task in EASY else dice.whole(62, 98) / 100
                timing(dice, row, 70)
                yield row
                if dice.chance(0.04):
                    yield judge(dice, row, moment + timedelta(minutes=10))
                history += [*now, (f"{conversation}/{turn}/answer", row["output_tokens"])]
                moment += timedelta(milliseconds=row["duration_ms"] + dice.around(9_000, 160_000))


def judge(dice: Dice, judged: Row, moment: datetime) -> Row:
    """A small model marks an answer; spend of its own, caused by another call."""
    row = base(
        dice, moment, "openai", "gpt-6-luna", call_role="judge", parent_request_id=judged["request_id"], feature="support-bot",
        team="support", project="proj_evals", api_key_id="key_evals", task_type="evaluation", temperature=0, response_format="json_object",
    )  # fmt: skip
    seen = judged.get("context_tokens", 0)
    body = judged["user_tokens"] + judged["output_tokens"] + seen
    prompt(
        row,
        [("judge-system", 480), (f"judged/{judged['request_id']}", body)],
        {"system_tokens": 480, "context_tokens": body},
    )
    row |= {
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
        "output_tokens": dice.around(24, 60),
        "finish_reason": "stop",
    }
    return timing(dice, row, 140)


def nightly_model(day: int) -> str:
    """The job moves to the new model on the day it comes out (2026-10-06); its price then rises on the 20th."""
    return "mistral-large-4" if day >= 5 else "mistral-large-2512"


def nightly(dice: Dice) -> Iterator[Row]:
    """Summaries of the day's reviews: at two every night, nobody waits, each asked half a minute after the one before."""
    for day in range(DAYS):
        for number in range(38):
            row = base(
                dice, at(day, 2 * 3600 + number * 30 + dice.whole(0, 900) / 1000), "mistral", nightly_model(day), feature="nightly-summaries",
                team="content", project="content", api_key_id="key_content", task_type="summarisation", temperature=0.2, max_output_tokens=600,
            )  # fmt: skip
            context = dice.around(2200, 6200)
            prompt(
                row,
                [("summary-system", 390), (f"reviews/{day}/{number}", context)],
                {"system_tokens": 390, "context_tokens": context},
            )
            row |= {"cache_read_input_tokens": 0, "output_tokens": dice.around(180, 340), "finish_reason": "stop"}
            yield timing(dice, row, 90)


def invoices(dice: Dice) -> Iterator[Row]:
    """Fields read from invoices at temperature 0; one in three pages comes again later the same week, unchanged."""
    asked: list[tuple[str, int, int]] = []
    last: datetime | None = None
    for day in range(DAYS):
        times = sorted(
            dice.around(6 * 3600, 20 * 3600) + dice.whole(0, 999) / 1000 for _ in range(24 if is_weekday(day) else 8)
        )
        for number, second in enumerate(times):
            moment = at(day, second)
            if asked and dice.chance(0.34):
                page, length, answer = dice.pick(asked[-60:])
            else:
                page, length, answer = f"invoice/{day}/{number}", dice.around(700, 2600), dice.around(90, 260)
                asked.append((page, length, answer))
            row = base(
                dice, moment, "openai", "gpt-6.1-sol", feature="invoice-extraction", team="data", project="proj_data", api_key_id="key_data",
                task_type="extraction", temperature=0, seed=7, response_format="schema:invoice-v3", max_output_tokens=800,
            )  # fmt: skip
            segments = [("invoice-system", 310), ("invoice-schema", 340), ("invoice-examples", 900), (page, length)]
            parts = {"system_tokens": 310, "schema_tokens": 340, "example_tokens": 900, "context_tokens": length}
            prompt(row, segments, parts)
            warm = last is not None and moment - last < timedelta(minutes=30)
            row |= {"cache_read_input_tokens": 1536 if warm else 0, "cache_creation_input_tokens": 0 if warm else 1536}
            row |= {"output_tokens": answer, "response_key": key(f"answer/{page}"), "finish_reason": "stop"}
            last = moment
            timing(dice, row, 110)
            yield from storm(dice, row) if day == STORM_DAY and STORM_FROM <= second < STORM_TO else [row]


def storm(dice: Dice, row: Row) -> Iterator[Row]:
    """The calls of the overloaded hour: refused, or cut off half-way and billed, and at last answered."""
    moment = datetime.fromisoformat(row["started_at"])
    refused = {k: v for k, v in row.items() if not k.endswith(("_tokens", "_keys", "_ms")) or k == "max_output_tokens"}
    refused = {k: v for k, v in refused.items() if k not in {"finish_reason", "response_key", "token_source"}}
    attempts = dice.whole(5, 9)
    for attempt in range(1, attempts):
        tried = {
            "request_id": dice.token("chatcmpl-"), "parent_request_id": row["request_id"], "call_role": "retry", "attempt": attempt,
            "started_at": stamp(moment),
        }  # fmt: skip
        if dice.chance(0.2):
            yield (
                row
                | tried
                | {"status": "partial", "output_tokens": row["output_tokens"] // 2, "finish_reason": "length"}
            )
        else:
            yield refused | tried | {"status": "error", "duration_ms": dice.around(300, 2500)}
        moment += timedelta(seconds=2**attempt + dice.whole(0, 999) / 1000)
    yield row | {"attempt": attempts, "started_at": stamp(moment)}


def coding(dice: Dice) -> Iterator[Row]:
    """One agent session a working day, with breakpoints where they belong; a long pause lets the cache die."""
    for day in (d for d in range(DAYS) if is_weekday(d)):
        session, moment = f"code-{day + 1:02d}", at(day, dice.around(9 * 3600, 15 * 3600))
        head: Segments = [("code-tools", 5200), ("code-system", 3100)]
        history: Segments = [(f"{session}/repository", dice.around(4000, 12000))]
        cached = 0
        for turn in range(dice.around(9, 17)):
            fresh: Segments = [(f"{session}/{turn}", dice.around(400, 3600))]
            row = base(
                dice, moment, "anthropic", "claude-sonnet-5-5", feature="coding-agent", team="platform", project="wrkspc_platform",
                api_key_id="apikey_platform", user_id=f"dev-{day % 5 + 1}", conversation_id=session, task_type="coding", max_output_tokens=16000,
                thinking_budget_tokens=8000,
            )  # fmt: skip
            segments = head + history + fresh
            whole = sum(tokens for _, tokens in segments)
            parts = {
                "tools_tokens": 5200,
                "system_tokens": 3100,
                "history_tokens": sum(n for _, n in history),
                "context_tokens": fresh[0][1],
            }
            prompt(row, segments, parts)
            tail = dice.whole(3, 12)
            row |= {
                "cache_read_input_tokens": cached,
                "cache_creation_input_tokens": whole - cached - tail,
                "cache_creation_1h_input_tokens": 0,
            }
            row["cache_breakpoints"] = [8300, whole - tail]
            thought = dice.around(0, 900)
            row |= {"reasoning_output_tokens": thought, "output_tokens": thought + dice.around(80, 700)}
            row["finish_reason"] = "tool_use"
            timing(dice, row, 80)
            yield row
            history += [*fresh, (f"{session}/{turn}/answer", row["output_tokens"] - thought)]
            pause = dice.weighted([(dice.whole(4, 40), 12), (dice.whole(60, 240), 4), (dice.whole(900, 2700), 1)])
            cached = whole - tail if pause < 280 else 0
            moment += timedelta(milliseconds=row["duration_ms"] + pause * 1000)


def search(dice: Dice) -> Iterator[Row]:
    """Embeddings of search queries; no output, and hardly any money."""
    for day in range(DAYS):
        for _ in range(8):
            row = base(
                dice, at(day, dice.around(6 * 3600, 23 * 3600)), "openai", "text-embedding-3-small", operation_name="embeddings",
                feature="product-search", team="platform", project="proj_search", api_key_id="key_search",
            )  # fmt: skip
            yield row | {"input_tokens": dice.around(60, 900), "output_tokens": 0, "duration_ms": dice.around(60, 240)}


def marketing(dice: Dice) -> Iterator[Row]:
    """Product texts from photographs; a thinking model, images among the input."""
    for day in (d for d in range(DAYS) if is_weekday(d)):
        for number in range(5):
            row = base(
                dice, at(day, dice.around(8 * 3600, 17 * 3600)), "google", "gemini-3.8-flash", operation_name="generate_content",
                feature="marketing-copy", team="growth", project="growth-prod", api_key_id="key_growth", task_type="writing",
            )  # fmt: skip
            asked = dice.around(80, 220)
            row |= {
                "input_tokens": 520 + asked + 1090,
                "system_tokens": 520,
                "user_tokens": asked,
                "input_image_tokens": 1090,
            }
            row["cache_read_input_tokens"] = 0
            row["images"] = [{"width": 3024, "height": 4032, "count": 1}]
            thought = dice.around(150, 900)
            row |= {
                "reasoning_output_tokens": thought,
                "output_tokens": thought + dice.around(120, 420),
                "finish_reason": "STOP",
            }
            row["tags"] = {"campaign": f"autumn-{number % 3 + 1}", "channel": dice.pick(["mail", "web"])}
            yield timing(dice, row, 160)


def tagger(dice: Dice) -> Iterator[Row]:
    """The company's own small model: nobody sells it, so it has no price."""
    for day in range(DAYS):
        for _ in range(6):
            row = base(
                dice, at(day, dice.around(0, 86_000)), "larkspur", "ticket-tagger-8b", feature="ticket-tagging", team="support",
                project="wrkspc_support", task_type="classification", temperature=0, max_output_tokens=16,
            )  # fmt: skip
            asked = dice.around(90, 420)
            row |= {
                "input_tokens": 140 + asked,
                "system_tokens": 140,
                "user_tokens": asked,
                "output_tokens": dice.whole(3, 9),
            }
            yield timing(dice, row, 200)


WORKLOADS: tuple[Callable[[Dice], Iterator[Row]], ...] = (support, nightly, invoices, coding, search, marketing, tagger)


def month() -> list[Row]:
    """Every request of October, in the order of time."""
    rows = [row for workload in WORKLOADS for row in workload(Dice(workload.__name__))]
    return sorted(rows, key=lambda row: (row["started_at"], row["request_id"]))
