"""Request logs of OpenAI's images and audio, and of hosts that speak this form.

From: what an application or proxy writes for calls of ``POST /v1/images/generations`` (edits, variations),
``/v1/audio/speech``, ``/v1/audio/transcriptions`` and ``/v1/audio/translations``
(https://platform.openai.com/docs/api-reference/images, 2026-11-24): JSONL or one JSON document of
``{request, response ..}`` wrappers or of bare answers; streams as raw text or lists of events. A row is one call. An
image model of tokens bills those, one of pieces the images; speech is billed by the characters of its text or by
tokens, a transcription by tokens or by seconds. Left out: tokens of speech that was not streamed, and an id; the size and quality by which
dall-e is priced are tags, and no price list at hand has its rates, so its images are counted and unpriced. Calls of
OpenAI's other APIs in the same file are read too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.openai_forms import FORMS_KNOW, claims, read_forms


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call makes images, or hears or speaks."""
    return claims(sample, frozenset({"images", "speech", "transcription"}))


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_forms(record, context, "images")


SOURCE: Final = Source(
    title="OpenAI images and audio",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=FORMS_KNOW,
    url="https://platform.openai.com/docs/api-reference/images",
    checked="2026-11-24",
)
