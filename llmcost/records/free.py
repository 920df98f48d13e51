"""Tells requests that no model answers from calls: a proxy's log holds both.

Lists of models, files and batches, counts of tokens and stored conversations are free and carry no usage of a call; taken
for calls without counts, their texts would be counted and priced. What a batch made is in its output file.
https://platform.openai.com/docs/api-reference, https://platform.claude.com/docs/en/api/messages-count-tokens (free of
charge), https://ai.google.dev/api/tokens, https://docs.cohere.com/reference/tokenize, https://docs.ollama.com/api (2026-11-24).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from llmcost.records.contract import Problem, Skip
from llmcost.records.exchange import Exchange

_COUNTS: Final = re.compile(
    r"/(messages/count_tokens|responses/input_tokens|count-tokens|tokenize|detokenize)$|:(countTokens|computeTokens)$"
)
_KEEPS: Final = re.compile(
    r"/(v\d\w*|openai|api)/(models|files|uploads|batches|messages/batches|vector_stores|assistants|conversations|containers|organizations?"
    r"|operations|tunedModels|threads(?!/[^/]+/runs|/runs)|realtime/(sessions|client_secrets)|tags|ps|show|version|pull|push|create|copy|delete|blobs"
    r"|key|auth/key|credits|generation)(/[^:]*)?$"
)
_PARTS: Final = re.compile(
    r"/(responses|chat/completions)/[^/]+/(input_items|messages)$|/(batchPredictionJobs|health|healthz|livez|readyz|metrics|ping)(/[^:]*)?$"
    r"|:batchGenerateContent$"
)
_BILLED: Final = re.compile(r"/(fine_tuning|fine-tuning|evals|cachedContents)(/[^:]*)?$")
"""Training by tokens and epochs, evaluations by calls that the provider makes, caches by tokens and hours."""


def no_call(call: Exchange) -> Skip | Problem | None:
    """What a request is that goes to no model; None if it is a call, or may be one."""
    told = None if call.url is None else _told(call.url)
    return told if told is None or call.form is None else None  # a gateway of one's own may call its paths as it likes


@lru_cache(maxsize=1024)
def _told(url: str) -> Skip | Problem | None:
    try:
        path = urlsplit(url).path.rstrip("/")
    except ValueError:
        return None
    if _COUNTS.search(path):
        return Skip("a count of tokens, which is free")
    if _KEEPS.search(path) or _PARTS.search(path):
        return Skip("a request about stored things, not to a model")
    if (billed := _BILLED.search(path)) is not None:
        return Problem("no-column", f"a request for {billed[1]}: what it costs is in no answer")
    return None
