"""The tables of the monthly report about what comes: what would have saved money, and the coming months."""

from __future__ import annotations

from llmcost.results.cells import DASH, cells, columns, share_cell, usd_cell
from llmcost.results.document import Cell, Table
from llmcost.results.forecast.model import Outlook
from llmcost.results.monthly.model import Scenarios
from llmcost.results.present import clean, counted, name, places_of, rest_note


def scenarios_table(found: Scenarios, top_n: int) -> Table:
    """What would have saved money, largest first."""
    places = places_of(s.saving_usd for s in found.worth)
    rows = tuple(
        cells(
            name(s.name),
            usd_cell(s.saving_usd, places, tone="saving"),
            share_cell(s.saving_share),
            usd_cell(s.evidence.measured_usd, places),
            usd_cell(s.evidence.modelled_usd, places),
            usd_cell(s.evidence.assumed_usd, places),
            "not measured" if s.changes_answers else "same answers",
            clean(s.title),
        )
        for s in found.worth[:top_n]
    )
    heads = columns(
        "Scenario", "Saves#$", "Share#%", "Measured#$?", "Modelled#$?", "Assumed#$?", "Quality", "What it does?"
    )
    more = rest_note(len(found.worth) - top_n, "smaller saving")
    losing = (
        f"{len(found.losing)} would have cost as much or more: {', '.join(name(n) for n in found.losing)}."
        if found.losing
        else ""
    )
    idle = f"{len(found.idle)} have nothing to do in this log." if found.idle else ""
    note = " ".join(part for part in (more, losing, idle, "Each is replayed alone: savings do not add up.") if part)
    return Table("scenarios", "Worth doing", heads, rows, note=note, empty="no scenario saves anything", titled=False)


def forecast_table(found: Outlook) -> Table:
    """The coming months: what is known, what is to come, how sure it is, and when a budget is spent."""
    places = places_of(m.total_usd for m in found.months)
    budgets = any(m.breach for m in found.months)
    rows = []
    for month in found.months:
        band = (
            [DASH, DASH]
            if month.range is None
            else [usd_cell(month.range.p10_usd, places), usd_cell(month.range.p90_usd, places)]
        )
        held: list[str | Cell] = []
        if budgets:
            breach = month.breach
            on = (
                DASH
                if breach is None
                else "already"
                if breach.spent
                else breach.on.isoformat()
                if breach.on
                else "not in it"
            )
            held = [on, DASH if breach is None or breach.probability is None else share_cell(breach.probability)]
        amounts = (usd_cell(v, places) for v in (month.known_usd, month.forecast_usd, month.total_usd))
        rows.append(cells(month.month, *amounts, *band, *held))
    heads = columns(
        "Month", "Known#$?", "To come#$?", "Total#$", "P10#$", "P90#$", *(["Budget spent", "Probability#%?"] if budgets else [])
    )  # fmt: skip
    said = f"Forecast from {counted(found.settled_days, 'day')} of the log; in eight of ten cases a month lies between P10 and P90"
    note = (
        f"Insufficient history: {clean(found.why)}; the run-rate, with no band."
        if found.why
        else f"{said}. llmcost forecast tells more."
    )
    return Table("forecast", "Forecast", heads, tuple(rows), note=note, titled=False)
