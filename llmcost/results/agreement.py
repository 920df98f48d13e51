"""When two rows may be of one owner and of one model: equal, unknown, or named in words of different kinds.

One export names a project by its id, another by its name: Anthropic's usage report gives ``wrkspc_..`` and its console's
CSV the workspace's name (https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-messages-usage-report, 2026-11-23),
OpenAI's usage pages give ``proj_..`` and an application its own word. An id and a name contradict nothing; two ids, or
two names, that differ are two owners.

A model goes by its name or by that of a dated snapshot: an application may log ``gpt-4o`` and OpenAI's usage export
``gpt-4o-2024-08-06`` (https://platform.openai.com/docs/models, 2026-11-24), of which each has its own price entry where the name
has moved. The name agrees with any of its snapshots; two snapshots that differ are two models.
"""

from __future__ import annotations

import re
from typing import Final

OWNERS: Final = ("organization", "project")
_ID: Final = "^(proj_|wrkspc_|org-|org_)"
_IS_ID: Final = re.compile(_ID)
_DATE: Final = "[-@]20[0-9]{2}-?[01][0-9]-?[0-3][0-9]$"
_IS_DATE: Final = re.compile(_DATE)


def agree(a: str | None, b: str | None) -> bool:
    """Whether two owners' names may be of one owner."""
    return a is None or b is None or a == b or bool(_IS_ID.match(a)) != bool(_IS_ID.match(b))


def undated(model: str) -> str:
    """A model's name without the date of a snapshot."""
    return _IS_DATE.sub("", model)


def one_model(a: str, b: str) -> bool:
    """Whether two names of models may be of one: equal, or one is a snapshot of the other."""
    return a == b or undated(a) == b or a == undated(b)


def agreeing(*columns: str) -> str:
    """SQL of :func:`agree` for each column of the tables ``a`` and ``b``."""
    each = (
        f"(a.{c} = b.{c} OR a.{c} IS NULL OR b.{c} IS NULL OR "
        f"regexp_matches(a.{c}, '{_ID}') <> regexp_matches(b.{c}, '{_ID}'))"
        for c in columns
    )
    return " AND ".join(each)


SAME: Final = (
    "a.provider_name IS NOT DISTINCT FROM b.provider_name AND (a.key = b.key OR a.key IS NULL OR b.key IS NULL "
    f"OR regexp_replace(a.key, '{_DATE}', '') = b.key OR a.key = regexp_replace(b.key, '{_DATE}', '')) AND "
    + agreeing(*OWNERS)
)
"""SQL of whether provider, model and owners of the tables ``a`` and ``b`` agree."""
