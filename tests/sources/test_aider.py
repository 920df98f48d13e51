"""aider's chat history: the real one costs what aider itself reckoned, to its rounding."""

from __future__ import annotations

import re
from decimal import Decimal

from llmcost.ingest.run import ingest
from llmcost.usage.store import Store
from tests.support import shared_data

RATES = {"claude-3-5-sonnet-20240620": (3, 15), "gpt-4o-mini": (Decimal("0.15"), Decimal("0.6"))}
"""Dollars per million tokens in August 2024, as the two price pages had them."""
REPORT = re.compile(r"^> Tokens: ([\d,]+) sent, ([\d,]+) received\. Cost: \$([\d.]+) (?:request|message)")


def test_every_report_of_the_real_history_is_a_row() -> None:
    path = shared_data("traces", "aider_chat_costs", "chat_costs.log")
    reports = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("> Tokens: ")]
    sent = sum(int(line.split()[2].replace(",", "")) for line in reports)
    with Store(None) as store:
        ingest(store, [str(path)])
        assert (
            store.rows("SELECT count(*), sum(input_tokens) FROM usage")[0] == (len(reports), sent) == (525, 5_157_639)
        )


def test_its_own_costs_are_the_list_prices_of_the_models_that_are_read() -> None:
    path = shared_data("traces", "aider_chat_costs", "chat_costs.log")
    lines = path.read_text(encoding="utf-8").splitlines()
    with Store(None) as store:
        ingest(store, [str(path)])
        rows = store.rows("SELECT line, request_model, input_tokens, output_tokens FROM usage ORDER BY line")
    compared = 0
    for line, model, given, made in rows:
        report = REPORT.match(lines[line - 1])
        if report is None or model not in RATES:
            continue
        into, out = RATES[model]
        cost = (given * into + made * out) / Decimal(1_000_000)
        step = Decimal(1).scaleb(-len(report[3].partition(".")[2]))
        compared += abs(cost - Decimal(report[3])) <= step
    assert compared >= 420
