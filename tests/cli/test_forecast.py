"""The command from end to end: what a user types and reads."""

from __future__ import annotations

import pytest

from tests.cli.support import Program, row, write_rows


@pytest.fixture(autouse=True)
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statsmodels is slow to import."""
    monkeypatch.setattr("llmcost.results.forecast.library.installed", lambda: False)


def _days(llmcost: Program, days: int, **changes: object) -> str:
    rows = [
        row(10 * n + k, started_at=f"2026-10-{n:02d}T{hour:02d}:10:00Z", team=f"t{k}|<b>=1+1", **changes)
        for n in range(1, days + 1)
        for k, hour in enumerate((0, 12, 23))
    ]
    return str(write_rows(llmcost.folder / "rows.jsonl", *rows))


def test_a_month_in_json(llmcost: Program) -> None:
    found = llmcost("forecast", _days(llmcost, 20), "--by", "team", "--budget", "0.03", "-f", "json", "-q").json
    outlook = found["outlook"]
    assert (outlook["status"], outlook["last_settled"], outlook["settled_days"]) == ("forecast", "2026-10-20", 20)
    assert len(outlook["days"]) == 11
    (month,) = outlook["months"]
    assert month["month"] == "2026-10"
    assert month["breach"]["on"] is not None or month["breach"]["probability"] == "0"
    assert {part["value"] for part in found["parts"]} == {f"t{k}|<b>=1+1" for k in range(3)}


def test_hostile_names_stay_text(llmcost: Program) -> None:
    path = _days(llmcost, 20)
    page = llmcost("forecast", path, "--by", "team", "-f", "html", "-q").out
    assert "<b>=1+1" not in page.replace("&lt;b&gt;", "")
    assert "t0|<b>" not in llmcost("forecast", path, "--by", "team", "-f", "markdown", "-q").out


def test_short_logs_say_so(llmcost: Program) -> None:
    shown = llmcost("forecast", _days(llmcost, 5), "-q").out
    assert "Insufficient history" in shown
    assert "Backtest" not in shown
    assert "P10 to P90" not in shown.split("By month")[0]


def test_a_forecast_from_the_past(llmcost: Program) -> None:
    found = llmcost("forecast", _days(llmcost, 28), "--as-of", "2026-10-21", "-f", "json", "-q").json
    assert found["outlook"]["last_settled"] == "2026-10-20"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--until", "2026-12-01", "--months", "2"], "it already says where the forecast ends"),
        (["--until", "2026-10-01"], "is not within two years after the last settled day"),
        (["--growth", "-100%"], "is no growth a month"),
        (["--growth", "a lot"], "'a lot'"),
        (["--budget", "0"], "is not above zero"),
        (["--by", "teem"], "there is no dimension 'teem'"),
        (["--settled", "28"], "no day of the log is settled"),
        (["--method", "run-rate", "--growth", "5%"], "knows no growth"),
    ],
)
def test_what_cannot_be_is_said(llmcost: Program, arguments: list[str], said: str) -> None:
    found = llmcost("forecast", _days(llmcost, 20), *arguments, "-q", code=2)
    assert said in found.err
    assert "Traceback" not in found.err
