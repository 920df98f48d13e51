"""Turns the text of one request into counts and keys; nothing of the text itself is kept.

Counts that the provider gave stay as they are. The prompt's parts are counted with a tokenizer and then scaled to the
provider's count, which also holds what its chat template adds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, cast

from llmcost.content import tokens
from llmcost.content.families import hides_reasoning
from llmcost.content.images import image_tokens
from llmcost.content.keys import BLOCK_TOKENS, MARKER, Keyer
from llmcost.content.ranks import EncodingName
from llmcost.content.tokens import Recent, Tokenizer, tokenizer_for
from llmcost.records.contract import Body, Part, PartRole
from llmcost.usage.columns import Usage

CACHE_BYTES: Final = 64 * 1024 * 1024
PART_COLUMN: Final[dict[PartRole, str]] = {
    "system": "system_tokens",
    "tools": "tools_tokens",
    "schema": "schema_tokens",
    "history": "history_tokens",
    "context": "context_tokens",
    "example": "example_tokens",
    "user": "user_tokens",
}
_NO_CHAT: Final = frozenset({"embeddings", "text_completion"})
_PLAIN: Final = frozenset({"tools", "schema"})
"""Roles that are no message of their own."""
_HIDDEN_TOKENS: Final = 1024
_WEAKEST: Final = ("estimate", "other-tokenizer", "tokenizer")


@dataclass(frozen=True, slots=True)
class _Media:
    """What a request carried beside text: tokens that are known, and whether there is more.

    ``pictured``: what images of known sizes cost by the rule of the model's family, where nobody counted them.
    """

    present: bool
    unknown: bool
    tokens: int
    pictured: int | None = None


@dataclass(frozen=True, slots=True)
class _Text:
    """A part, its digest and its o200k_base ids; ids are None for a text too long to tokenise whole."""

    part: Part
    digest: bytes
    ids: bytes | None


def _media(row: dict[str, Any]) -> _Media:
    counted = [row.get(f"input_{kind}_tokens") for kind in ("image", "audio", "video")]
    sized = [
        row.get("images") not in (None, "", "[]"),
        bool(row.get("input_audio_seconds")),
        bool(row.get("input_video_seconds")),
    ]
    unknown = bool(row.get("pages")) or any(
        size and tokens is None for size, tokens in zip(sized, counted, strict=True)
    )
    total = sum(tokens or 0 for tokens in counted)
    only_images = unknown and sized[0] and counted[0] is None and not (row.get("pages") or sized[1] or sized[2])
    return _Media(unknown or total > 0 or any(sized), unknown, total, _pictured(row) if only_images else None)


def _pictured(row: dict[str, Any]) -> int | None:
    """Tokens of the request's images by their sizes; None if one of them has no size or the model no rule."""
    try:
        images = json.loads(row["images"])
    except ValueError:
        return None
    model = row.get("response_model") or row.get("request_model")
    sizes = [image for image in images if isinstance(image, dict)] if isinstance(images, list) else []
    each = [image_tokens(model, image.get("width"), image.get("height")) for image in sizes]
    times = [image.get("count", 1) for image in sizes]
    if not each or None in each or not all(isinstance(n, int) and n > 0 for n in times):
        return None
    return sum((tokens or 0) * int(n) for tokens, n in zip(each, times, strict=True))


def apportion(weights: Sequence[int], total: int) -> list[int]:
    """Whole numbers in the proportion of ``weights`` that sum to ``total`` exactly (largest remainders, first wins ties)."""
    whole = sum(weights)
    shares = [weight * total // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(weights[i] * total % whole), i))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


class Analyser:
    """Analyses bodies under one secret and remembers the tokens of recent texts."""

    def __init__(self, secret: bytes, cache_bytes: int = CACHE_BYTES) -> None:
        self._keyer = Keyer(secret)
        self._recent = Recent(cache_bytes)

    def analyse(self, usage: Usage, body: Body) -> Usage:
        """A copy of ``usage`` with what the body adds; values that the log gave are never replaced."""
        row = cast("dict[str, Any]", dict(usage))
        if body.complete and row.get("requests") in {None, 1}:
            model = row.get("response_model") or row.get("request_model")
            tokenizer = tokenizer_for(row.get("provider_name"), model)
            sources = [self._input(row, body.parts, tokenizer), self._output(row, body.answer, tokenizer, model)]
            source = _source(row, sources)
            if source is not None:
                row["token_source"] = source
        return cast("Usage", row)

    def _input(self, row: dict[str, Any], parts: tuple[Part, ...], tokenizer: Tokenizer) -> str | None:
        """Fills parts, keys and, where unknown, the input count; says what counted it, None when nothing did."""
        if not parts:
            return None
        texts = [self._text(part) for part in parts]
        media = _media(row)
        if not media.present:  # two images under the same words are not the same prompt
            if row.get("prompt_key") is None:
                row["prompt_key"] = self._keyer.prompt(
                    (text.part.role, len(text.part.text), text.digest) for text in texts
                )
            if row.get("prefix_keys") is None:
                self._prefixes(row, texts, tokenizer)
        return self._counts(row, texts, tokenizer, media)

    def _prefixes(self, row: dict[str, Any], texts: list[_Text], tokenizer: Tokenizer) -> None:
        """Keys over o200k blocks; positions in the model's own tokens, by its family's factor."""
        pieces: list[bytes] = []
        position, breakpoints = 0, []
        for text in texts:
            if text.ids is None:
                return
            pieces += (MARKER[text.part.role], text.ids)
            position += 1 + len(text.ids) // tokens.ID_BYTES
            if text.part.breakpoint:
                breakpoints.append(tokenizer.scaled(position))
        row["prefix_keys"] = self._keyer.prefixes(b"".join(pieces))
        row["prefix_block_tokens"] = max(1, tokenizer.scaled(BLOCK_TOKENS))
        row["cache_breakpoints"] = breakpoints

    def _counts(self, row: dict[str, Any], texts: list[_Text], tokenizer: Tokenizer, media: _Media) -> str | None:
        chat = row.get("operation_name") not in _NO_CHAT
        given: int | None = row.get("input_tokens")
        # Where only the proportion of the parts counts, the ids at hand serve every encoding.
        encoding = tokenizer.name if given is None else "o200k_base"
        own = dict.fromkeys(PART_COLUMN, 0)
        for text in texts:
            message = tokenizer.family.message_tokens if chat and text.part.role not in _PLAIN else 0
            own[text.part.role] += tokenizer.scaled(self._count(text, encoding)) + message
        source = None
        if given is None and row.get("status") != "error":
            if media.pictured is not None:
                row["input_image_tokens"] = media.pictured
                media = replace(media, unknown=False, tokens=media.tokens + media.pictured)
            if not media.unknown:
                given = sum(own.values()) + (tokenizer.family.template_tokens if chat else 0) + media.tokens
                row["input_tokens"] = given
                is_estimate = media.pictured is not None or any(text.ids is None for text in texts)
                source = "estimate" if is_estimate else tokenizer.source
        _split(row, own, given, media)
        return source

    def _output(self, row: dict[str, Any], answer: str | None, tokenizer: Tokenizer, model: str | None) -> str | None:
        """Fills the answer's key and, where unknown, the output count. An empty answer says nothing about either."""
        if not answer:
            return None
        digest = self._keyer.text(answer)
        if row.get("response_key") is None:
            row["response_key"] = self._keyer.response(digest)
        if row.get("output_tokens") is not None or row.get("status") == "error":
            return None
        reasoning = row.get("reasoning_output_tokens")
        text = self._text(Part("history", answer))  # the role it will have in the next request, which finds its ids
        row["output_tokens"] = tokenizer.scaled(self._count(text, tokenizer.name)) + (reasoning or 0)
        hidden = reasoning is None and (hides_reasoning(model) or bool(row.get("thinking_budget_tokens")))
        return "estimate" if hidden or text.ids is None else tokenizer.source

    def _text(self, part: Part) -> _Text:
        digest = self._keyer.text(part.text)
        if len(part.text) > tokens.LONGEST:
            return _Text(part, digest, None)
        ids = self._recent.get(digest)
        if ids is None:
            ids = tokens.ids(part.text)
            self._recent.put(digest, ids)
        return _Text(part, digest, ids)

    def _count(self, text: _Text, encoding: EncodingName) -> int:
        if text.ids is not None and encoding == "o200k_base":
            return len(text.ids) // tokens.ID_BYTES
        key = text.digest + encoding.encode()
        found = self._recent.get(key)
        if found is None:
            found = tokens.count(text.part.text, encoding).to_bytes(8, "big")
            self._recent.put(key, found)
        return int.from_bytes(found, "big")


def _split(row: dict[str, Any], own: dict[PartRole, int], given: int | None, media: _Media) -> None:
    """Fills the parts, scaled to the input's text tokens where that is known to be the same text."""
    if any(row.get(column) is not None for column in PART_COLUMN.values()):
        return  # the log has its own split, and half of each would be none
    counted, target = sum(own.values()), None if given is None else given - media.tokens
    if target is not None and (target < 0 or counted == 0):
        return
    if target is not None and (target <= counted or _same_text(counted, target, media)):
        own = dict(zip(own, apportion(list(own.values()), target), strict=True))
    for role, column in PART_COLUMN.items():
        row[column] = own[role]


def _same_text(counted: int, target: int, media: _Media) -> bool:
    """Whether the provider can have counted just this text.

    Its templates and hidden tool prompts add some hundred tokens; more than twice as many and 1,024 are something that
    the log does not show, and belong to no part.
    """
    return not media.unknown and target <= 2 * counted + _HIDDEN_TOKENS


def _source(row: dict[str, Any], sources: list[str | None]) -> str | None:
    """Where the counts come from now: ``sources`` says what filled input and output, None for what was not filled."""
    filled = [source for source in sources if source]
    given = any(
        row.get(column) is not None
        for column, source in zip(("input_tokens", "output_tokens"), sources, strict=True)
        if not source
    )
    if filled:
        return "mixed" if given else next(source for source in _WEAKEST if source in filled)
    return row.get("token_source") or ("provider" if given else None)


@lru_cache(maxsize=4)
def _analyser(secret: bytes) -> Analyser:
    return Analyser(secret)


def analyse(usage: Usage, body: Body, secret: bytes) -> Usage:
    """A copy of ``usage`` with the counts, parts and keys that ``body`` gives; see :class:`Analyser`."""
    return _analyser(secret).analyse(usage, body)
