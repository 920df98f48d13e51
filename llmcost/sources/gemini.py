"""Request logs of Gemini's generateContent, of the Gemini API and of Vertex AI.

From: what an application, proxy or recorder writes for calls of ``models/<name>:generateContent`` and
``:streamGenerateContent``, also of ``:predict`` and ``:embedContent`` (https://ai.google.dev/api/generate-content,
2026-11-24): JSONL or one JSON document of
``{request, response ..}`` wrappers or of bare answers; streams as raw text or as a list of chunks; dumps of Google's
SDKs with their snake_case names; the output files of batch jobs (``key`` or ``processed_time`` beside the response),
whose calls are of the batch tier. A row is one call. Cached tokens are inside the input count, which also holds the
tokens of tool results; thinking is inside the row's output count, not inside the export's. Web searches are counted as
Google bills them, without its free allowances. Left out: the storage of explicit caches, which no answer shows; how many
of a document's tokens are images (they cost the same); a bare answer of the Gemini API has no time.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.exchange import first_call
from llmcost.records.gemini import GEMINI_KNOWS, gemini_readings
from llmcost.records.mixed import read_calls


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call is one of generateContent."""
    call = first_call(sample)
    return call is not None and call.api == "gemini"


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    batch = _is_batch(record.value)
    if batch and (fault := _fault(record.value)) is not None:
        record = Record({**record.value, "response": {"error": fault}}, record.line)
    return read_calls(record, context, "gemini", partial(gemini_readings, batch=batch))


def _is_batch(value: Any) -> bool:
    # https://ai.google.dev/gemini-api/docs/batch-api and
    # https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini (2026-11-24)
    if not isinstance(value, dict) or not {"response", "error"} & value.keys():
        return False
    return "processed_time" in value or ("key" in value and not {"url", "request"} & value.keys())


def _fault(value: dict[str, Any]) -> Any:
    """Why an item of a batch has no answer: Google writes an error, or its text into ``status``."""
    if value.get("response"):
        return None
    return value.get("error") or (value["status"] if isinstance(value.get("status"), str) and value["status"] else None)


SOURCE: Final = Source(
    title="Gemini generateContent",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=gemini_readings,
    knows=GEMINI_KNOWS,
    url="https://ai.google.dev/api/generate-content",
    checked="2026-11-24",
)
