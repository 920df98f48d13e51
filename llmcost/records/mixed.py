"""Reads logs in which calls of several hosts stand, as proxies write them: each call as its own host's source reads it.

What a call costs can depend on its host: a charge inside the answer, units that are billed instead of tokens, a
deployment's name. Whichever source claims a file, its other calls are read by the source that is their home
(``Context.elsewhere``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from llmcost.records.contract import Context, Problem, Reading, Record, Skip
from llmcost.records.exchange import Exchange, exchanges, response_event
from llmcost.records.free import no_call
from llmcost.records.hosts import FORMS, OWN_SOURCE, provider_of
from llmcost.records.values import BadValueError

ANY_HOST: Final = "openai-chat"
"""The home of every call in a form that has no other: sources of the forms of OpenAI, Anthropic and Gemini read each other's."""
_HOME_OF_API: Final = {
    "converse": "bedrock-converse", "invoke": "bedrock-invoke", "cohere": "cohere", "rerank": "cohere", "ollama": "ollama", "ocr": "mistral",
    "gemini": "gemini",
}  # fmt: skip


def home_of(call: Exchange) -> str | None:
    """The source that reads calls like this one; None for a call that tells neither its API nor a host with a source."""
    api = call.api
    if api is None:
        return OWN_SOURCE.get(call.provider or "")
    if api in FORMS:
        return OWN_SOURCE.get(provider_of(call) or "", ANY_HOST)
    return _HOME_OF_API.get(api, ANY_HOST)


def read_calls(
    record: Record, context: Context, own: str, readings: Callable[[Exchange], Iterable[Reading]]
) -> Iterator[Reading]:
    """What is read of each call of the record: by ``readings`` where ``own`` is its home, else by its home's source.

    A request that no model answers (a list of models, a count of tokens) is skipped; one bad call leaves the others.
    """
    found = False
    for call in exchanges(record.value):
        found = True
        if (told := no_call(call)) is not None:
            yield told
            continue
        home = home_of(call) or own
        try:
            if home == own:
                yield from readings(call)
            elif context.elsewhere is not None:
                yield from context.elsewhere(home, call)
            else:
                yield Problem("other-format", f"a call of the API {call.api} that the source {home} reads")
        except BadValueError as error:
            yield Problem(error.kind, error.detail)
    if not found and response_event(record.value) is not None:
        yield Skip("an event inside a stream, whose last one carries the usage")
    elif not found:
        yield Problem("no-call", "the record holds neither a request with its answer nor an answer")
