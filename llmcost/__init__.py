"""Replays LLM usage logs under other strategies and says where the money goes; importing it is cheap."""

from __future__ import annotations

__version__ = "0.1.0"
