"""Which reader takes a call, and who served it: a proxy's log of many APIs is read by whichever source claims its first call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from llmcost.records.anthropic import MESSAGES_KNOWS, messages_readings, provider_of_id
from llmcost.records.contract import Context, Reading, Record, Row, Sample, Skip
from llmcost.records.exchange import Exchange, first_call
from llmcost.records.gemini import GEMINI_KNOWS, gemini_readings
from llmcost.records.hosts import FORMS as HOST_FORMS
from llmcost.records.hosts import OWN_SOURCE, answer_of
from llmcost.records.mixed import ANY_HOST, read_calls
from llmcost.records.openai_bodies import BODIES, BODIES_KNOW, body_readings
from llmcost.records.openai_chat import CHAT_KNOWS, chat_readings, is_openai_model, provider_of_answer
from llmcost.records.openai_responses import RESPONSES_KNOW, responses_readings
from llmcost.records.shapes import mapping

FORMS: Final = BODIES | {"chat", "responses", "messages", "gemini"}
FORMS_KNOW: Final = CHAT_KNOWS | RESPONSES_KNOW | BODIES_KNOW | MESSAGES_KNOWS | GEMINI_KNOWS
"""The columns that calls in these forms can fill."""


def claims(sample: Sample, apis: frozenset[str]) -> bool:
    """Whether the first recognisable call of a file is of one of these APIs, and of no host with a source of its own."""
    call = first_call(sample)
    if call is None or call.api not in apis:
        return False
    return call.api not in HOST_FORMS or provider_of(call) not in OWN_SOURCE


def provider_of(call: Exchange) -> str | None:
    """Who served a call: its address or logger says so, else marks of its answer."""
    if call.provider is not None:
        return call.provider
    answer = answer_of(call)
    made = provider_of_answer(answer)
    if made is None and call.api != "chat" and is_openai_model(answer.get("model") or call.request.get("model")):
        return "openai"
    return made


def messages_provider(call: Exchange) -> str | None:
    """Who served a Messages call: its address or logger, else its id; a bare answer is Anthropic's own."""
    if call.provider is not None:
        return call.provider
    begun = (mapping(event.data.get("message")) for event in call.events)
    own_id = call.response.get("id") or next((message["id"] for message in begun if "id" in message), None)
    return provider_of_id(own_id) or ("anthropic" if call.url is None else None)


def read_forms(record: Record, context: Context, otherwise: str) -> Iterator[Reading]:
    """The rows of one record; ``otherwise`` is the API of calls that do not tell theirs (failed ones)."""
    return read_calls(record, context, ANY_HOST, lambda call: form_readings(call, otherwise))


def form_readings(call: Exchange, otherwise: str) -> Iterator[Reading]:
    """The rows of one call."""
    api = call.api or otherwise
    if api == "responses":
        found = responses_readings(call, provider_of(call))
        # That it carries no usage is odd only if no event ends the stream, and then its row has no counts.
        return (one for one in found if isinstance(one, Row)) if call.begins else found
    if api == "messages":
        return messages_readings(call, messages_provider(call))
    if api == "gemini":
        return gemini_readings(call)
    if api in BODIES:
        return body_readings(call, provider_of(call), api)
    if call.response.get("object") == "chat.completion.chunk" and not call.response.get("usage"):
        return iter([Skip("a chunk of a stream, without the usage that its last one carries")])
    return chat_readings(call, provider_of(call))
