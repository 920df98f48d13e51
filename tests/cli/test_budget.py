"""The status of budgets from the command line, on a log whose sums are known."""

from __future__ import annotations

import json

from tests.cli.support import Program

BUDGET = """
timezone = "Europe/Berlin"
[[budget]]
name = "month"
usd = 4
[[budget]]
name = "team day"
for = { team = "*" }
tokens = 60000
per = "day"
[[budget]]
name = "roomy"
usd = 100
"""


def _log(llmcost: Program) -> None:
    """0.10 USD and 40,000 tokens a call: one a day on 1 to 20 September, a second one on the 20th."""
    rows = [
        {"request_id": f"r{n}", "started_at": f"2026-09-{min(n, 20):02d}T{8 + n // 21:02d}:00:00Z", "provider_name": "openai",
         "request_model": "gpt-4o", "input_tokens": 40_000, "output_tokens": 0, "team": "a"} for n in range(1, 22)
    ]  # fmt: skip
    (llmcost.folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (llmcost.folder / "budget.toml").write_text(BUDGET)


def test_spent_share_pace_and_exhaustion(llmcost: Program) -> None:
    _log(llmcost)
    found = llmcost("budget", "budget.toml", "log.jsonl", "-q", "-f", "json", "--until", "2026-09-21").json
    lines = {line["budget"]: line for line in found["lines"]}
    month = lines["month"]
    assert (month["spent"], month["share"], month["requests"]) == ("2.1", "0.525", 21)
    assert month["start"] == "2026-08-31T22:00:00Z"
    assert month["state"] == "within"
    assert 3 < float(month["projected"]) < 4
    day = lines["team day"]
    assert (day["owner"], day["spent"], day["state"]) == ({"team": "a"}, "80000", "over")
    assert day["exhausted_at"] == "2026-09-20T09:00:00Z"
    (over,) = found["over"]
    assert (over["budget"], over["requests_over"], over["blocked"], over["blocked_amount"]) == (
        "team day",
        1,
        1,
        "40000",
    )


def test_what_will_be_over_says_when(llmcost: Program) -> None:
    _log(llmcost)
    (llmcost.folder / "budget.toml").write_text('[[budget]]\nname = "month"\nusd = 2.5\n')
    (line,) = llmcost("budget", "budget.toml", "log.jsonl", "-q", "-f", "json", "--until", "2026-09-21").json["lines"]
    assert line["state"] == "will be over"
    # 2.10 in the 20 days less 8 hours since the log begins: 0.40 more takes 3.75 days.
    assert line["exhausted_at"].startswith("2026-09-24T1")


def test_every_report_shows_it(llmcost: Program) -> None:
    _log(llmcost)
    text = llmcost("budget", "budget.toml", "log.jsonl", "-q").out
    for word in ("team day (team a)", "80,000 tokens", "$2.10", "2026-09-20 11:00", "roomy"):
        assert word in text
    assert llmcost("budget", "budget.toml", "log.jsonl", "-q", "-f", "line").out.startswith(
        "Of 3 budgets: 1 over, 2 within."
    )
    assert "error" in llmcost("budget", "budget.toml", "log.jsonl", "-q", "-f", "annotations").out


def test_a_price_that_changed_before_the_period_does_not_price_the_period(llmcost: Program) -> None:
    """Calls before --since spend of their windows too, at their own day's price, and leave the others theirs."""
    _log(llmcost)
    (llmcost.folder / "own.toml").write_text(
        'provider = "openai"\n[[model]]\nid = "gpt-4o"\n[[model.price]]\nfrom = 2026-01-01\nrates = { input = 10, output = 1 }\n'
        "[[model.price]]\nfrom = 2026-09-10\nrates = { input = 5, output = 1 }\n"
    )
    (llmcost.folder / "budget.toml").write_text('[[budget]]\nname = "day"\nusd = 0.1\nper = "day"\n')
    given = ("budget", "budget.toml", "log.jsonl", "-q", "--prices", "own.toml", "-f", "json", "--until", "2026-09-21")
    every = llmcost(*given).json["over"]
    later = llmcost(*given, "--since", "2026-09-15").json["over"]
    spent = {line["start"][:10]: line["spent"] for line in every}
    assert (spent["2026-09-09"], spent["2026-09-10"], spent["2026-09-20"]) == ("0.4", "0.2", "0.4")
    assert {line["start"][:10]: line["spent"] for line in later} == spent
