"""Two whole months of a made-up travel agency, in which four things happen and the generator knows what each cost.

Fernhill's September is quiet. In October the maker of its summaries' model raises the price, the fraud check's provider is
overloaded for an afternoon, half of the assistant's calls move to a dearer model, and a review agent of one developer does
not stop for three days. What each of them cost is added up here, call by call, with the rates below, and stands in
``expected.json`` under ``events``; nothing of it comes from the code that reads the files.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from scripts.samples.dice import Dice, key, stamp
from scripts.samples.files import Folder, dumps, expect, folder, packed
from scripts.samples.story import Row

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = 61
OCTOBER = 30
"""Day of the story on which October begins."""
RISE_DAY = OCTOBER + 14
STORM_DAY, STORM_CALLS = OCTOBER + 7, 40
SHIFT_DAY = OCTOBER + 11
AWAY_DAYS, AWAY_CALLS = range(OCTOBER + 19, OCTOBER + 22), 130
"""15 October; 8 October; 12 October on; 20 to 22 October."""

RATES: dict[str, dict[str, str]] = {
    # platform.claude.com/docs/en/about-claude/pricing, read 2026-11-24
    "claude-haiku-4-5": {"input": "1", "output": "5"},
    "claude-sonnet-4-6": {"input": "3", "output": "15", "read": "0.3", "write": "3.75"},
    # developers.openai.com/api/docs/pricing, read 2026-11-24
    "gpt-5-mini": {"input": "0.25", "output": "2"},
    # made up; sample_logs/two-months-prices.toml says the same
    "relay-large": {"input": "1", "output": "4"},
    "relay-large from 15 October": {"input": "1.4", "output": "5.6"},
}
"""USD per million tokens of the calls that events are about."""


def cost(model: str, row: Row) -> Decimal:
    """What a call costs; cached tokens are part of the input."""
    rates = {name: Decimal(rate) for name, rate in RATES[model].items()}
    read, write = Decimal(row.get("cache_read_input_tokens", 0)), Decimal(row.get("cache_creation_input_tokens", 0))
    amount = (row["input_tokens"] - read - write) * rates["input"] + row["output_tokens"] * rates["output"]
    total: Decimal = amount + read * rates.get("read", 0) + write * rates.get("write", 0)
    return total / 1_000_000


class Story:
    """The rows of both months and what the events cost."""

    def __init__(self) -> None:
        self.made = 0
        self.wasted = self.risen = self.shifted = self.excess = Decimal(0)
        self.storm: list[str] = []
        self.rows = sorted(self._rows(), key=lambda row: (row["started_at"], row["request_id"]))

    def _rows(self) -> Iterator[Row]:
        for part in (
            self.assistant,
            self.summaries,
            self.fraud,
            self.reviews,
            self.answers,
            self.moderation,
            self.itineraries,
        ):
            yield from part(Dice(f"two-months/{part.__name__}"))

    def row(self, dice: Dice, day: int, provider: str, model: str, **more: Any) -> Row:
        """A call of a day at some time between six and twenty-two."""
        self.made += 1
        moment = FIRST + timedelta(days=day, milliseconds=dice.around(6 * 3_600_000, 22 * 3_600_000))
        return {
            "request_id": f"r{self.made:06d}", "started_at": stamp(moment), "provider_name": provider, "request_model": model,
            "service_tier": "standard", "region": "global", "status": "ok", "requests": 1, "environment": "production",
            "token_source": "provider",
        } | more  # fmt: skip

    def assistant(self, dice: Dice) -> Iterator[Row]:
        """Chats of one length, so that a move to another model is nothing but that."""
        for day in range(DAYS):
            for number in range(20 if weekday(day) else 12):
                row = self.row(
                    dice, day, "anthropic", "claude-haiku-4-5", feature="assistant", team="care", project="care-prod",
                    user_id=f"u-{dice.whole(1, 120):03d}", conversation_id=f"c-{day:02d}-{number // 4}", tags={"cost_center": "cc-100"},
                    system_tokens=600, tools_tokens=300, history_tokens=500, context_tokens=250, user_tokens=150, input_tokens=1800,
                    output_tokens=220, cache_read_input_tokens=0, cache_creation_input_tokens=0,
                )  # fmt: skip
                if day >= SHIFT_DAY and number % 2:
                    self.shifted += cost("claude-sonnet-4-6", row) - cost("claude-haiku-4-5", row)
                    row["request_model"] = "claude-sonnet-4-6"
                yield row

    def summaries(self, dice: Dice) -> Iterator[Row]:
        """Every night, of any length, on a model that gets dearer on 15 October."""
        for day in range(DAYS):
            for _ in range(12):
                row = self.row(
                    dice, day, "northwind", "relay-large", feature="trip-summaries", team="content", project="content",
                    tags={"cost_center": "cc-200"}, input_tokens=dice.around(9000, 21000), output_tokens=dice.around(500, 1100),
                )  # fmt: skip
                if day >= RISE_DAY:
                    self.risen += cost("relay-large from 15 October", row) - cost("relay-large", row)
                yield row

    def fraud(self, dice: Dice) -> Iterator[Row]:
        """Answers in a fixed form; on 8 October the provider is overloaded."""
        for day in range(DAYS):
            for number in range(8):
                yield self._fraud(dice, day, f"order-{day}-{number}")
            if day == STORM_DAY:
                for number in range(STORM_CALLS):
                    yield from self._stormy(dice, self._fraud(dice, day, f"storm-{number}"), number)

    def _fraud(self, dice: Dice, day: int, order: str) -> Row:
        return self.row(
            dice, day, "openai", "gpt-5-mini", feature="fraud-check", team="risk", project="risk-prod", api_key_id="key_risk",
            tags={"cost_center": "cc-300"}, response_format="schema:fraud-v2", schema_tokens=420, system_tokens=310, input_tokens=3400,
            output_tokens=dice.around(60, 140), prompt_key=key(order), attempt=1, cache_read_input_tokens=0,
        )  # fmt: skip

    def _stormy(self, dice: Dice, row: Row, number: int) -> Iterator[Row]:
        """Attempts in which half are refused for nothing and half cut off and billed, then an answer."""
        moment = FIRST + timedelta(days=STORM_DAY, hours=13, seconds=60 * number)
        attempts = dice.whole(4, 7)
        for attempt in range(1, attempts + 1):
            self.made += 1
            tried = row | {"request_id": f"r{self.made:06d}", "attempt": attempt, "started_at": stamp(moment)}
            if attempt < attempts and attempt % 2:
                tried = {k: v for k, v in tried.items() if not k.endswith("_tokens") and k != "token_source"} | {
                    "status": "error"
                }
            elif attempt < attempts:
                tried |= {"status": "partial", "output_tokens": 40, "finish_reason": "length"}
                self.wasted += cost("gpt-5-mini", tried)
            self.storm.append(tried["started_at"])
            yield tried
            moment += timedelta(seconds=dice.whole(2, 20))

    def reviews(self, dice: Dice) -> Iterator[Row]:
        """Five developers, the same few reviews every working day; one agent runs away."""
        for day in range(DAYS):
            for dev in range(1, 6):
                away = dev == 3 and day in AWAY_DAYS
                for number in range((4 if weekday(day) else 0) + (AWAY_CALLS if away else 0)):
                    row = self.row(
                        dice, day, "anthropic", "claude-sonnet-4-6", feature="code-review", team="platform", project="platform",
                        user_id=f"dev-{dev}", api_key_id="key_platform", tags={"cost_center": "cc-400"}, tools_tokens=3000,
                        system_tokens=2500, history_tokens=2600, user_tokens=900, input_tokens=9000, output_tokens=400,
                        cache_read_input_tokens=7000, cache_creation_input_tokens=1000,
                    )  # fmt: skip
                    if number >= 4:
                        self.excess += cost("claude-sonnet-4-6", row)
                    yield row

    def answers(self, dice: Dice) -> Iterator[Row]:
        """Asked of a large model; a router gives the shorter ones to the small one."""
        for day in range(DAYS):
            for _ in range(7):
                asked = dice.around(300, 2600)
                routed = asked < 1500
                yield self.row(
                    dice, day, "openai", "gpt-5.4-mini" if routed else "gpt-5.4", feature="search-answers", team="growth", project="search",
                    tags={"cost_center": "cc-500"}, original_model="openai/gpt-5.4", was_routed=routed, context_tokens=asked - 120,
                    user_tokens=120, input_tokens=asked, output_tokens=dice.around(80, 300), cache_read_input_tokens=0,
                )  # fmt: skip

    def moderation(self, dice: Dice) -> Iterator[Row]:
        """What every team's texts go through; it is nobody's."""
        for day in range(DAYS):
            for _ in range(6):
                yield self.row(
                    dice, day, "openai", "gpt-5-mini", feature="moderation", project="shared", api_key_id="key_gateway",
                    call_role="checker", system_tokens=700, input_tokens=dice.around(800, 1500), output_tokens=8,
                )  # fmt: skip

    def itineraries(self, dice: Dice) -> Iterator[Row]:
        """A thinking model that sees photographs."""
        for day in range(DAYS):
            for _ in range(3):
                thought = dice.around(200, 1200)
                yield self.row(
                    dice, day, "google", "gemini-3.8-flash", feature="itineraries", team="growth", project="trips",
                    tags={"cost_center": "cc-500"}, input_tokens=1400 + 1090, input_image_tokens=1090, system_tokens=900,
                    reasoning_output_tokens=thought, output_tokens=thought + dice.around(200, 500), cache_read_input_tokens=0,
                )  # fmt: skip

    def events(self) -> dict[str, Any]:
        """What happened in October, and what it cost."""
        return {
            "price_change": {"model": "northwind/relay-large", "on": day_text(RISE_DAY), "effect_usd": plain(self.risen)},
            "retry_storm": {
                "feature": "fraud-check", "first": min(self.storm), "last": max(self.storm), "attempts": len(self.storm),
                "wasted_usd": plain(self.wasted),
            },
            "mix_shift": {"feature": "assistant", "to": "anthropic/claude-sonnet-4-6", "mix_usd": plain(self.shifted)},
            "runaway_user": {
                "user_id": "dev-3", "start": day_text(AWAY_DAYS[0]), "end": day_text(AWAY_DAYS[-1]), "excess_usd": plain(self.excess),
            },
        }  # fmt: skip


def weekday(day: int) -> bool:
    """Whether people work on that day of the story."""
    return (FIRST + timedelta(days=day)).weekday() < 5


def day_text(day: int) -> str:
    """A day of the story as a date."""
    return f"{FIRST + timedelta(days=day):%Y-%m-%d}"


def plain(amount: Decimal) -> str:
    """An exact amount as text."""
    return format(amount.normalize(), "f")


def build() -> Folder:
    """The files of sample_logs/two_months."""
    story = Story()
    months: dict[str, list[Row]] = {"2026-09": [], "2026-10": []}
    for row in story.rows:
        months[row["started_at"][:7]].append(row)
    files = {f"{month}.jsonl.gz": packed("\n".join(map(dumps, rows)).encode()) for month, rows in months.items()}
    expected = {f"{month}.jsonl.gz": expect("usage-rows", rows, read=len(rows)) for month, rows in months.items()}
    expected["2026-10.jsonl.gz"]["events"] = story.events()
    return folder(files, expected)
