"""Price files in memory: the form of :mod:`llmcost.pricing.schema` as plain frozen records, built in milliseconds.

The schema is the form that files are checked against (tests, ``prices check``, every overlay); loading a shipped file
at start-up uses this lighter mirror, whose fields a test holds equal to the schema's. Instants are microseconds UTC.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

import msgspec

from llmcost.config import exact_toml
from llmcost.errors import UsageError

TokenClass: TypeAlias = Literal[
    "input", "output", "reasoning", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_24h",
    "audio_input", "cache_read_audio", "audio_output", "image_input", "image_output", "video_input",
]  # fmt: skip
UnitClass: TypeAlias = Literal[
    "request", "web_search", "page", "image", "audio_input_second", "video_input_second",
    "audio_output_second", "code_session", "file_search", "search_unit", "cache_storage_mtok_hour", "character",
]  # fmt: skip
Service: TypeAlias = Literal["standard", "batch", "flex", "priority", "fast"]
Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SERVICES: Final[tuple[Service, ...]] = ("standard", "batch", "flex", "priority", "fast")
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Window(_Record, frozen=True):
    """A weekly span in UTC; ``end`` is exclusive, 00:00 is the end of the day, an end before the start is the next day's."""

    days: tuple[Weekday, ...]
    start: time
    end: time
    except_dates: tuple[date, ...] = ()


class Tier(_Record, frozen=True):
    """Rates of the whole request from this total input on."""

    from_input_tokens: int
    rates: dict[TokenClass, Decimal]


class Price(_Record, frozen=True, rename={"valid_from": "from", "valid_to": "to", "tiers": "tier"}):
    """One dated entry of a model, for one service tier and region."""

    valid_from: int
    valid_to: int | None = None
    service: Service = "standard"
    region: str = "global"
    windows: tuple[Window, ...] = ()
    rates: dict[TokenClass, Decimal] = {}
    per_unit: dict[UnitClass, Decimal] = {}
    free: dict[UnitClass, str] = {}
    tiers: tuple[Tier, ...] = ()
    announced: bool = False
    source: str = "user"
    checked: date | None = None
    confidence: str = "user"
    note: str | None = None

    def holds(self, at: int) -> bool:
        """Whether ``at`` lies between the entry's dates (windows aside)."""
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


class CacheRule(_Record, frozen=True, rename={"valid_from": "from"}):
    """How the provider caches prompts of a model from an instant on."""

    valid_from: int
    mode: Literal["implicit", "explicit", "both", "none"]
    min_tokens: int = 0
    increment_tokens: int = 1
    ttl_seconds: int = 300
    long_ttl_seconds: int | None = None
    refresh_on_hit: bool = True
    max_breakpoints: int | None = None
    lookback_blocks: int | None = None
    scope: Literal["organization", "project", "api_key"] = "organization"
    write_class: Literal["cache_write_5m", "cache_write_1h", "input"] = "input"
    storage_billed: bool = False
    guaranteed: bool = True
    source: str = "user"
    checked: date | None = None
    note: str | None = None


class AliasSpan(_Record, frozen=True, rename={"valid_from": "from", "valid_to": "to"}):
    """A moving name and when it meant the model that lists it."""

    alias: str
    valid_from: int
    valid_to: int | None = None


class FineTune(_Record, frozen=True):
    """What training and hosting a tuned model costs."""

    training_per_mtok: Decimal | None = None
    hosting_per_hour: Decimal | None = None
    source: str = "user"
    checked: date | None = None
    confidence: str = "user"


class ModelEntry(_Record, frozen=True, rename={"prices": "price"}):
    """One model, or one tool that models call, of one provider. ``provider`` is set in overlays only."""

    id: str
    provider: str | None = None
    aliases: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    alias_history: tuple[AliasSpan, ...] = ()
    family: str | None = None
    operation: Literal["chat", "embeddings", "image", "audio", "moderation", "rerank", "ocr", "video", "tool"] = "chat"
    context_window: int | None = None
    max_output: int | None = None
    tokenizer: str | None = None
    tokenizer_factor: Decimal | None = None
    released: date | None = None
    deprecated_from: date | None = None
    retired_from: date | None = None
    note: str | None = None
    cache: tuple[CacheRule, ...] = ()
    prices: tuple[Price, ...] = ()
    fine_tune: FineTune | None = None


class BatchRule(_Record, frozen=True):
    """Limits of the provider's batch interface."""

    max_requests: int | None = None
    max_bytes: int | None = None
    window_seconds: int | None = None
    cache_reads: bool = True
    source: str = "user"
    checked: date | None = None


class Discount(_Record, frozen=True, rename={"valid_from": "from", "valid_to": "to"}):
    """A negotiated factor on list rates."""

    factor: Decimal
    provider: str | None = None
    model: str = "*"
    service: Service | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    note: str | None = None


class PriceFile(_Record, frozen=True, rename={"models": "model", "discounts": "discount"}):
    """One price file; ``discount`` occurs in overlays only."""

    provider: str | None = None
    url: str | None = None
    batch: BatchRule | None = None
    models: tuple[ModelEntry, ...] = ()
    discounts: tuple[Discount, ...] = ()


def read(text: str, where: str) -> PriceFile:
    """The records of a price file; UsageError naming the place for what is not one."""
    try:
        return build(parse(text))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError, ArithmeticError, RecursionError) as error:
        raise UsageError(
            f"not a price file: {error}", where=where, why="llmcost schema prices shows the form"
        ) from error


def parse(text: str) -> dict[str, Any]:
    """TOML with exact numbers."""
    return exact_toml(text)


def build(data: dict[str, Any]) -> PriceFile:
    """The records of already parsed TOML."""
    return msgspec.convert(_with_instants(data), PriceFile)


def micros(moment: datetime | date) -> int:
    """Microseconds since 1970; a date is its first instant, a time without zone is UTC."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(at: int) -> datetime:
    """The UTC time of an instant."""
    return EPOCH + timedelta(microseconds=at)


def _with_instants(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: micros(v) if k in {"from", "to"} and isinstance(v, date) else _with_instants(v) for k, v in value.items()
        }
    if isinstance(value, list):
        return [_with_instants(item) for item in value]
    return value
