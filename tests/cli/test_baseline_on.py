"""``simulate --baseline-on``: a log from before its prices."""

from __future__ import annotations

from decimal import Decimal

from tests.cli.support import Program, row, write_rows


def test_the_command_line_prices_an_old_log(llmcost: Program) -> None:
    log = write_rows(llmcost.folder / "old.jsonl", *(row(n, started_at=f"2019-01-01T00:{n:02d}:00Z") for n in range(9)))
    alone = llmcost("simulate", log, "--preset", "batch", "--prices-on", "2026-11-01", "-f", "json", "-q").json
    assert alone["scenarios"][0]["not_comparable"]["requests"] == 9
    both = llmcost("simulate", log, "--preset", "batch", "--baseline-on", "2026-11-01", "-f", "json", "-q").json
    assert both["scenarios"][0]["not_comparable"]["requests"] == 0
    assert Decimal(both["baseline"]["cost_usd"]) > 0
    assert both["prices"]["on"] == "2026-11-01"
    early = llmcost("simulate", log, "--preset", "batch", "--baseline-on", "2010-01-01", "-f", "json", "-q").json
    assert early["scenarios"][0]["not_comparable"]["requests"] == 9
