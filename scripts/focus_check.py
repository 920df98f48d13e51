"""Holds a FOCUS CSV to the FinOps Foundation's machine-readable requirements model, rule by rule.

Run as ``python -m scripts.focus_check MODEL.json CURRENCIES.csv FILE``. The model is published with the Foundation's
validator (https://github.com/finopsfoundation/focus_validator, focus_validator/rules/, MIT). Every rule is evaluated over
every row by DuckDB on the texts of the file; ListUnitPrice x PricingQuantity is compared in double precision without
tolerance. A rule whose requirement the model leaves empty cannot be checked by a machine and is counted as such; what
is only allowed (MAY) forbids nothing.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

Node = Mapping[str, Any]
_NUMBER = r"^-?\d+(\.\d+)?([eE]-?\d+)?$"
_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_UNIT = r"^(\d+ )?[A-Z][A-Za-z]*([ -][A-Z][A-Za-z]*)?$"
NOT_OFFERED = frozenset({"COMMITMENT_DISCOUNT_SUPPORTED", "CAPACITY_RESERVATION_SUPPORTED"})
"""What calls to model APIs have none of; the rules of these criteria do not apply."""
FAULTY = {"InvoiceId-C-005-C": "has lost its condition: InvoiceId-C-004-C, which has too, asks for the opposite"}
"""Rules of model 1.2 that no file can keep."""


@dataclass
class Report:
    """What became of the rules of a model."""

    rules: int = 0
    checked: int = 0
    permitting: int = 0
    not_checkable: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    advised: dict[str, str] = field(default_factory=dict)
    rows: int = 0

    def text(self) -> str:
        """The report in lines."""
        lines = [
            (
                f"{self.rows:,} rows; {self.rules} rules apply, {self.checked} checked, {self.permitting} only permit (MAY), "
                f"{sum(self.not_checkable.values())} not checkable by a machine ({', '.join(f'{n} {why}' for why, n in sorted(self.not_checkable.items()))})"
            ),
            f"{len(self.failed)} fail, {len(self.advised)} recommendations are not followed",
        ]
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
            "CREATE VIEW focus AS SELECT * FROM read_csv(?, all_varchar = true, header = true, nullstr = '')".replace(
                "?", _quoted(str(file))
            )
        )
        self.engine.execute(
            f"CREATE TABLE currencies AS SELECT currency_codes AS code FROM read_csv({_quoted(str(currencies))}, all_varchar = true, header = true)"
        )
        self.columns = {row[0] for row in self.engine.sql("DESCRIBE focus").fetchall()}
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
            criteria = rule["ValidationCriteria"]
            if criteria["Keyword"] in {"MAY", "OPTIONAL", "RECOMMENDED"}:
                report.permitting += 1
            elif name in FAULTY:
                report.not_checkable[f"{name} {FAULTY[name]}"] += 1
            elif not criteria["Requirement"]:
                report.not_checkable[f"{rule['EntityType'].lower()} {rule['Function'].lower()}"] += 1
            elif rule["Function"] == "Composite" and criteria["Requirement"]["CheckFunction"] == "AND":
                report.checked += 1  # it holds when its parts hold, and each of them is looked at by itself
            elif criteria["Requirement"]["CheckFunction"] == "CheckDistinctCount":
                report.checked += 1
                self._tell(report, name, self._distinct(criteria["Requirement"]))
            else:
                try:
                    wanted[name] = self._broken(name)
                except KeyError as missing:
                    report.not_checkable[f"without {missing} in the model ({name})"] += 1
                else:
                    report.checked += 1
        names = list(wanted)
        counts = ", ".join(f"count(*) FILTER (WHERE NOT coalesce({wanted[name]}, false))" for name in names)
        found = self.engine.sql(f"SELECT count(*), {counts} FROM focus").fetchall()[0]
        report.rows = found[0]
        for name, broken in zip(names, found[1:], strict=True):
            self._tell(report, name, broken)
        return report

    def _tell(self, report: Report, name: str, broken: int) -> None:
        if broken:
            criteria = self.rules[name]["ValidationCriteria"]
            place = report.advised if criteria["Keyword"].startswith("SHOULD") else report.failed
            place[name] = f"{criteria['MustSatisfy']} ({broken:,} rows)"

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
