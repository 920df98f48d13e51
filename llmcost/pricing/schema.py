"""The form of a price file: dated, absolute rates per model, checked on loading.

One TOML file a provider lies in ``pricing/``; a user's overlay file has the same form. Rates are USD per million
tokens (``rates``) or USD per unit (``per_unit``), written as TOML numbers and read as exact Decimals. An absent
rate is not zero: a counted token of that class makes the request unpriced, unless :mod:`llmcost.pricing.units`
names another class that the provider bills it as.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

TokenClass = Literal[
    "input", "output", "reasoning", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_24h",
    "audio_input", "cache_read_audio", "audio_output", "image_input", "image_output", "video_input",
]  # fmt: skip
UnitClass = Literal[
    "request", "web_search", "page", "image", "audio_input_second", "video_input_second",
    "audio_output_second", "code_session", "file_search", "search_unit", "cache_storage_mtok_hour", "character",
]  # fmt: skip
Service = Literal["standard", "batch", "flex", "priority", "fast"]
Confidence = Literal[
    "primary page", "two catalogues agree", "catalogue", "secondary page", "recalled", "derived", "user"
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return value


Instant = Annotated[datetime, BeforeValidator(_instant)]
Amount = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class _Model(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)


class Window(_Model):
    """A weekly time span in UTC in which an entry applies; ``end`` is exclusive and may be 24:00 as 00:00."""

    days: tuple[Weekday, ...] = Field(description="UTC weekdays on which the span starts.")
    start: time = Field(description="Start, UTC.")
    end: time = Field(description="End, UTC, exclusive; 00:00 is the end of the day.")
    except_dates: tuple[date, ...] = Field(
        default=(), description="UTC dates on which the span does not apply (holidays)."
    )


class Tier(_Model):
    """Rates of the whole request once its total input (cached included) reaches ``from_input_tokens``."""

    from_input_tokens: int = Field(
        gt=0, description="First total input token count at which the tier holds (200001 for 'above 200k')."
    )
    rates: dict[TokenClass, Amount] = Field(description="USD per million tokens; classes not named keep the base rate.")


class Price(_Model):
    """One dated entry. The order of entries decides nothing: windowed beats unwindowed, then the later ``from``."""

    valid_from: Instant = Field(alias="from", description="First instant at which the entry holds, UTC.")
    valid_to: Instant | None = Field(
        default=None, alias="to", description="First instant at which it no longer holds; absent: until the next entry."
    )
    service: Service = Field(default="standard", description="Service tier that was served.")
    region: str = Field(
        default="global",
        description="global, us, eu .. or a host's region; a region without entries of its own uses the global ones.",
    )
    windows: tuple[Window, ...] = Field(default=(), description="The entry applies only inside these spans.")
    rates: dict[TokenClass, Amount] = Field(default_factory=dict, description="USD per million tokens.")
    per_unit: dict[UnitClass, Amount] = Field(default_factory=dict, description="USD per unit.")
    free: dict[UnitClass, str] = Field(
        default_factory=dict,
        description="What is free before a fee begins, in words: said where the fee is charged, never subtracted.",
    )
    tiers: tuple[Tier, ...] = Field(default=(), alias="tier", description="Long-context tiers.")
    announced: bool = Field(default=False, description="Announced for the future, not yet effective.")
    source: str = Field(description="Where the rate stands (URL or catalogue with version).")
    checked: date = Field(description="Day on which the source was read.")
    confidence: Confidence = Field(description="How the rate is known.")
    note: str | None = Field(default=None, description="What a reader should know.")


class CacheRule(_Model):
    """How the provider caches prompts of this model from an instant on."""

    valid_from: Instant = Field(alias="from", description="First instant at which the rule holds.")
    mode: Literal["implicit", "explicit", "both", "none"] = Field(
        description="Automatic, by request markers, both, or no caching."
    )
    min_tokens: int = Field(default=0, ge=0, description="Shortest prefix that is cached, tokens.")
    increment_tokens: int = Field(default=1, ge=1, description="A hit is a multiple of this beyond min_tokens.")
    ttl_seconds: int = Field(default=300, gt=0, description="Life after the last use, seconds (the default one).")
    long_ttl_seconds: int | None = Field(
        default=None, description="The longer life that can be bought or set, seconds."
    )
    refresh_on_hit: bool = Field(default=True, description="Whether a hit renews the life.")
    max_breakpoints: int | None = Field(default=None, description="Most cache breakpoints in a request.")
    lookback_blocks: int | None = Field(default=None, description="Content blocks looked back from a breakpoint.")
    scope: Literal["organization", "project", "api_key"] = Field(
        default="organization", description="Who shares a cache (project is also workspace)."
    )
    write_class: Literal["cache_write_5m", "cache_write_1h", "input"] = Field(
        default="input", description="Rate class of written tokens at the default life."
    )
    storage_billed: bool = Field(default=False, description="Whether explicit caches pay cache_storage_mtok_hour.")
    guaranteed: bool = Field(
        default=True, description="False where the provider promises no hits (implicit caching of some)."
    )
    source: str = Field(description="Where the rule stands.")
    checked: date = Field(description="Day on which the source was read.")
    note: str | None = Field(default=None, description="What a reader should know (conflicting sources ..).")


class AliasSpan(_Model):
    """A moving name (``-latest``) and what it meant from one instant to another."""

    alias: str
    valid_from: Instant = Field(alias="from")
    valid_to: Instant | None = Field(default=None, alias="to")


class FineTune(_Model):
    """What training and hosting a tuned model costs."""

    training_per_mtok: Amount | None = Field(default=None, description="USD per million training tokens.")
    hosting_per_hour: Amount | None = Field(default=None, description="USD per hour hosted.")
    source: str
    checked: date
    confidence: Confidence


class ModelEntry(_Model):
    """One model, or one tool, of one provider."""

    id: str = Field(description="Canonical id, as the provider's API names it.")
    aliases: tuple[str, ...] = Field(default=(), description="Other exact names (dated snapshots).")
    patterns: tuple[str, ...] = Field(default=(), description="Anchored regular expressions for further names.")
    alias_history: tuple[AliasSpan, ...] = Field(
        default=(), description="Moving names that meant this model for a time."
    )
    family: str | None = Field(default=None, description="Model family, for reports.")
    note: str | None = Field(
        default=None, description="What a reader should know (how the tokenizer factor is known ..)."
    )
    operation: Literal["chat", "embeddings", "image", "audio", "moderation", "rerank", "ocr", "video", "tool"] = Field(
        default="chat",
        description="What is sold. A tool is paid per call, and its fees hold for every model of the provider.",
    )
    context_window: int | None = Field(default=None, description="Most input + output tokens.")
    max_output: int | None = Field(default=None, description="Most output tokens.")
    tokenizer: str | None = Field(default=None, description="Name of the tokenizer.")
    tokenizer_factor: Amount | None = Field(default=None, description="Tokens per o200k_base token for English text.")
    released: date | None = None
    deprecated_from: date | None = None
    retired_from: date | None = None
    cache: tuple[CacheRule, ...] = Field(default=(), description="Prompt-cache rules by date.")
    prices: tuple[Price, ...] = Field(alias="price", description="Dated entries.")
    fine_tune: FineTune | None = None


class BatchRule(_Model):
    """Limits of the provider's batch interface."""

    max_requests: int | None = None
    max_bytes: int | None = None
    window_seconds: int | None = Field(default=None, description="Answers come back within this time.")
    cache_reads: bool = Field(default=True, description="Whether prompt-cache reads are billed as such inside a batch.")
    source: str
    checked: date


class PriceFile(_Model):
    """One provider's price file."""

    provider: str = Field(description="Canonical provider name.")
    url: str = Field(description="The provider's price page.")
    batch: BatchRule | None = None
    models: tuple[ModelEntry, ...] = Field(
        default=(), alias="model", description="The models; a provider that charges nothing per call has none."
    )


class Discount(_Model):
    """A negotiated factor on list rates. Factors of all discounts that match multiply; their order decides nothing."""

    provider: str | None = Field(default=None, description="Provider; absent: the file's provider, else every one.")
    model: str = Field(default="*", description="Model id, or a shell pattern like 'gpt-4o*'.")
    service: Service | None = Field(default=None, description="Service tier; absent: all of them.")
    factor: Amount = Field(description="What is paid of the list rate: 0.85 is 15 % off.")
    valid_from: Instant | None = Field(default=None, alias="from", description="First instant at which it holds, UTC.")
    valid_to: Instant | None = Field(default=None, alias="to", description="First instant at which it no longer holds.")
    note: str | None = None


class OverlayPrice(Price):
    """A rate of the user's own; it replaces all shipped rates of its service and region while it holds."""

    source: str = Field(default="user", description="Where the rate stands (contract ..).")
    checked: date | None = Field(default=None, description="Day on which the source was read.")  # type: ignore[assignment]  # a contract needs no such day
    confidence: Confidence = Field(default="user")


class OverlayModel(ModelEntry):
    """A model of the user's own, or further names and rates of a shipped one."""

    provider: str | None = Field(default=None, description="Provider; absent: the file's.")
    prices: tuple[OverlayPrice, ...] = Field(default=(), alias="price")


class OverlayFile(_Model):
    """A user's price file on top of the shipped ones: own models, negotiated rates, discounts."""

    provider: str | None = Field(default=None, description="Provider of the entries that name none.")
    url: str | None = None
    models: tuple[OverlayModel, ...] = Field(default=(), alias="model")
    discounts: tuple[Discount, ...] = Field(default=(), alias="discount")
