"""Conditions: a SQL condition over the usage columns, parsed, checked and rebuilt as an Ibis expression.

The text is never pasted into a query. Allowed: columns, literals, ``and or not``, comparisons, ``+ - * / %``, ``in``,
``between``, ``like``/``ilike``, ``is [not] null``, ``case``, and a short list of functions.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from llmcost.errors import UsageError, nearest
from llmcost.usage.columns import USAGE

COLUMNS: Final = tuple(c.name for c in USAGE if c.type not in {"counts", "numbers", "json"})
"""Columns a condition may name."""

_BINARY: Final[Mapping[type[exp.Expression], Callable[[Any, Any], Any]]] = {
    exp.EQ: lambda a, b: a == b,
    exp.NEQ: lambda a, b: a != b,
    exp.LT: lambda a, b: a < b,
    exp.LTE: lambda a, b: a <= b,
    exp.GT: lambda a, b: a > b,
    exp.GTE: lambda a, b: a >= b,
    exp.And: lambda a, b: a & b,
    exp.Or: lambda a, b: a | b,
    exp.Add: lambda a, b: a + b,
    exp.Sub: lambda a, b: a - b,
    exp.Mul: lambda a, b: a * b,
    exp.Div: lambda a, b: a / b,
    exp.Mod: lambda a, b: a % b,
    exp.Like: lambda a, b: a.like(b),
    exp.ILike: lambda a, b: a.ilike(b),
}
_FUNCTIONS: Final[Mapping[type[exp.Expression], Callable[..., Any]]] = {
    exp.Lower: lambda a: a.lower(),
    exp.Upper: lambda a: a.upper(),
    exp.Length: lambda a: a.length(),
    exp.Coalesce: ibis.coalesce,
    exp.Abs: lambda a: a.abs(),
    exp.Least: ibis.least,
    exp.Greatest: ibis.greatest,
    exp.StartsWith: lambda a, b: a.startswith(b),
}

LONGEST: Final = 100_000
DEEPEST: Final = 150
"""Levels of a condition that Ibis and the engines build and compile within their stacks."""
_LARGEST: Final = Decimal(10) ** 18
_KNOWN_WORDS: Final = (
    "and or not = <> < <= > >= + - * / % in between like is null case, "
    "lower upper length coalesce abs least greatest starts_with"
)


def columns_of(condition: str) -> frozenset[str]:
    """Names of the usage columns that a condition reads; UsageError when it cannot be parsed or names no column."""
    return frozenset(_known(column) for column in _parse(condition).find_all(exp.Column))


def condition(text: str, rows: ir.Table) -> ir.BooleanValue:
    """``text`` as an expression over ``rows``; unknown (NULL) counts as not matching.

    Raises UsageError for a syntax error, an unknown column (with the nearest one), another function or statement, or
    operands that do not fit together.
    """
    tree = _parse(text)
    try:
        built = _build(tree, rows, text)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"the condition {text!r} does not fit together: {str(error).splitlines()[0]}") from error
    if not isinstance(built, ir.BooleanValue):
        raise UsageError(f"the condition {text!r} gives no truth value", hint="compare a column with a value")
    return built.fill_null(False)


@functools.lru_cache(maxsize=256)
def _parse(text: str) -> exp.Expression:
    try:
        trees = sqlglot.parse(text, dialect="duckdb") if len(text) <= LONGEST else []
        too_deep = not trees or (trees[0] is not None and _is_deep(trees[0]))
    except RecursionError:
        too_deep = True
    except SqlglotError as error:
        reason = re.sub(r" for <class '[\w.]+'>", "", str(error).splitlines()[0])
        raise UsageError(
            f"the condition {text!r} cannot be read",
            why=reason,
            hint="write it like: feature = 'chat' and output_tokens < 100",
        ) from error
    if too_deep:
        raise UsageError(
            f"the condition {text[:60]!r} .. is too long or nested too deep",
            why=f"conditions have up to {LONGEST:,} characters and {DEEPEST} levels, and every further 'and' or 'or' is one",
            hint="a list of values is written: feature in ('a', 'b', 'c')",
        )
    if len(trees) != 1 or trees[0] is None:
        raise UsageError(f"the condition {text!r} must be one expression")
    tree: exp.Expression = trees[0]
    return tree


def _is_deep(tree: exp.Expression) -> bool:
    level: list[exp.Expression] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in node.iter_expressions()]
        if not level:
            return False
    return True


def _known(column: exp.Column) -> str:
    name = column.name
    if column.table or name not in COLUMNS:
        raise UsageError(
            f"a condition names the column {column.sql()!r}, which does not exist", hint=nearest(name, COLUMNS)
        )
    return name


def _build(node: exp.Expression, rows: ir.Table, text: str) -> Any:
    def sub(child: exp.Expression) -> Any:
        return _build(child, rows, text)

    leaf = _leaf(node, rows)
    if leaf is not None:
        return leaf
    if isinstance(node, exp.Predicate) and not isinstance(node, exp.Is) and _names_null(node):
        raise UsageError(f"the condition {text!r} compares with null, which never holds", hint="write: is null")
    built = _structure(node, sub, text)
    if built is not None:
        return built
    binary = _BINARY.get(type(node))
    if binary is not None:
        return binary(sub(node.this), sub(node.expression))
    function = _FUNCTIONS.get(type(node))
    if function is not None:
        arguments = [node.this, *([node.expression] if node.args.get("expression") else []), *node.expressions]
        return function(*(sub(argument) for argument in arguments if argument is not None))
    raise UsageError(
        f"the condition {text!r} uses {node.sql()[:60]!r}, which conditions do not know", hint=f"known: {_KNOWN_WORDS}"
    )


def _leaf(node: exp.Expression, rows: ir.Table) -> Any:
    """A column or literal; None for anything else."""
    match node:
        case exp.Column():
            return rows[_known(node)]
        case exp.Boolean():
            return ibis.literal(bool(node.this))
        case exp.Literal():
            return ibis.literal(node.this if node.is_string else _number(node.this))
        case exp.Null():
            return ibis.null()
    return None


def _structure(node: exp.Expression, sub: Callable[[exp.Expression], Any], text: str) -> Any:
    """Parentheses, negations, IS, IN, BETWEEN and CASE; None for anything else."""
    match node:
        case exp.Paren():
            return sub(node.this)
        case exp.Not():
            return ~sub(node.this)
        case exp.Neg():
            return -sub(node.this)
        case exp.Is():
            return _is(sub(node.this), node.expression, text)
        case exp.In() if not node.args.get("query"):
            return sub(node.this).isin([sub(item) for item in node.expressions])
        case exp.Between():
            return sub(node.this).between(sub(node.args["low"]), sub(node.args["high"]))
        case exp.Case() if node.this is None:
            branches = [(sub(item.this), sub(item.args["true"])) for item in node.args["ifs"]]
            default = node.args.get("default")
            return ibis.cases(*branches, else_=sub(default) if default is not None else None)
    return None


def _names_null(node: exp.Expression) -> bool:
    return any(isinstance(_bare(child), exp.Null) for child in node.iter_expressions())


def _bare(node: exp.Expression) -> exp.Expression:
    return _bare(node.this) if isinstance(node, exp.Paren) else node


def _number(text: str) -> int | Decimal:
    value = Decimal(text)
    if abs(value) >= _LARGEST:
        raise UsageError(
            f"a condition compares with {text[:40]}, a number beyond all reason",
            why="no count or amount is above 10^18",
        )
    return int(text) if text.isdigit() else value


def _is(value: Any, against: exp.Expression, text: str) -> Any:
    if isinstance(against, exp.Null):
        return value.isnull()
    if isinstance(against, exp.Boolean):
        return value == bool(against.this)
    raise UsageError(f"the condition {text!r} uses IS with something else than null, true or false")
