"""Codex CLI's session logs: ``~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl`` and ``~/.codex/archived_sessions``.

From: the files that Codex writes (https://developers.openai.com/codex/cli, 2026-11-24), versions 0.50 to 0.146, and what
``codex exec --json`` prints. A row is one model call. Cached and written tokens are inside the input, reasoning inside
the output: total = input + output.

**A call is the difference of the running totals** (``total_token_usage``), not ``last_token_usage``: that one is also
written for events that changed nothing (2 of 180 in a real session). A forked session's file starts with a copy of its
parent's events under new times, and an archived file repeats a live one. So the request id is a digest of the session
that the history began in and of all totals up to the call: the copies get the ids of the originals, and the ingest keeps
each once, in whichever order the files come. The session it began in is that of the last ``session_meta`` before the
first count (a copied history brings its own), or the one it says it was forked from; it is the ``conversation_id`` too.

Sessions that were put together in one file are told apart by their headers: a header of another session behind counts is
the next session's, unless the totals run on (a copied history may hold headers too). Where times run backwards, the lines
were put in another order and differences are no calls: from there on an event's own count is taken (``out-of-order``).

``turn.completed`` carries the same running totals, and counts only in files without ``token_count``. The model is that
of the latest ``turn_context``; a time is that of the event, which follows the answer. ``fast`` is a tier of its own.
Left out: early versions name no model; prompts, whose system part and hidden reasoning the file does not hold; what a
call cost: ``plan_type`` (a tag) tells that it ran on a subscription, and list prices are then no charge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from llmcost.records.agents import folder_name
from llmcost.records.calls import tier_of
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.openai_chat import is_openai_model
from llmcost.records.rows import known, tags_of
from llmcost.records.shapes import mapping, word
from llmcost.records.values import as_json, count, instant, text
from llmcost.usage import names

Totals = dict[str, int | None]
_COUNTERS: Final = {
    "input_tokens": "input_tokens", "cache_read_input_tokens": "cached_input_tokens",
    "cache_creation_input_tokens": "cache_write_input_tokens", "output_tokens": "output_tokens",
    "reasoning_output_tokens": "reasoning_output_tokens",
}  # fmt: skip
_MAIN: Final = ("input_tokens", "output_tokens")
_TYPES: Final = frozenset({"session_meta", "turn_context", "event_msg", "response_item", "compacted", "world_state"})


def sniff(sample: Sample) -> bool:
    """Claims rollouts and the events of ``codex exec --json``."""
    return sample.form in {"jsonl", "json"} and any(_is_line(line) for line in sample.objects())


def _is_line(line: dict[str, Any]) -> bool:
    kind = word(line.get("type"))
    if kind == "thread.started":
        return "thread_id" in line
    return kind in _TYPES and isinstance(line.get("payload"), dict)


@dataclass
class _Session:
    """What the lines so far say of the session: who and where it is, and how far its totals have run."""

    own: str | None = None
    origin: str | None = None
    version: str | None = None
    provider: str | None = None
    model: str | None = None
    tier: str | None = None
    project: str | None = None
    branch: str | None = None
    is_subagent: bool = False
    totals: Totals = field(default_factory=dict)
    digest: bytes = b""
    counted: bool = False
    running: bool = False
    """Whether ``token_count`` events carry the totals, so that ``turn.completed`` would repeat them."""
    searches: int = 0
    latest: int | None = None
    ordered: bool = True
    next: _Session | None = None
    """The session that headers behind the counts announce; it begins with the next count, if that does not run on."""

    def begin_next(self) -> None:
        """Makes this the next session."""
        if self.next is not None:
            vars(self).update(vars(self.next))


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The calls of one session in order."""
    session = _Session()
    for record in records:
        notes = Notes()
        yield from notes.after(_line(session, record.value, notes))


def _line(session: _Session, line: Any, notes: Notes) -> Iterator[Reading]:
    if not isinstance(line, dict):
        yield Problem("no-event", "not an object")
        return
    payload = mapping(line.get("payload"))
    kind = word(line.get("type"))
    inner = word(payload.get("type")) if kind in {"event_msg", "response_item"} else kind
    if inner == "token_count":
        yield from _counted(session, line, payload, notes)
    elif inner == "turn.completed":
        yield from _completed(session, line, mapping(payload.get("usage") or line.get("usage")), notes)
    else:
        _learn(session, inner, payload or line, notes)
        yield Skip("an event without counts")


def _learn(session: _Session, kind: str, said: dict[str, Any], notes: Notes) -> None:
    """Takes over what an event tells of the calls that follow, for the session that a header announced too."""
    if session.next is not None:
        _learn(session.next, kind, said, Notes())
    if kind == "session_meta":
        _begin(session, said, notes)
    elif kind == "thread.started":
        own = notes.soft(text, said.get("thread_id"), "thread_id")
        if session.counted and own != session.own:
            session.next = _Session()
            session.begin_next()
        session.own = session.origin = own
    elif kind == "turn_context":
        session.model = notes.soft(text, said.get("model"), "model") or session.model
        session.project = folder_name(notes.soft(text, said.get("cwd"), "cwd")) or session.project
    elif kind == "thread_settings_applied":
        settings = mapping(said.get("thread_settings"))
        session.model = notes.soft(text, settings.get("model"), "model") or session.model
        session.tier = tier_of(settings.get("service_tier"), notes)
    elif kind == "web_search_call" and word(said.get("status")) in {"", "completed"}:
        action = mapping(said.get("action"))
        session.searches += word(action.get("type")) in {"", "search"}


def _begin(session: _Session, meta: dict[str, Any], notes: Notes) -> None:
    """The first header is the session's own, further ones before any count came with a copied history."""
    own = notes.soft(text, meta.get("id") or meta.get("session_id"), "session id")
    if session.counted and own not in {None, session.own} and session.next is None:
        session.next = _Session()
        _begin(session.next, meta, Notes())
    if not session.counted:
        session.origin = notes.soft(text, meta.get("forked_from_id"), "forked_from_id") or own or session.origin
    if session.own is not None:
        return
    session.own = own
    session.version = notes.soft(text, meta.get("cli_version"), "cli_version")
    session.provider = names.provider(notes.soft(text, meta.get("model_provider"), "model_provider"))
    session.project = folder_name(notes.soft(text, meta.get("cwd"), "cwd"))
    session.branch = notes.soft(text, mapping(meta.get("git")).get("branch"), "git branch")
    session.is_subagent = bool(mapping(meta.get("source")).get("subagent"))


def _counted(session: _Session, line: dict[str, Any], payload: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    info = payload.get("info")
    if not isinstance(info, dict):
        yield Skip("rate limits only")
        return
    plan = word(mapping(payload.get("rate_limits")).get("plan_type")) or None
    totals, last = mapping(info.get("total_token_usage")), mapping(info.get("last_token_usage"))
    if totals or last:
        session.running = True
        yield from _call(session, line, _read(totals), _read(last), notes, plan)
    elif {"prompt", "completion"} <= info.keys():
        notes.append(
            Problem("old-counts", "prompt and completion, taken as one call's", rejected=False, informative=True)
        )
        named = {"input_tokens": info["prompt"], "output_tokens": info["completion"]}
        yield from _call(session, line, {}, _read(named), notes, plan)
    else:
        yield Problem("no-usage", "the event holds neither totals nor a call's counts")


def _completed(session: _Session, line: dict[str, Any], usage: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    if not usage or session.running:
        yield Skip("the end of a turn, whose calls have events of their own" if usage else "a turn without usage")
        return
    yield from _call(session, line, _read(usage), {}, notes, None)


def _read(usage: dict[str, Any]) -> Totals:
    found: Totals = {name: count(usage.get(key), key) for name, key in _COUNTERS.items()} if usage else {}
    return found if any(value is not None for value in found.values()) else {}


def _call(
    session: _Session, line: dict[str, Any], totals: Totals, last: Totals, notes: Notes, plan: str | None
) -> Iterator[Reading]:
    if session.next is not None and not _runs_on(session.totals, totals, last):
        session.begin_next()
    session.next = None
    if totals and all(value in {None, session.totals.get(name)} for name, value in totals.items()):
        yield Skip("the totals did not change")
        return
    at = notes.soft(instant, line.get("timestamp"), "timestamp")
    _check_order(session, at, notes)
    counters = _difference(session, totals, last, notes) if totals and (session.ordered or not last) else last
    session.digest = _chained(session, totals or last)
    session.counted = True
    session.totals = _run_on(session.totals, totals, last)
    if not any(counters.get(name) for name in _MAIN):
        yield Skip("the totals did not change")
        return
    yield Row(known({**_facts(session, at, plan), **counters}))
    session.searches = 0


def _runs_on(before: Totals, totals: Totals, last: Totals) -> bool:
    """Whether totals continue those before: they did not fall, and the last call is what was added."""
    added = [(totals.get(name) or 0) - (before.get(name) or 0) for name in _MAIN]
    return bool(totals) and min(added) >= 0 and (not last or added in ([0, 0], [last.get(name) or 0 for name in _MAIN]))


def _check_order(session: _Session, at: int | None, notes: Notes) -> None:
    if session.ordered and at is not None and session.latest is not None and at < session.latest:
        session.ordered = False
        told = "an event is older than the one before it: from here on each event's own count is taken"
        notes.append(Problem("out-of-order", told, rejected=False))
    session.latest = max(at or 0, session.latest or 0) or None


def _run_on(before: Totals, totals: Totals, last: Totals) -> Totals:
    """How far the totals have run: what they say, or the call on top of them where an event gives only that."""
    if totals:
        return {**before, **{name: value for name, value in totals.items() if value is not None}}
    return {**before, **{name: (before.get(name) or 0) + value for name, value in last.items() if value is not None}}


def _difference(session: _Session, totals: Totals, last: Totals, notes: Notes) -> Totals:
    """What this call added to the totals; its own counts where the totals start late or start over."""
    before = session.totals
    if not before:
        missing = sum((totals[n] or 0) - (last.get(n) or 0) for n in _MAIN) if last and not session.counted else 0
        if missing > 0:
            told = f"{missing} tokens were counted before the first event and are not in this file"
            notes.append(Problem("totals-start-late", told, rejected=False, informative=True))
        return last if missing > 0 else totals
    if any((totals[name] or 0) < (before.get(name) or 0) for name in _MAIN):
        notes.append(Problem("totals-fell", "the running totals started over", rejected=False, informative=True))
        return last or totals
    added = {name: None if value is None else value - (before.get(name) or 0) for name, value in totals.items()}
    return {name: value if value is None or value >= 0 else None for name, value in added.items()}


def _chained(session: _Session, counts: Totals) -> bytes:
    """A digest of where the history began and of all counts so far, the same in every copy of it."""
    state = session.digest or f"codex\x1f{session.origin or ''}".encode()
    return hashlib.blake2b(state + b"\x1f" + (as_json(counts) or "").encode(), digest_size=16).digest()


def _facts(session: _Session, at: int | None, plan: str | None) -> dict[str, Any]:
    tags = {"version": session.version, "git_branch": session.branch, "plan_type": plan}
    return {
        "request_id": f"codex-{session.digest.hex()}" if session.origin is not None else None,
        "call_role": "subcall" if session.is_subagent else "primary",
        "started_at": at,
        "provider_name": session.provider or _provider(session.model),
        "request_model": session.model,
        "operation_name": "chat",
        "service_tier": session.tier,
        "status": "ok",
        "requests": 1,
        "web_search_requests": session.searches or None,
        "project": session.project,
        "feature": "codex",
        "conversation_id": session.origin,
        "tags": tags_of({name: value for name, value in tags.items() if value is not None}),
        "token_source": "provider",
    }


def _provider(model: str | None) -> str | None:
    """OpenAI, Codex's own default, unless the model is another vendor's: then its server is unknown."""
    return "openai" if model is None or is_openai_model(model) else None


SOURCE: Final = Source(
    title="Codex CLI session logs",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read_file=read_file,
    knows=frozenset({
        "request_id", "call_role", "started_at", "provider_name", "request_model", "operation_name", "service_tier", "status", "requests",
        "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens", "reasoning_output_tokens",
        "web_search_requests", "project", "feature", "conversation_id", "tags", "token_source",
    }),
    url="https://developers.openai.com/codex/cli",
    checked="2026-11-24",
)  # fmt: skip
