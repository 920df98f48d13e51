"""The stage on which strategies act: the catalogue, the models that the log names, and the engine behind Ibis.

Ibis compiles; the store's own connection runs. Nothing here knows a strategy.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.sql import compilers
from ibis.expr.operations import UnboundTable

from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.names import ModelRef
from llmcost.results.logrows import USAGE_TABLE
from llmcost.usage.store import Store
from llmcost.workload.contract import Costs, RowCosts, Workload

_ARROW_TYPES: Final = {
    "int64": "int64", "bool": "boolean", "string": "string", "large_string": "string", "double": "float64",
}  # fmt: skip
_ROWS: Final = "llmcost_rows"
_NUMBERS: Final = itertools.count(1)


def compiled(expression: ir.Table, dialect: str = "duckdb") -> str:
    """The query of an expression over unbound tables in one engine's dialect.

    As ``ibis.to_sql`` makes it, without what takes half of its time: selects are left nested, since every engine flattens
    them itself, and neither the expression nor the syntax tree is copied.
    """
    compiler = getattr(compilers, dialect).compiler
    fused, ibis.options.sql.fuse_selects = ibis.options.sql.fuse_selects, False
    try:
        return str(compiler.to_sqlglot(expression).sql(dialect=compiler.dialect, copy=False))
    finally:
        ibis.options.sql.fuse_selects = fused


@dataclass
class Engine:
    """Runs expressions in the store and keeps the table of model ids."""

    store: Store
    catalogue: Catalogue
    now: int
    span: tuple[int, int] | None = None
    names: list[tuple[str | None, str, ModelRef | None]] = field(default_factory=list)
    _ids: dict[tuple[str | None, str], int] = field(default_factory=dict)
    _made: list[str] = field(default_factory=list)
    _compiled: dict[Hashable, str] = field(default_factory=dict)
    _named: dict[Hashable, str] = field(default_factory=dict)
    sharing: bool = False
    """Whether what is named twice is made once: scenarios that differ in weights alone then share their rows and sums. Nothing
    that they build on may be made anew meanwhile."""
    made: int = 0
    """Tables filled so far."""
    small: bool = False
    """Few rows: what is named is run at once, since the engine binds a view anew, with all below it, in every query."""

    def rows(self, expression: ir.Table) -> list[dict[str, Any]]:
        """The answer as dicts of Python values: integers stay exact."""
        columns = expression.columns
        return [dict(zip(columns, row, strict=True)) for row in self.store.rows(compiled(expression))]

    def summed(
        self, rows: ir.Table, columns: Collection[str], shape: Hashable, sums: Callable[[ir.Table], ir.Table]
    ) -> str:
        """Runs ``sums`` over the named columns of ``rows`` into a table and gives its name.

        All states of all scenarios are summed alike, so the query is compiled once for each ``shape`` and set of
        columns, over a view that stands for the rows.
        """
        schema = ibis.schema({name: kind for name, kind in rows.schema().items() if name in columns})
        key = (shape, tuple(schema.items()))
        if key not in self._compiled:
            self._compiled[key] = compiled(sums(ibis.table(schema, name=_ROWS)))
        source = (rows if isinstance(rows.op(), UnboundTable) else self.view(rows.select(list(schema)))).get_name()
        same = ("sums", key, source)
        if self.sharing and same in self._named:
            return self._named[same]
        name = self._named[same] = self._new_name()
        listed = ", ".join(f'"{column}"' for column in schema)
        self.store.execute(f'CREATE OR REPLACE TEMP VIEW {_ROWS} AS SELECT {listed} FROM "{source}"')
        self.store.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {self._compiled[key]}')
        return name

    def rolled_up(
        self, table: str, keys: Sequence[str], added: Sequence[str], least: Sequence[str], most: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Sums, minima and maxima of a table that this engine made, by ``keys``: plain SQL, too simple to be worth compiling."""
        quoted = ", ".join(f'"{key}"' for key in keys)
        sums = [f'sum("{name}") AS "{name}"' for name in added] + [f'min("{name}") AS "{name}"' for name in least]
        sums += [f'max("{name}") AS "{name}"' for name in most]
        answer = self.store.rows(f'SELECT {quoted}, {", ".join(sums)} FROM "{table}" GROUP BY {quoted}')
        return [dict(zip((*keys, *added, *least, *most), row, strict=True)) for row in answer]

    def collect(self, expression: ir.Table) -> pa.Table:
        """The answer as an Arrow table."""
        return self.store.arrow(compiled(expression))

    def stream(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        """The answer in batches."""
        yield from self.store.batches(compiled(expression))

    def view(self, expression: ir.Table) -> ir.Table:
        """Names the expression in the engine, so that what builds on it compiles from there; nothing is run but on few rows."""
        return self._called("TABLE" if self.small else "VIEW", expression)

    def materialise(self, expression: ir.Table) -> ir.Table:
        """Runs the expression once and keeps its rows for further expressions."""
        self.made += 1
        return self._called("TABLE", expression)

    def _called(self, kind: Literal["VIEW", "TABLE"], expression: ir.Table) -> ir.Table:
        """The expression under a name, its old one while ``sharing``."""
        same = (kind, expression.op())
        if not self.sharing or same not in self._named:
            query = compiled(expression)
            self._named[same] = self._new_name()
            self.store.execute(f'CREATE OR REPLACE TEMP {kind} "{self._named[same]}" AS {query}')
        return ibis.table(expression.schema(), name=self._named[same])

    def register(self, data: pa.Table) -> ir.Table:
        """Makes a table of results available to expressions."""
        name = self._new_name()
        self.made += 1
        # Engines narrow small integers as they like; workloads know one kind.
        integers = [field.with_type(pa.int64()) if pa.types.is_integer(field.type) else field for field in data.schema]
        data = data.cast(pa.schema(integers))
        self.store.register(name, data)
        # Ibis reads Arrow schemas only beside a package for old pyarrow versions, so the few types are named here.
        return ibis.table({field.name: _ARROW_TYPES[str(field.type)] for field in data.schema}, name=name)

    def keep(self, name: str) -> None:
        """Drops ``name``, which was made in the store's connection, with everything else at the end."""
        self._made.append(name)

    def _new_name(self) -> str:
        name = f"llmcost_t{next(_NUMBERS)}"
        self._made.append(name)
        return name

    def close(self) -> None:
        """Drops what this engine made in the store's connection."""
        self.store.drop_temporary(reversed(self._made))
        self._made.clear()
        self._named.clear()

    def model_id(self, provider: str | None, name: str, model: ModelRef | None) -> int:
        """The id of a logged name, made when it is new."""
        key = (provider, name)
        if key not in self._ids:
            self._ids[key] = len(self.names)
            self.names.append((provider, name, model))
        return self._ids[key]

    def load_models(self, names: Iterable[tuple[str | None, str | None]], at: int | None) -> None:
        """Resolves every (provider, model) that the log names and registers the table that rows are joined with."""
        found: list[tuple[str | None, str | None, int]] = []
        for provider, name in names:
            model = self.catalogue.resolve(provider, name, at) if name else None
            found.append((provider, name, self.model_id(provider, name or "", model)))
        self.store.register(
            "llmcost_models",
            pa.table(
                {
                    "provider": pa.array([p for p, _, _ in found], pa.string()),
                    "name": pa.array([n for _, n, _ in found], pa.string()),
                    "model": pa.array([i for _, _, i in found], pa.int64()),
                    "key": pa.array([self._key(i) for _, _, i in found], pa.string()),
                    "host": pa.array([self._host(i) for _, _, i in found], pa.string()),
                }
            ),
        )

    def _host(self, number: int) -> str | None:
        model = self.names[number][2]
        return model.provider if model else None

    def _key(self, number: int) -> str | None:
        _, name, model = self.names[number]
        return model.key if model else name or None

    @property
    def models(self) -> list[ModelRef | None]:
        """Models by id."""
        return [model for _, _, model in self.names]


@dataclass(frozen=True)
class SceneStage:
    """What one step of one scenario sees (:class:`llmcost.workload.contract.Stage`)."""

    engine: Engine
    scenario: str
    step: int
    seed: int
    present: frozenset[str]
    """Usage columns that at least one row of the log knows."""
    restricted: bool = False
    """Only some of the store's files exist for this replay."""
    price: Callable[[Workload, str], Costs] | None = None
    """Prices a workload by a column."""
    priced_on: int | None = None
    """The instant whose rates price everything; None: each request's own."""
    price_rows: Callable[[Workload], RowCosts] | None = None
    """Prices every row of a workload."""
    weighs: bool = False
    """Shares are weights, not draws."""

    @property
    def catalogue(self) -> Catalogue:
        return self.engine.catalogue

    @property
    def now(self) -> int:
        return self.engine.now

    @property
    def span(self) -> tuple[int, int] | None:
        return self.engine.span

    def models(self) -> Iterator[tuple[int, ModelRef | None, str | None, str]]:
        for number, (provider, name, model) in enumerate(self.engine.names):
            yield number, model, provider, name

    def model_id(self, key: str) -> int:
        model = self.catalogue.get(key)
        return self.engine.model_id(model.provider, f"\x1f{model.model}", model)

    def collect(self, expression: ir.Table) -> pa.Table:
        return self.engine.collect(expression)

    def materialise(self, expression: ir.Table) -> ir.Table:
        return self.engine.materialise(expression)

    def view(self, expression: ir.Table) -> ir.Table:
        return self.engine.view(expression)

    def register(self, data: pa.Table) -> ir.Table:
        return self.engine.register(data)

    def costs(self, workload: Workload, column: str) -> Costs:
        if self.price is None:
            raise AssertionError("this stage prices nothing")
        return self.price(workload, column)

    def logged(self, rows: ir.Table, names: Iterable[str]) -> ir.Table:
        left = [name for name in names if name not in rows.columns]
        if not left:
            return rows
        joined = rows.left_join(USAGE_TABLE.select("row_id", *left), "row_id")
        return joined.select(*[joined[name] for name in (*rows.columns, *left)])

    def row_costs(self, workload: Workload) -> RowCosts:
        if self.price_rows is None:
            raise AssertionError("this stage prices nothing")
        return self.price_rows(workload)

    def stream(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        return self.engine.stream(expression)


def fresh_step(workload: Workload) -> Workload:
    """The workload before a step: nothing changed yet, no evidence."""
    nothing = ibis.literal(0, type="int64")
    rows = workload.rows.mutate(changed=ibis.literal(False), evidence=nothing, tally=nothing)
    return replace(workload, rows=rows)
