"""When owners of two rows agree: equal, unknown, or named in words of different kinds.

One export names a project by its id, another by its name: Anthropic's usage report gives ``wrkspc_..`` and its console's
CSV the workspace's name (https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-messages-usage-report, 2026-11-23),
OpenAI's usage pages give ``proj_..`` and an application its own word. An id and a name contradict nothing; two ids, or
two names, that differ are two owners.
"""

from __future__ import annotations

import re
from typing import Final

OWNERS: Final = ("organization", "project")
_ID: Final = "^(proj_|wrkspc_|org-|org_)"
_IS_ID: Final = re.compile(_ID)


def agree(a: str | None, b: str | None) -> bool:
    """Whether two owners' names may be of one owner."""
    return a is None or b is None or a == b or bool(_IS_ID.match(a)) != bool(_IS_ID.match(b))


def agreeing(*columns: str) -> str:
    """SQL of :func:`agree` for each column of the tables ``a`` and ``b``."""
    each = (
        f"(a.{c} = b.{c} OR a.{c} IS NULL OR b.{c} IS NULL OR "
        f"regexp_matches(a.{c}, '{_ID}') <> regexp_matches(b.{c}, '{_ID}'))"
        for c in columns
    )
    return " AND ".join(each)


SAME: Final = (
    "a.provider_name IS NOT DISTINCT FROM b.provider_name AND (a.key = b.key OR a.key IS NULL OR b.key IS NULL) AND "
    + agreeing(*OWNERS)
)
"""SQL of whether provider, model and owners of the tables ``a`` and ``b`` agree."""
