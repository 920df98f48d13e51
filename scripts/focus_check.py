"""Holds a FOCUS CSV to the FinOps Foundation's machine-readable requirements model, rule by rule.

Run as ``python -m scripts.focus_check MODEL.json CURRENCIES.csv FILE``. The model is published with the Foundation's
validator (https://github.com/finopsfoundation/focus_validator, focus_validator/rules/, MIT). Every rule is evaluated over
every row by DuckDB on the texts of the file, once for each combination of values where a rule's columns have few;
ListUnitPrice x PricingQuantity is compared in double precision without tolerance. A rule whose requirement the model
leaves empty is checked by :mod:`scripts.focus_own` as far as a file can show it, and else listed with what it would take.
What is only allowed (MAY) forbids nothing. The columns that FOCUS 1.3 adds to that model are held to :mod:`scripts.focus_added`.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from scripts.focus_added import ADDED, COLUMNS, MANDATORY
from scripts.focus_own import BEYOND, FORBIDDEN, FORMATS, GROUPS, HEADER, KEY_VALUE, READ, ROWS

Node = Mapping[str, Any]
_NUMBER = r"^-?\d+(\.\d+)?([eE]-?\d+)?$"
_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_UNIT = r"^(\d+ )?[A-Z][A-Za-z]*([ -][A-Z][A-Za-z]*)?$"
_FEW = 5_000
"""Values up to which a column's rules are looked at once for each combination."""
_AT_ONCE = 40
"""Rules in one query: more take long to compile."""
NOT_OFFERED = frozenset({"COMMITMENT_DISCOUNT_SUPPORTED", "CAPACITY_RESERVATION_SUPPORTED"})
"""What calls to model APIs have none of; the rules of these criteria do not apply."""
FAULTY = {"InvoiceId-C-005-C": "has lost its condition: InvoiceId-C-004-C, which has too, asks for the opposite"}
"""Rules of model 1.2 that no file can keep."""


@dataclass
class Report:
    """What became of the rules of a model."""

    rules: int = 0
    checked: int = 0
    own: int = 0
    """Of those checked, by SQL of our own: the model leaves their requirement empty."""
    added: int = 0
    """Rules of the columns that 1.3 adds, by SQL of our own; a file without such a column has none."""
    permitting: int = 0
    beyond: dict[str, str] = field(default_factory=dict)
    """Rule -> why no file of charges can show it."""
    failed: dict[str, str] = field(default_factory=dict)
    advised: dict[str, str] = field(default_factory=dict)
    rows: int = 0

    def text(self) -> str:
        """The report in lines."""
        why = Counter(self.beyond.values())
        lines = [
            (
                f"{self.rows:,} rows; {self.rules} rules apply: {self.checked} checked ({self.own} of them, whose requirement "
                f"the model leaves empty, by our own SQL), {self.permitting} only permit (MAY), {len(self.beyond)} need more than a file"
            ),
            *([f"{self.added} rules of the columns that 1.3 adds are checked, by our own SQL"] if self.added else []),
            f"{len(self.failed)} fail, {len(self.advised)} recommendations are not followed",
        ]
        lines += [f"not shown by a file: {count} need {reason}" for reason, count in sorted(why.items())]
        lines += [f"FAIL {rule}: {said}" for rule, said in sorted(self.failed.items())]
        lines += [f"advice {rule}: {said}" for rule, said in sorted(self.advised.items())]
        return "\n".join(lines)


def check(model: Path, currencies: Path, file: Path, *, unsupported: frozenset[str] = NOT_OFFERED) -> Report:
    """Every rule of ``model`` over ``file``; criteria named in ``unsupported`` do not apply to its provider."""
    return _Checker(json.loads(model.read_text(encoding="utf-8")), currencies, file, unsupported).run()


class _Checker:
    def __init__(self, model: Node, currencies: Path, file: Path, unsupported: frozenset[str]) -> None:
        self.rules: Mapping[str, Node] = model["ModelRules"]
        self.unsupported = unsupported
        self.engine = duckdb.connect(
            config={"autoinstall_known_extensions": "false", "preserve_insertion_order": "false"}
        )
        self.engine.execute(
            f"CREATE VIEW focus_file AS SELECT * FROM read_csv({_quoted(str(file))}, all_varchar = true, header = true, nullstr = '')"
        )
        self.engine.execute(
            f"CREATE TABLE currencies AS SELECT currency_codes AS code FROM read_csv({_quoted(str(currencies))}, all_varchar = true, header = true)"
        )
        self.columns = [row[0] for row in self.engine.sql("DESCRIBE focus_file").fetchall()]
        # Once, into columns: the text is parsed a single time, and each question reads only what it is about.
        self.engine.execute("CREATE TABLE focus AS SELECT * FROM focus_file")
        self.parents: dict[str, list[str]] = {}
        for name, rule in self.rules.items():
            for child in _children(rule["ValidationCriteria"]["Requirement"]):
                self.parents.setdefault(child, []).append(name)

    def run(self) -> Report:
        report = Report()
        wanted: dict[str, str] = {}
        for name, rule in self.rules.items():
            if rule["Status"] != "Active" or not self._applies(name):
                continue
            report.rules += 1
            self._rule_of(report, wanted, name, rule)
        self._added(report, wanted)
        report.rows = int(self.engine.sql("SELECT count(*) FROM focus").fetchall()[0][0])
        for name, broken in self._counted(wanted).items():
            self._tell(report, name, broken)
        return report

    def _added(self, report: Report, wanted: dict[str, str]) -> None:
        """The rules of version 1.3 for the columns that it adds, where the file has any of them."""
        there = COLUMNS & set(self.columns)
        if not there:
            return
        for name in sorted(MANDATORY - there):
            report.failed[f"{name}-1.3-00"] = f"{name} MUST be present in a file of 1.3 (1 column)"
        report.added = len(MANDATORY) + sum(rule.column in there for rule in ADDED.values())
        wanted |= {name: self._filled(rule.sql) for name, rule in ADDED.items() if rule.column in there}

    def _filled(self, sql: str) -> str:
        return f"({re.sub('{([A-Za-z_]+)}', lambda found: self._column(found.group(1)), sql)})"

    def _rule_of(self, report: Report, wanted: dict[str, str], name: str, rule: Node) -> None:
        """Counts a rule, and either looks at it or puts the SQL that holds for a row that keeps it into ``wanted``."""
        criteria = rule["ValidationCriteria"]
        if criteria["Keyword"] in {"MAY", "OPTIONAL", "RECOMMENDED"}:
            report.permitting += 1
        elif name in FAULTY:
            report.beyond[name] = "a mended model"
        elif name in BEYOND:
            report.beyond[name] = BEYOND[name]
        elif not criteria["Requirement"] or name in ROWS:
            report.checked += 1
            report.own += 1
            self._own(report, wanted, name)
        elif rule["Function"] == "Composite" and criteria["Requirement"]["CheckFunction"] == "AND":
            report.checked += 1  # it holds when its parts hold, and each of them is looked at by itself
        elif criteria["Requirement"]["CheckFunction"] == "CheckDistinctCount":
            report.checked += 1
            self._tell(report, name, self._distinct(criteria["Requirement"]))
        else:
            wanted[name] = self._broken(name)
            report.checked += 1

    def _own(self, report: Report, wanted: dict[str, str], name: str) -> None:
        """A rule without a requirement in the model; KeyError where nobody has looked at it yet."""
        if name in HEADER:
            if wrong := HEADER[name](self.columns, self.known):
                self._tell(report, name, len(wrong), "columns")
        elif name in GROUPS:
            self._tell(report, name, self._changing(*GROUPS[name]), "groups")
        elif name in FORMATS:
            check, pattern = FORMATS[name]
            said = "NOT " if name in FORBIDDEN else ""
            wanted[name] = self._all_of(check, f"{said}regexp_matches({{column}}, {_quoted(pattern)})")
        elif name in KEY_VALUE:
            wanted[name] = self._all_of("FormatKeyValue", _KEY_VALUE)
        elif name not in READ:
            wanted[name] = self._filled(ROWS[name])

    @cached_property
    def known(self) -> frozenset[str]:
        """Columns that the model names, and those that 1.3 adds to it."""
        return (
            COLUMNS
            | frozenset(
                rule["Reference"].partition(":")[0] for rule in self.rules.values() if rule["EntityType"] == "Column"
            )
            | {name.partition("-")[0] for name, rule in self.rules.items() if rule["EntityType"] == "Column"}
        )

    def _all_of(self, check: str, sql: str) -> str:
        """``sql`` of every column that the model checks by ``check``, where it is not null."""
        nodes = [node for rule in self.rules.values() for node in _checks(rule["ValidationCriteria"]["Requirement"])]
        named = sorted({node["ColumnName"] for node in nodes if node["CheckFunction"] == check} & set(self.columns))
        return (
            " AND ".join(f'("{name}" IS NULL OR {sql.replace("{column}", _quoted_name(name))})' for name in named)
            or "true"
        )

    def _changing(self, of: Sequence[str], these: Sequence[str]) -> int:
        """Groups of which more than one of ``these`` is told."""
        keys = ", ".join(self._column(name) for name in of)
        told = ", ".join(f"coalesce({self._column(name)}, '')" for name in these)
        there = " AND ".join(f"{self._column(name)} IS NOT NULL" for name in (*of, these[0]))
        sql = f"SELECT count(*) FROM (SELECT 1 FROM focus WHERE {there} GROUP BY {keys} HAVING count(DISTINCT ({told})) > 1)"
        return int(self.engine.sql(sql).fetchall()[0][0])

    def _counted(self, wanted: Mapping[str, str]) -> dict[str, int]:
        """How many rows break each rule; rules on columns of few values are evaluated once for each combination."""
        few = self._few()
        alike: dict[frozenset[str], list[str]] = {}
        for name, sql in wanted.items():
            used = frozenset(re.findall('"([A-Za-z_]+)"', sql)) & set(self.columns)
            alike.setdefault(used if used <= few else frozenset(), []).append(name)
        found: dict[str, int] = {}
        for used, names in alike.items():
            for start in range(0, len(names), _AT_ONCE):
                found |= self._broken_rows(used, {name: wanted[name] for name in names[start : start + _AT_ONCE]})
        return found

    def _broken_rows(self, used: frozenset[str], wanted: Mapping[str, str]) -> dict[str, int]:
        counts = ", ".join(f"coalesce(sum(n) FILTER (WHERE NOT coalesce({sql}, false)), 0)" for sql in wanted.values())
        columns = ", ".join(_quoted_name(name) for name in sorted(used))
        source = (
            f"(SELECT {columns}, count(*) AS n FROM focus GROUP BY ALL)" if used else "(SELECT *, 1 AS n FROM focus)"
        )
        row = self.engine.sql(f"SELECT {counts} FROM {source}").fetchall()[0]
        return {name: int(broken) for name, broken in zip(wanted, row, strict=True)}

    def _few(self) -> frozenset[str]:
        """Columns with few values."""
        counts = ", ".join(f"approx_count_distinct({_quoted_name(name)})" for name in self.columns)
        row = self.engine.sql(f"SELECT {counts} FROM focus").fetchall()[0]
        return frozenset(name for name, count in zip(self.columns, row, strict=True) if count <= _FEW)

    def _tell(self, report: Report, name: str, broken: int, of: str = "rows") -> None:
        if broken and name in ADDED:
            report.failed[name] = f"{ADDED[name].column} MUST hold: it {ADDED[name].asks} ({broken:,} {of})"
        elif broken:
            criteria = self.rules[name]["ValidationCriteria"]
            place = report.advised if criteria["Keyword"].startswith("SHOULD") else report.failed
            place[name] = f"{criteria['MustSatisfy']} ({broken:,} {of})"

    def _applies(self, name: str) -> bool:
        own = set(self.rules[name]["ApplicabilityCriteria"]) & self.unsupported
        return not own and all(self._applies(parent) for parent in self.parents.get(name, [])[:1])

    def _broken(self, name: str) -> str:
        """SQL that holds for rows that keep the rule, where its own condition and those of the rules above it hold."""
        conditions = [self._condition(name)]
        above = self.parents.get(name, [])
        while above:
            conditions.append(self._condition(above[0]))
            above = self.parents.get(above[0], [])
        asked = " AND ".join(c for c in conditions if c) or "true"
        return f"(NOT coalesce({asked}, false) OR coalesce({self._sql(self.rules[name]['ValidationCriteria']['Requirement'])}, false))"

    def _condition(self, name: str) -> str:
        condition = self.rules[name]["ValidationCriteria"]["Condition"]
        return f"({self._sql(condition)})" if condition else ""

    def _rule(self, name: str) -> str:
        """Another rule, inside one that is made of several."""
        criteria = self.rules[name]["ValidationCriteria"]
        if not criteria["Requirement"] or not criteria["Keyword"].startswith("MUST") or not self._applies(name):
            return "true"
        if criteria["Requirement"]["CheckFunction"] == "CheckDistinctCount":
            return "true"
        asked = self._condition(name) or "true"
        return f"(NOT coalesce({asked}, false) OR coalesce({self._sql(criteria['Requirement'])}, false))"

    def _sql(self, node: Node) -> str:
        """SQL of one check; a column that is not there is null."""
        if set(node) == {"AND"}:  # two conditions of model 1.2 are written without a function
            node = {"CheckFunction": "AND", "Items": node["AND"] if isinstance(node["AND"], list) else [node["AND"]]}
        kind = node["CheckFunction"]
        if kind in {"AND", "OR"}:
            return "(" + f" {kind} ".join(self._sql(item) for item in node["Items"]) + ")"
        if kind == "CheckModelRule":
            return self._rule(node["ModelRuleId"])
        if kind == "ColumnPresent":
            return "true" if node["ColumnName"] in self.columns else "false"
        if kind in {"CheckSameValue", "CheckNotSameValue"}:
            a, b = self._column(node["ColumnAName"]), self._column(node["ColumnBName"])
            return f"({a} IS {'NOT ' if kind == 'CheckSameValue' else ''}DISTINCT FROM {b})"
        if kind == "ColumnByColumnEqualsColumnValue":
            a, b, c = (self._column(node[key]) for key in ("ColumnAName", "ColumnBName", "ResultColumnName"))
            return f"({a} IS NULL OR {b} IS NULL OR {a}::DOUBLE * {b}::DOUBLE = {c}::DOUBLE)"
        return self._of_column(kind, self._column(node["ColumnName"]), node.get("Value"))

    def _of_column(self, kind: str, column: str, value: Any) -> str:
        known = {
            "TypeDecimal": f"regexp_matches({column}, '{_NUMBER}')",
            "FormatNumeric": f"regexp_matches({column}, '{_NUMBER}')",
            "CheckDecimalValue": f"regexp_matches({column}, '{_NUMBER}')",
            "TypeString": "true",
            "FormatString": f"trim({column}) <> ''",
            "TypeDateTime": f"TRY_CAST({column} AS TIMESTAMPTZ) IS NOT NULL",
            "FormatDateTime": f"regexp_matches({column}, '{_TIME}')",
            "FormatUnit": f"regexp_matches({column}, '{_UNIT}')",
            "FormatCurrency": f"trim({column}) <> ''",
            "CheckNationalCurrency": f"{column} IN (SELECT code FROM currencies)",
            "FormatKeyValue": _KEY_VALUE.format(column=column),
            "CheckGreaterOrEqualThanValue": f"{column}::DOUBLE >= {value}",
        }
        if kind in known:
            return f"({column} IS NULL OR {known[kind]})"
        same = (
            f"{column} IS NULL"
            if value is None
            else f"{column}::DOUBLE = {value}"
            if isinstance(value, int | float)
            else f"{column} IS NOT DISTINCT FROM {_quoted(value)}"
        )
        if kind == "CheckValue":
            return f"coalesce({same}, false)"
        if kind == "CheckNotValue":
            return f"NOT coalesce({same}, false)"
        raise ValueError(f"the model asks for {kind}, which is not known here")

    def _column(self, name: str) -> str:
        return f'"{name}"' if name in self.columns else "NULL::VARCHAR"

    def _distinct(self, node: Node) -> int:
        a, b = self._column(node["ColumnAName"]), self._column(node["ColumnBName"])
        sql = f"SELECT count(*) FROM (SELECT {a} AS a FROM focus WHERE {a} IS NOT NULL GROUP BY {a} HAVING count(DISTINCT {b}) <> {int(node['ExpectedCount'])})"
        return int(self.engine.sql(sql).fetchall()[0][0])


_KEY_VALUE = (
    "(json_valid({column}) AND json_type({column}) = 'OBJECT' AND len(json_keys({column})) = len(list_distinct(json_keys({column}))) "
    "AND NOT list_has_any(map_values(json_transform({column}, '\"MAP(VARCHAR, JSON)\"')).list_transform(lambda v: json_type(v)::VARCHAR), ['OBJECT', 'ARRAY']))"
)


def _checks(node: Node) -> Iterator[Node]:
    """A check and those inside it."""
    if "CheckFunction" in node:
        yield node
    for item in node.get("Items", ()):
        yield from _checks(item)


def _quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _children(node: Node) -> list[str]:
    if node.get("CheckFunction") == "CheckModelRule":
        return [node["ModelRuleId"]]
    return [child for item in node.get("Items", []) for child in _children(item)]


def _quoted(text: str) -> str:
    return "'" + str(text).replace("'", "''") + "'"


if __name__ == "__main__":
    made = check(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
    print(made.text())
    sys.exit(bool(made.failed))
