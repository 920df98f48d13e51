"""The bill's line items over all days, beside the log's own quantity and list cost of the same model and class."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from llmcost.money import EXACT, ZERO
from llmcost.pricing.price import Charge
from llmcost.results.priced import Priced
from llmcost.results.reconcile.bill import Bill, BillLine, added
from llmcost.results.reconcile.cells import Cell
from llmcost.results.reconcile.model import ItemLine

_Place = tuple[str, str | None, str]


def items_of(priced: Priced, bill: Bill, cells: Sequence[Cell]) -> list[ItemLine]:
    """Usage lines by item, the largest amount first. A class that two items share cannot be divided among them."""
    logged = _logged(priced, cells)
    groups: dict[tuple[str, str | None, str | None, str | None, str | None], list[BillLine]] = {}
    for line in bill.lines:
        if line.is_usage and line.whole:
            key = (line.provider, line.line_item, line.model, line.token_class, line.quantity_unit)
            groups.setdefault(key, []).append(line)
    claimed: dict[_Place, int] = {}
    for provider, _, model, token_class, _ in groups:
        if token_class:
            place = (provider, model, token_class)
            claimed[place] = claimed.get(place, 0) + 1
    found = [_item(key, lines, logged, claimed) for key, lines in groups.items()]
    return sorted(
        found, key=lambda x: (-(x.billed_usd or ZERO), x.provider, str(x.line_item), str(x.model), str(x.token_class))
    )


def _logged(priced: Priced, cells: Sequence[Cell]) -> dict[_Place, tuple[Decimal, Decimal]]:
    """Quantity and list cost of the compared usage, by provider, model and class."""
    found: dict[_Place, tuple[Decimal, Decimal]] = {}
    for cell in cells:
        for group in cell.groups:
            if group.model is None or not isinstance(group.charge, Charge):
                continue
            _, name, model = priced.engine.names[group.model]
            for line in group.charge.lines:
                named = cell.model or (model.key if model else name)
                place = (cell.provider, named, str(line.token_class))
                quantity, cost = found.get(place, (ZERO, ZERO))
                found[place] = (EXACT.add(quantity, Decimal(line.quantity)), EXACT.add(cost, line.cost))
    return found


def _item(
    key: tuple[str, str | None, str | None, str | None, str | None],
    lines: Sequence[BillLine],
    logged: dict[_Place, tuple[Decimal, Decimal]],
    claimed: dict[_Place, int],
) -> ItemLine:
    provider, item, model, token_class, unit = key
    place = (provider, model, token_class or "")
    alone = token_class is not None and model is not None and claimed[place] == 1
    quantity, cost = logged.get(place, (ZERO, ZERO)) if alone else (None, None)
    quantities = [line.quantity for line in lines if line.quantity is not None]
    return ItemLine(
        provider=provider,
        line_item=item,
        model=model,
        token_class=token_class,
        billed_usd=added(line.usd for line in lines),
        billed_quantity=added(quantities) if len(quantities) == len(lines) else None,
        quantity_unit=unit,
        logged_quantity=quantity,
        list_usd=cost,
        lines=sum(line.lines for line in lines),
    )
