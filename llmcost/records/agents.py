"""What the logs of coding agents share: the project a session ran in."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import Final

PLACEHOLDER_MODELS: Final = frozenset({"<synthetic>"})
"""Models that agents name for texts that they made themselves."""


def folder_name(path: str | None) -> str | None:
    """The last folder of a POSIX or Windows path: the project's name, without the way to it."""
    return PureWindowsPath(path).name or None if path else None
