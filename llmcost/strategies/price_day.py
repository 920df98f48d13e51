"""Prices every request at one day's rates, so that price drift is not credited to a later step.

Formula: cost = counts x the rates that held at 12:00 UTC of ``on``. Nothing else changes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import ibis
from pydantic import Field

from llmcost.workload.contract import MEASURED, Noted, Params, Rewritten, Stage, Strategy, Workload, with_rows

NOON = time(12)


class PriceDayParams(Params):
    """Which day's prices."""

    on: date = Field(description="Day (UTC) whose rates at noon price every request.")


def rewrite(workload: Workload, params: PriceDayParams, stage: Stage) -> Rewritten:
    """Moves ``priced_at`` of the selected rows to the day."""
    del stage
    at = int(datetime.combine(params.on, NOON, UTC).timestamp()) * 1_000_000
    rows = workload.rows
    moved = rows.selected & rows.sent
    rows = rows.mutate(
        priced_at=moved.ifelse(ibis.literal(at, type="int64"), rows.priced_at), changed=rows.changed | moved
    )
    return Rewritten(
        with_rows(workload, rows),
        title=f"prices of {params.on.isoformat()}",
        evidence=MEASURED,
        instants=(at,),
        assumptions=(Noted("prices on", params.on.isoformat(), "", "scenario"),),
    )


STRATEGY = Strategy(
    title="Price every request at one day's rates",
    params=PriceDayParams,
    rewrite=rewrite,
    conserves=frozenset({"requests", "rows", "input_tokens", "output_tokens", "models", "time"}),
)
