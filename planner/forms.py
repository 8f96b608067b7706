"""In which form each column of a fragment enters: planes, ring, or both.

A column that is only summed (perhaps after additions and products with constants) enters as ring
elements, which saves its conversion; everything that is compared, joined, grouped, ordered or
output enters as planes. The keys of a join that goes by what their owners know do not enter at all,
unless they are read elsewhere.
"""

from __future__ import annotations

import dataclasses

from ..query.bound import Call, Case, ColumnRef, Expression, Literal
from ..query.datatypes import Column
from .algorithms import with_inputs
from .expressions import columns_of, parts
from .scales import scale_of
from .secure import (
    Aggregate,
    AlignedSum,
    Attach,
    Check,
    Concat,
    Expand,
    Filter,
    Form,
    Fragment,
    Join,
    Operator,
    Product,
    Project,
    Root,
    Sort,
    Stored,
    Window,
    children,
)

Demand = dict[int, frozenset[str]]

NARROW = 3
"""Planes up to which a carried value is cheaper as bits that are converted after the join."""

BITS: frozenset[str] = frozenset({"bits"})
RING: frozenset[str] = frozenset({"ring"})
UNREAD: frozenset[str] = frozenset()


def assign_forms(root: Root) -> Root:
    """The plan with every fragment's forms chosen by what reads its columns."""
    demand: Demand = {column.id: BITS for column in root.columns}
    assigned = _assign(root.input, demand)
    chosen: dict[Fragment, tuple[Form, ...]] = {}
    _collect(assigned, chosen)
    return dataclasses.replace(root, input=_agreed(assigned, chosen))


def _collect(operator: Operator, chosen: dict[Fragment, tuple[Form, ...]]) -> None:
    """The forms of every fragment, over all places where it stands."""
    for child in children(operator):
        _collect(child, chosen)
    if isinstance(operator, Fragment):
        plain = dataclasses.replace(operator, forms=())
        known = chosen.get(plain, operator.forms)
        pairs = zip(known, operator.forms, strict=True)
        chosen[plain] = tuple(_either(a, b) for a, b in pairs)


def _either(one: Form, other: Form) -> Form:
    if "clear" in (one, other):
        return other if one == "clear" else one
    return one if one == other else "both"


def _agreed(operator: Operator, chosen: dict[Fragment, tuple[Form, ...]]) -> Operator:
    """One choice for a fragment that stands at several places, so that it is still one."""
    if isinstance(operator, Fragment):
        forms = chosen[dataclasses.replace(operator, forms=())]
        return dataclasses.replace(operator, forms=forms)
    inputs = tuple(_agreed(child, chosen) for child in children(operator))
    return with_inputs(operator, inputs)


def _assign(operator: Operator, demand: Demand) -> Operator:
    """`demand`: the forms in which the operator's columns are read above."""
    match operator:
        case Fragment():
            forms = tuple(_form(column, demand) for column in operator.columns)
            return dataclasses.replace(operator, forms=forms)
        case Stored():
            return operator
        case Filter():
            below = _merged(demand, dict.fromkeys(columns_of(operator.predicate), BITS))
            return dataclasses.replace(operator, input=_assign(operator.input, below))
        case Check():
            below = _merged(demand, dict.fromkeys(columns_of(operator.condition), BITS))
            return dataclasses.replace(operator, input=_assign(operator.input, below))
        case Project():
            return dataclasses.replace(
                operator, input=_assign(operator.input, _through(operator, demand))
            )
        case Sort():
            below = _merged(_moved(demand), {key.column: BITS for key in operator.keys})
            return dataclasses.replace(operator, input=_assign(operator.input, below))
        case Aggregate():
            return dataclasses.replace(operator, input=_assign(operator.input, _summed(operator)))
        case Window():
            below = _merged(demand, _windowed(operator))
            return dataclasses.replace(operator, input=_assign(operator.input, below))
        case Join():
            return _assign_join(operator, demand)
        case Expand():
            return dataclasses.replace(
                operator,
                left=_assign(operator.left, _carried(operator.left, operator.left_keys, demand)),
                right=_assign(
                    operator.right, _carried(operator.right, operator.right_keys, demand)
                ),
            )
        case Attach():
            return dataclasses.replace(
                operator,
                probe=_assign(operator.probe, demand),
                build=_assign(operator.build, _moved(demand)),
            )
        case Product():
            tested = () if operator.predicate is None else columns_of(operator.predicate)
            below = _merged(_moved(demand), dict.fromkeys(tested, BITS))
            return dataclasses.replace(
                operator,
                left=_assign(operator.left, below),
                right=_assign(operator.right, below),
            )
        case Concat() | AlignedSum():
            return _positional(operator, demand)
        case _:
            raise AssertionError(type(operator).__name__)


def _assign_join(join: Join, demand: Demand) -> Join:
    """Sorting and bins of a cuckoo table read both keys; an index and a domain read none."""
    reads = join.by in ("sort", "cuckoo")
    probe_keys, build_keys = (join.probe_keys, join.build_keys) if reads else ((), ())
    kept = {column.id for column in join.columns}
    unread = {
        column.id: UNREAD
        for side in (join.probe, join.build)
        for column in side.columns
        if column.id not in kept and not reads
    }
    probe = _merged({**demand, **unread}, dict.fromkeys(probe_keys, BITS))
    build = {**_carried(join.build, build_keys, demand), **unread}
    return dataclasses.replace(
        join, probe=_assign(join.probe, probe), build=_assign(join.build, build)
    )


def _moved(demand: Demand) -> Demand:
    """The demand for columns that move with their rows, whether they are read or not."""
    return {column: forms or BITS for column, forms in demand.items()}


def _carried(side: Operator, keys: tuple[int, ...], demand: Demand) -> Demand:
    """What a join carries from a side moves as narrow planes rather than ring elements."""
    narrow = {
        column.id: BITS
        for column in side.columns
        if column.encoding is not None
        and column.encoding.width <= NARROW
        and demand.get(column.id) == RING
    }
    return _merged({**_moved(demand), **narrow}, dict.fromkeys(keys, BITS))


def _form(column: Column, demand: Demand) -> Form:
    encoding = column.encoding
    if demand.get(column.id, BITS) == UNREAD:
        return "clear"
    if encoding is None or encoding.text_bytes is not None or not encoding.fits_ring:
        return "bits"
    wanted = demand.get(column.id, BITS)
    if wanted == RING:
        return "ring"
    return "bits" if wanted == BITS else "both"


def _merged(*demands: Demand) -> Demand:
    merged: Demand = {}
    for demand in demands:
        for column_id, forms in demand.items():
            merged[column_id] = merged.get(column_id, frozenset()) | forms
    return merged


def _summed(operator: Aggregate) -> Demand:
    keys = UNREAD if operator.sort == "known" else BITS
    demand: Demand = dict.fromkeys(operator.keys, keys)
    for spec in operator.aggregates:
        in_ring = spec.column.encoding is not None and spec.column.encoding.fits_ring
        form = RING if spec.function == "sum" and in_ring else BITS
        demand = _merged(demand, dict.fromkeys(spec.reads, form))
    return demand


def _windowed(operator: Window) -> Demand:
    demand: Demand = dict.fromkeys((*operator.partition, *(k.column for k in operator.order)), BITS)
    for spec in operator.calls:
        if spec.argument is not None:
            in_ring = spec.column.encoding is not None and spec.column.encoding.fits_ring
            form = RING if spec.function == "sum" and in_ring else BITS
            demand = _merged(demand, {spec.argument: form})
    return demand


def _through(operator: Project, demand: Demand) -> Demand:
    """What a projection's expressions read, given how their results are read."""
    below: Demand = {}
    for column, expression in zip(operator.columns, operator.expressions, strict=True):
        wanted = demand.get(column.id, BITS)
        plain = isinstance(expression, ColumnRef)
        below = _merged(below, _reads(expression, wanted if plain else wanted or BITS))
    return below


def _reads(expression: Expression, wanted: frozenset[str]) -> Demand:
    match expression:
        case ColumnRef():
            return {expression.id: wanted}
        case Call(function="+" | "-" | "negate"):
            return _merged(*(_reads(part, RING) for part in parts(expression)))
        case Call(function="*"):
            return _merged(*(_reads(part, RING) for part in parts(expression)))
        case Call(function="cast", arguments=(inner,)):
            grows = scale_of(expression.type) != scale_of(inner.type)
            return _reads(inner, RING if grows else wanted)
        case Call(function="/"):
            return _merged(*(_reads(part, RING) for part in parts(expression)))
        case Literal():
            return {}
        case Case():
            conditions = [_reads(condition, BITS) for condition, _ in expression.branches]
            values = [value for _, value in expression.branches]
            values += [] if expression.otherwise is None else [expression.otherwise]
            return _merged(*conditions, *(_reads(value, wanted) for value in values))
        case Call(function="coalesce"):
            return _merged(*(_reads(part, wanted) for part in parts(expression)))
        case _:
            return _merged(*(_reads(part, BITS) for part in parts(expression)))


def _positional(operator: Concat | AlignedSum, demand: Demand) -> Operator:
    demand = _moved(demand)
    skipped = len(operator.keys) if isinstance(operator, AlignedSum) else 0
    outer = operator.columns[skipped:]
    inputs = []
    for inner in operator.inputs:
        below: Demand = {}
        for column, own in zip(outer, inner.columns, strict=True):
            form = (
                RING if skipped or isinstance(operator, AlignedSum) else demand.get(column.id, BITS)
            )
            below = _merged(below, {own.id: form})
        inputs.append(_assign(inner, below))
    return dataclasses.replace(operator, inputs=tuple(inputs))
