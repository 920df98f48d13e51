"""The forms of GPU price files and throughput files, shipped in ``pricing/gpu`` and ``pricing/throughput``.

A user's own measurements and contracts have the same form. Prices are USD per GPU and hour, exact Decimals; throughput is
a measurement, in tokens per second and GPU of one replica of ``gpus`` GPUs.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from llmcost.pricing.schema import Confidence, Instant

Tier = Literal["on_demand", "reserved", "spot", "owned"]
Load = Literal["offline", "served"]
Amount = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Model(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)


class GpuPrice(_Model):
    """One dated price. Of several that hold, the later ``from`` wins."""

    valid_from: Instant = Field(alias="from", description="First instant at which the price is known to hold, UTC.")
    valid_to: Instant | None = Field(default=None, alias="to", description="First instant at which it no longer holds.")
    region: str = Field(default="any", description="Region, or region/zone for spot; any: wherever it is offered.")
    tier: Tier = Field(description="How it is bought; owned is what an hour costs its owner.")
    usd_per_gpu_hour: Amount = Field(description="USD per GPU and hour.")
    term_months: int | None = Field(default=None, gt=0, description="Term of a reservation, months.")
    interruptions_per_hour: Rate | None = Field(
        default=None, description="Spot: expected interruptions of an instance per hour."
    )
    source: str = Field(description="Where the price stands.")
    checked: date = Field(description="Day on which the source was read.")
    confidence: Confidence = Field(description="How the price is known.")
    note: str | None = Field(default=None, description="What a reader should know.")


class Offer(_Model):
    """An instance type: so many GPUs of one kind, rented together."""

    instance: str = Field(description="The provider's name of the instance.")
    gpu: str = Field(description="GPU, as throughput series name it (H100-SXM, B200-SXM ..).")
    gpu_memory_gb: int | None = Field(default=None, gt=0, description="Memory of one GPU, GB.")
    gpus: int = Field(default=1, gt=0, description="GPUs of one instance.")
    prices: tuple[GpuPrice, ...] = Field(alias="price", min_length=1, description="Dated prices.")


class GpuFile(_Model):
    """GPU instances of one provider."""

    provider: str = Field(description="Cloud, or owned.")
    offers: tuple[Offer, ...] = Field(alias="offer", description="What it rents out.")


class Point(_Model):
    """One measurement of a replica: lengths of the requests, load, and what came out."""

    input_tokens: Rate = Field(description="Input tokens of each request.")
    output_tokens: Rate = Field(description="Output tokens of each request.")
    concurrency: Rate | None = Field(
        default=None, description="Requests under way at once in the replica; absent: as many as it holds (offline)."
    )
    output_tokens_per_second_per_gpu: Rate = Field(description="Output tokens per second and GPU.")
    time_to_first_token_ms: Rate | None = Field(default=None, description="Median time to the first token, ms.")
    time_per_output_token_ms: Rate | None = Field(
        default=None, description="Median time between two output tokens, ms."
    )


class Series(_Model):
    """Measurements of one model on one kind of replica."""

    model: str = Field(description="Model, as its maker names it.")
    gpu: str = Field(description="GPU.")
    gpus: int = Field(default=1, gt=0, description="GPUs of one replica.")
    parallelism: str = Field(default="", description="How the replica's GPUs share the model (TP2, DEP8 ..).")
    precision: str = Field(default="", description="FP4, FP8, BF16 ..")
    stack: str = Field(default="", description="Server and version.")
    load: Load = Field(description="offline: as fast as it goes; served: at stated concurrencies.")
    source: str = Field(description="Where the measurements stand.")
    checked: date | None = Field(default=None, description="Day on which the source was read.")
    confidence: Confidence = Field(default="user", description="How they are known.")
    points: tuple[Point, ...] = Field(min_length=1, description="The measurements.")

    @property
    def name(self) -> str:
        """What tells the series from others: model, GPUs, precision, stack."""
        replica = f"{self.gpus}x {self.gpu} {self.parallelism}".strip()
        return ", ".join(part for part in (self.model, replica, self.precision, self.stack, self.load) if part)


class ThroughputFile(_Model):
    """A file of throughput measurements."""

    series: tuple[Series, ...] = Field(description="One for each model and kind of replica.")
