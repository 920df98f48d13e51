"""Stable draws: the same request, user or conversation is drawn alike in every run, on every engine.

``draw = ((key mod p) * a + b) mod p`` with p = 2^31 - 1, and a, b from (seed, scenario, step, rule). The product stays
below 2^62, so no engine overflows.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b
from typing import Final, Literal

import ibis
import ibis.expr.types as ir

from llmcost.workload.contract import Stage

P: Final = 2**31 - 1
By = Literal["request", "user", "conversation"]


def coefficients(seed: int, scenario: str, step: int, rule: int) -> tuple[int, int]:
    """The a (1 to p-1) and b (0 to p-1) of one draw."""
    digest = blake2b(f"{seed}\x1f{scenario}\x1f{step}\x1f{rule}".encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "big") % (P - 1) + 1, int.from_bytes(digest[8:], "big") % P


def drawn(rows: ir.Table, share: Decimal, by: By, stage: Stage, rule: int = 0) -> ir.BooleanValue:
    """Whether a row is among the ``share`` of rows; rows of an unknown user or conversation are drawn by request."""
    if share >= 1:
        return ibis.literal(True)
    if share <= 0:
        return ibis.literal(False)
    a, b = coefficients(stage.seed, stage.scenario, stage.step, rule)
    key = {
        "request": rows.request_key,
        "user": ibis.coalesce(rows.user_key, rows.request_key),
        "conversation": ibis.coalesce(rows.conversation_key, rows.request_key),
    }[by]
    return ((key % P) * a + b) % P < int(share * P)
