"""Knows an API key or an e-mail address when it sees one, whatever field it stands in."""

from __future__ import annotations

import re
from typing import Final

_STARTS: Final = (
    r"sk[-_]", r"pk[-_]", r"rk[-_]", r"xai-", r"gsk_", r"AIza", r"AKIA", r"ASIA", r"hf_", r"r8_", r"pplx-", r"nvapi-", r"csk-",
    r"tgp_v1_", r"ya29\.", r"gh[oprsu]_", r"github_pat_", r"glpat-", r"xox[bp]-", r"eyJ",
)  # fmt: skip
"""How keys begin: OpenAI, Anthropic and OpenRouter (sk-), Langfuse and Stripe (pk, rk), xAI, Groq, Google, AWS, Hugging
Face, Replicate, Perplexity, Nvidia, Cerebras, Together, GitHub, GitLab, Slack, and web tokens."""
MAYBE: Final = rf"{'|'.join(_STARTS)}|(?i:bearer|basic)\s"
KEY: Final = re.compile(
    rf"(?<![-_A-Za-z0-9])(?:(?i:bearer|basic)\s+[-.~+/=_A-Za-z0-9]{{12,}}|(?:{'|'.join(_STARTS)})(?=[-._a-z]*[A-Z0-9])[-._~+/=A-Za-z0-9]{{16,}})"
)
"""A key anywhere in a text. Its body is long and not of lower-case words alone, so sk-learn-pipeline-tests is a label."""
EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
"""An address of a person anywhere in a text."""
