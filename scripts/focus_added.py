"""Rules of the columns that FOCUS 1.3 adds, as SQL of our own: there is no machine-readable model of 1.3 at hand.

They are what the specification asks of each column (https://github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec,
specification/datasets/cost_and_usage/columns/, "Introduced: 1.3", read 2026-11-24), in our own words. A charge is related to a
split cost allocation where it names the method; what a file cannot show (whether a provider offers such allocations, which
tags a resource has, the sum of ratios over an origin charge that is not told) is listed in ``BEYOND_ADDED``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple


class Added(NamedTuple):
    """A rule: what it asks, and the SQL that holds for a row that keeps it ({Column} stands for the column)."""

    column: str
    asks: str
    sql: str


_TEXT: Final = r"regexp_matches({{{0}}}, '^\S(.*\S)?$')"
_OBJECT: Final = "{{{0}}} IS NULL OR CASE WHEN json_valid({{{0}}}) THEN json_type({{{0}}}) = 'OBJECT' ELSE false END"
_IF_OBJECT: Final = "CASE WHEN json_valid({{{0}}}) THEN json_type({{{0}}}) <> 'OBJECT' OR ({1}) ELSE true END"
"""A rule on what is inside; that it is an object at all is a rule of its own."""
_ONE_KEY_EACH: Final = "len(json_keys({{{0}}})) = len(list_distinct(json_keys({{{0}}})))"
_ALLOCATED: Final = ("AllocatedMethodDetails", "AllocatedResourceId", "AllocatedResourceName", "AllocatedTags")
_NAMES: Final = ("HostProviderName", "ServiceProviderName")
_KEY_VALUE: Final = ("AllocatedTags",)
_JSON: Final = ("AllocatedMethodDetails", "AllocatedTags", "ContractApplied")
COLUMNS: Final = frozenset({*_ALLOCATED, *_NAMES, "AllocatedMethodId", "ContractApplied"})
MANDATORY: Final = frozenset(_NAMES)
"""In every file; the others belong to providers that split costs or have contract commitments."""
_ELEMENTS: Final = 'json_transform({AllocatedMethodDetails}, \'{"Elements": [{"AllocatedRatio": "DOUBLE"}]}\').Elements'


def _rules() -> Iterator[Added]:
    for name in _NAMES:
        yield Added(name, "is never null", f"{{{name}}} IS NOT NULL")
    for name in sorted(COLUMNS):
        yield Added(name, "is a text without blanks around it", f"{{{name}}} IS NULL OR " + _TEXT.format(name))
    for name in _ALLOCATED:
        yield Added(
            name, "is null where the charge is of no split cost allocation",
            f"{{AllocatedMethodId}} IS NOT NULL OR {{{name}}} IS NULL",
        )  # fmt: skip
    yield Added(
        "AllocatedResourceName", "is null exactly where AllocatedResourceId is",
        "({AllocatedResourceName} IS NULL) = ({AllocatedResourceId} IS NULL)",
    )  # fmt: skip
    for name in _JSON:
        yield Added(name, "is an object in JSON", _OBJECT.format(name))
    for name in _KEY_VALUE:
        yield Added(name, "has each key once", _inside(name, _ONE_KEY_EACH.format(name)))
    yield Added(
        "AllocatedTags", "has values that are texts, numbers or true, none nested and none null",
        _inside(
            "AllocatedTags",
            "NOT list_has_any(json_extract({AllocatedTags}, '$.*').list_transform(lambda v: json_type(v)::VARCHAR), "
            "['OBJECT', 'ARRAY', 'NULL'])",
        ),
    )  # fmt: skip
    yield Added(
        "AllocatedTags", "repeats no tag of Tags",
        _inside("AllocatedTags", "{Tags} IS NULL OR NOT list_has_any(json_keys({AllocatedTags}), json_keys({Tags}))"),
    )  # fmt: skip
    yield Added(
        "AllocatedMethodDetails", "has Elements, each with an AllocatedRatio",
        _inside(
            "AllocatedMethodDetails",
            f"coalesce(len({_ELEMENTS}), 0) > 0 AND len(list_filter({_ELEMENTS}, lambda e: e.AllocatedRatio IS NULL)) = 0",
        ),
    )  # fmt: skip
    yield Added(
        "AllocatedMethodDetails", "has ratios from 0 to 1",
        _inside(
            "AllocatedMethodDetails",
            f"coalesce(len(list_filter({_ELEMENTS}, lambda e: e.AllocatedRatio NOT BETWEEN 0 AND 1)), 0) = 0",
        ),
    )  # fmt: skip


def _inside(column: str, sql: str) -> str:
    return _IF_OBJECT.replace("{{{0}}}", f"{{{column}}}").replace("{1}", sql)


ADDED: Final = {f"{rule.column}-1.3-{place:02}": rule for place, rule in enumerate(_rules(), 1)}
"""Our own id -> rule."""
BEYOND_ADDED: Final = {
    "AllocatedMethodId": "the provider's documents: a method is described under one id",
    "AllocatedMethodDetails": "the origin charge: its ratios sum to 1 over all that it was split into",
    "AllocatedTags": "the provider's systems: all tags of the resource are told, under its prefixes",
    "ContractApplied": "the dataset of contract commitments",
    "HostProviderName": "the customer's choice of a host",
}
"""Column -> what its remaining sentences need that no file of charges holds."""
