"""What the models of all results share: they are frozen and closed, and their amounts are exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

from llmcost.money import plain

Usd = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]
"""An exact amount: in JSON an unrounded decimal string."""


class Shape(BaseModel):
    """A part of a result."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")
