"""Attempts that gave way to another one, and the times in which that became a storm.

A call was given up when a later attempt of the same question follows: one of the same parent (``call_role`` retry), one
with the same prompt key within five minutes of a failure or with a higher ``attempt``, or, where the log has no prompt keys,
the next call of the conversation within a minute of an error. A storm is a run of such attempts and failures of one
provider, model and feature without a pause of ten minutes, at least twenty of them.
"""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Final

from llmcost.results.monthly.ledger import LAST, THIS, Ledger
from llmcost.results.monthly.model import Hidden, Storm
from llmcost.results.monthly.spend import share_of
from llmcost.results.period import moment
from llmcost.wording import counted

LEAST: Final = 20
_SECOND: Final = 1_000_000
_AGAIN: Final = 300 * _SECOND
_IN_CONVERSATION: Final = 60 * _SECOND
_PAUSE: Final = 600 * _SECOND
_FAILED: Final = "coalesce(status IN ('error', 'cancelled', 'partial'), false)"
_SHOWN: Final = 20
_NUMBERS: Final = itertools.count(1)
READS: Final = ("prompt_key", "conversation_id", "status", "attempt", "call_role", "feature", "parent_request_id")


class Retries:
    """The chains of attempts of both months."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.known = bool(ledger.known & {"status", "attempt", "call_role"}) and "started_at" in ledger.known
        if self.known:
            self.table = self._chains()

    def _chains(self) -> str:
        """A table of the calls that failed or were tried again, each with whether it gave way to a later one."""
        ledger = self.ledger
        number = next(_NUMBERS)
        suspects, chains = f"llmcost_suspects_{number}", f"llmcost_chains_{number}"
        role = self._column("call_role")
        attempt = self._column("attempt")
        ledger.store.execute(
            f'CREATE TEMP TABLE "{suspects}" AS SELECT row_id, {self._column("prompt_key")} AS prompt_key, conversation_key, '
            f'{self._column("parent_request_id")} AS parent FROM "{ledger.table}" '
            f"WHERE {_FAILED} OR coalesce({attempt} > 1, false) OR coalesce({role} = 'retry', false)"
        )
        ledger.engine.keep(suspects)
        parents = f'SELECT u.row_id, u.request_id FROM usage u WHERE u.request_id IN (SELECT parent FROM "{suspects}")'
        keyed = (
            f"CASE WHEN coalesce({role} = 'retry', false) AND l.parent IS NOT NULL THEN 'r' || l.parent "
            "WHEN p.request_id IS NOT NULL THEN 'r' || p.request_id "
            "WHEN l.prompt_key IS NOT NULL THEN 'p' || l.prompt_key "
            "WHEN l.conversation_key IS NOT NULL THEN 'c' || l.conversation_key END"
        )
        source = (
            f"SELECT *, {self._column('parent_request_id')} AS parent FROM "
            f'(SELECT * {self._absent(("prompt_key",))} FROM "{ledger.table}")'
        )
        chained = (
            f'l.row_id IN (SELECT row_id FROM "{suspects}") OR l.row_id IN (SELECT row_id FROM p) '
            f'OR l.prompt_key IN (SELECT prompt_key FROM "{suspects}") '
            f'OR (l.prompt_key IS NULL AND l.conversation_key IN (SELECT conversation_key FROM "{suspects}" WHERE prompt_key IS NULL))'
        )
        feature = self._column("feature")
        ledger.store.execute(
            f'CREATE TEMP TABLE "{chains}" AS WITH p AS ({parents}), l AS ({source}), c AS ('
            f"SELECT l.row_id, l.slot, l.started_at, l.status, {attempt} AS attempt, l.provider, l.model_key, {feature} AS feature, "
            f"l.cost, l.calls, {keyed} AS key FROM l LEFT JOIN p ON l.row_id = p.row_id WHERE {chained}), "
            "w AS (SELECT *, lead(started_at) OVER chain AS next_at, lead(attempt) OVER chain AS next_attempt FROM c "
            "WINDOW chain AS (PARTITION BY key ORDER BY started_at, attempt NULLS FIRST, row_id)) "
            f"SELECT *, {_FAILED} AS failed, key IS NOT NULL AND next_at IS NOT NULL AND coalesce(CASE key[1] "
            f"WHEN 'r' THEN true WHEN 'p' THEN next_attempt > attempt OR ({_FAILED} AND next_at - started_at <= {_AGAIN}) "
            f"ELSE next_attempt > attempt OR (status = 'error' AND next_at - started_at <= {_IN_CONVERSATION}) END, false) AS gone "
            "FROM w"
        )
        ledger.engine.keep(chains)
        return chains

    def _column(self, name: str) -> str:
        return name if name in self.ledger.known else "NULL"

    def _absent(self, names: tuple[str, ...]) -> str:
        return "".join(f", NULL AS {name}" for name in names if name not in self.ledger.known)

    def hidden(self, cost: Decimal) -> Hidden:
        """What attempts that gave way to another cost."""
        title, note = "attempts that gave way to a retry", "the last attempt of a chain is not counted"
        if not self.known:
            return Hidden(
                what=title, cost_usd=None, last_usd=None, share=None, tokens=None, known_requests=0, requests=0,
                evidence="measured", note="the log has neither status nor attempts",
            )  # fmt: skip
        rows = self.ledger.store.rows(f'SELECT slot, sum(cost), count(*) FROM "{self.table}" WHERE gone GROUP BY slot')
        sums = {slot: (self.ledger.usd(amount), int(number)) for slot, amount, number in rows}
        every = dict(self.ledger.rows("slot, sum(calls)", "GROUP BY slot"))
        none = (Decimal(0), 0)
        amount, number = sums.get(THIS, none)
        return Hidden(
            what=title,
            cost_usd=amount,
            last_usd=sums.get(LAST, none)[0] if LAST in every else None,
            share=share_of(amount, cost),
            tokens=None,
            known_requests=int(every.get(THIS) or 0),
            requests=int(every.get(THIS) or 0),
            evidence="measured",
            note=f"{counted(number, 'attempt')}; {note}",
        )

    def storms(self) -> list[Storm]:
        """The month's storms, dearest first."""
        if not self.known:
            return []
        part = "PARTITION BY provider, model_key, feature ORDER BY started_at, row_id"
        rows = self.ledger.store.rows(
            f'WITH hit AS (SELECT *, lag(started_at) OVER ({part}) AS before FROM "{self.table}" WHERE slot = {THIS} AND '
            f"(gone OR failed OR coalesce(attempt > 1, false))), "
            f"run AS (SELECT *, sum(CASE WHEN before IS NULL OR started_at - before > {_PAUSE} THEN 1 ELSE 0 END) "
            f"OVER ({part}) AS place FROM hit) "
            "SELECT provider, model_key, feature, min(started_at), max(started_at), count(*), "
            "count(*) FILTER (status = 'error'), sum(cost) FILTER (gone), count(*) FILTER (status = 'ok') FROM run "
            f"GROUP BY provider, model_key, feature, place HAVING count(*) FILTER (gone OR failed) >= {LEAST} "
            f"ORDER BY sum(cost) FILTER (gone) DESC NULLS LAST, min(started_at) LIMIT {_SHOWN}"
        )
        return [
            Storm(
                provider=provider, model=model, feature=feature, first=moment(first), last=moment(last), attempts=int(number),
                failed=int(failed), wasted_usd=self.ledger.usd(wasted), answered=int(answered),
            )
            for provider, model, feature, first, last, number, failed, wasted, answered in rows
        ]  # fmt: skip
