"""Turns the blocks of a prompt into parts of text, and tells when a log has cut or blacked out a text."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from llmcost.records.contract import Body, Part, PartRole
from llmcost.records.shapes import word
from llmcost.records.values import as_json

_CUT: Final = re.compile(
    r"(?:…|\.\.\.)\s?\[?(?:truncated|shortened)|\[(?:…|\.\.\.)?\s?(?:truncated|shortened|omitted)\b|[<\[]\s?redacted",
    re.IGNORECASE,
)
_CUT_WORDS: Final = ("truncated", "shortened", "omitted", "redacted")
_CUT_MARKS: Final = ("[", "<", "\u2026", "...")
"""One of the words and one of the marks stand in whatever the pattern finds; marks are found in no time, words a hundred times as fast as it."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DATA_URI: Final = re.compile(r"^data:[^,]{0,100};base64,")
DOCUMENTS: Final = frozenset(
    {
        "document",
        "search_result",
        "file",
        "input_file",
        "container_upload",
        "tool_result",
        "web_search_tool_result",
        "web_fetch_tool_result",
    }
)


def is_cut(text: str) -> bool:
    """Whether a logger says inside ``text`` that it shortened or redacted it."""
    if not any(mark in text for mark in _CUT_MARKS):
        return False
    folded = text.casefold()
    return any(word in folded for word in _CUT_WORDS) and _CUT.search(text) is not None


def dump(value: Any) -> str:
    """JSON text of ``value`` in its own order, as the provider saw it."""
    return _ENCODER.encode(value).decode()


def digest(value: Any) -> str:
    """A short digest of a JSON value, the same whatever the order of its keys."""
    return hashlib.blake2b((as_json(value) or "").encode(), digest_size=8).hexdigest()


def response_format(value: Any) -> str | None:
    """``text``, ``json_object``, or ``json_schema:`` and a digest of the schema."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return None
    return f"json_schema:{digest(value)}" if value["type"] == "json_schema" else str(value["type"])


def blocks(content: Any) -> list[Any]:
    """The content blocks of a message: a list as it is, a text or a single block as a list of one."""
    return content if isinstance(content, list) else [] if content is None else [content]


def block_text(block: Any) -> str:
    """The text of a content block; media stand as a digest, so that equal media stay equal and count as no text."""
    if isinstance(block, str):
        return block
    if not isinstance(block, dict):
        return dump(block)
    for key in ("text", "thinking", "refusal"):
        if isinstance(block.get(key), str):
            return str(block[key])
    if isinstance(block.get("content"), str | list):
        return "\n".join(block_text(inner) for inner in blocks(block["content"]))
    if (inner := media(block)) is not None:
        source = block.get("source")
        if isinstance(source, dict) and source.get("type") == "text":
            return str(source.get("data", ""))
        return f"<{block.get('type', 'media')} {digest(inner)}>"
    return dump(
        {
            k: v
            for k, v in block.items()
            if k not in {"cache_control", "prompt_cache_breakpoint", "id", "call_id", "tool_use_id"}
        }
    )


def media(block: dict[str, Any]) -> Any:
    """What a media block carries (data, URL or file id), or None if it is no media block."""
    return next(
        (
            block[k]
            for k in ("image_url", "input_audio", "source", "file", "file_id", "file_data", "file_url", "audio")
            if block.get(k)
        ),
        None,
    )


def has_breakpoint(block: Any) -> bool:
    """Whether the request set a cache breakpoint at the end of this block."""
    return isinstance(block, dict) and bool(block.get("cache_control") or block.get("prompt_cache_breakpoint"))


def parts_of(content: Any, role: PartRole) -> Iterator[Part]:
    """The parts of one message; documents, search results and tool results inside it are retrieved context."""
    for block in blocks(content):
        kind = word(block.get("type")) if isinstance(block, dict) else ""
        yield Part("context" if kind in DOCUMENTS else role, block_text(block), has_breakpoint(block))


def images_of(contents: Iterable[Any]) -> str | None:
    """The images of a request as ``[{width, height, count}]``, sizes read from the data's own header (null if unknown)."""
    sizes: dict[tuple[int | None, int | None], int] = {}
    for content in contents:
        for block in blocks(content):
            if isinstance(block, dict) and word(block.get("type")) in {"image_url", "image", "input_image"}:
                size = _size_of(media(block))
                sizes[size] = sizes.get(size, 0) + 1
    found = [{"width": w, "height": h, "count": n} for (w, h), n in sizes.items()]
    return as_json(found) if found else None


def body_of(parts: Iterable[Part], answer: str | None, *, complete: bool = True) -> Body:
    """A body; not complete when any of its texts says that it was cut."""
    kept = tuple(part for part in parts if part.text)
    whole = complete and not any(is_cut(part.text) for part in kept) and not (answer and is_cut(answer))
    return Body(kept, answer or None, whole)


def _size_of(source: Any) -> tuple[int | None, int | None]:
    if isinstance(source, dict):
        source = source.get("url") or source.get("data")
    if not isinstance(source, str):
        return None, None
    text = _DATA_URI.sub("", source)
    if text.startswith("http"):
        return None, None
    try:
        return image_size(base64.b64decode(text[: 4 * 16_384]))
    except (binascii.Error, ValueError):
        return None, None


def image_size(data: bytes) -> tuple[int | None, int | None]:
    """Width and height of a PNG, GIF, WebP or JPEG from its first bytes; (None, None) if they do not say."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        return struct.unpack(">II", data[16:24])
    if data[:4] == b"GIF8" and len(data) >= 10:
        return struct.unpack("<HH", data[6:10])
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        return _webp(data)
    return _jpeg(data) if data[:2] == b"\xff\xd8" else (None, None)


def _webp(data: bytes) -> tuple[int | None, int | None]:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(data: bytes) -> tuple[int | None, int | None]:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None, None


def plain_number(value: Any) -> Any:
    """A Decimal as it stands in JSON (int if whole), everything else unchanged."""
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value
