"""What is publicly known about a logical node: row bound, unique keys, ranges, owners.

All of it follows from the catalog and the query text, never from data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..query.bound import Call, Case, ColumnRef, Expression, Literal
from ..query.bounds import NOTHING
from ..query.datatypes import DoubleType, Encoding
from .dependencies import node_dependencies
from .distinct_values import node_distinct
from .doubles import double_encoding
from .expressions import column_pair, conjuncts
from .group_facts import Multiples, aggregate_facts
from .hashing import HASH_RANGE, hashed_column
from .known import Facts, Key, common_range
from .logical import (
    Aggregate,
    Check,
    Filter,
    Join,
    Node,
    Once,
    Project,
    Scan,
    Sort,
    Union,
    Values,
    Window,
    children,
)
from .multiplicity import most_rows_per, node_repeats
from .narrowing import narrowed
from .ownership import is_local
from .ranging import expression_range
from .scales import scale_of
from .shared_tables import shared_facts
from .statistics import QUOTIENTS, statistic_encoding
from .totals import join_totals, project_totals, union_totals
from .window_facts import window_facts

Ranges = Mapping[int, Encoding | None]


class Analysis:
    """Computes facts, once per node."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Node, Facts]] = {}

    def facts(self, node: Node) -> Facts:
        known = self._known.get(id(node))
        if known is None:
            known = (node, self._with_dependencies(node, _of_one_row(self._derive(node))))
            self._known[id(node)] = known
        return known[1]

    def _with_dependencies(self, node: Node, facts: Facts) -> Facts:
        below = [self.facts(child) for child in children(node)]
        keys = [key.ids for key in facts.keys]
        return dataclasses.replace(
            facts,
            dependencies=node_dependencies(node, keys, [f.dependencies for f in below]),
            distinct=node_distinct(node, facts.rows, [f.distinct for f in below]),
            repeats=node_repeats(node, below),
        )

    def _multiples(self, node: Aggregate) -> Multiples:
        """The inputs that make up the groups, each with a bound on its rows within one group.

        For a union, each of its inputs by itself; ids of the aggregate's input map to its ids.
        """
        union = node.input if isinstance(node.input, Union) else None
        sources = (node.input,) if union is None else union.inputs
        found = []
        for source in sources:
            own = dict(zip(node.input.ids, source.ids, strict=True))
            facts = self.facts(source)
            never_null = frozenset(c.id for c in source.columns if not c.nullable)
            keys = frozenset(own[key] for key in node.keys)
            single = facts.unique_on(keys & never_null) is not None
            found.append((own, 1 if single else facts.rows, facts))
        return tuple(found)

    def _derive(self, node: Node) -> Facts:
        match node:
            case Scan():
                return _scan(node)
            case Values():
                return Facts(rows=1, keys=(Key(ids=frozenset()),), ranges={}, smallest={})
            case Check():
                return self.facts(node.input)
            case Filter():
                return _filter(node, self.facts(node.input))
            case Project():
                return _project(node, self.facts(node.input))
            case Join():
                return _join(node, self.facts(node.left), self.facts(node.right))
            case Aggregate():
                return aggregate_facts(node, self.facts(node.input), self._multiples(node))
            case Sort():
                return _sort(node, self.facts(node.input))
            case Window():
                return window_facts(node, self.facts(node.input))
            case Once():
                return self.facts(node.input)
            case Union():
                return _union(node, tuple(self.facts(inner) for inner in node.inputs))
            case _:
                raise AssertionError(type(node).__name__)


def _of_one_row(facts: Facts) -> Facts:
    """Where there is at most one row, every set of columns is unique, the empty one too."""
    if facts.rows > 1:
        return facts
    return dataclasses.replace(facts, keys=(Key(ids=frozenset()),))


def smallest_magnitude(expression: Expression, facts: Facts) -> int:
    """A lower bound on the magnitude of the expression's non-zero encoded values, at least 1."""
    match expression:
        case ColumnRef(id=column_id):
            return facts.smallest.get(column_id, 1)
        case Literal(value=value):
            own = expression_range(expression, {}) if value is not None else None
            return max(1, abs(own.lo)) if own is not None else 1
        case Case(branches=branches, otherwise=otherwise):
            values = [value for _, value in branches]
            values += [] if otherwise is None else [otherwise]
            found = [smallest_magnitude(v, facts) for v in values if not _is_zero(v)]
            return min(found, default=1)
        case Call(function="*", arguments=(left, right)):
            return smallest_magnitude(left, facts) * smallest_magnitude(right, facts)
        case Call(function="units" | "negate" | "abs", arguments=(inner,)):
            return smallest_magnitude(inner, facts)
        case Call(function="shift_right", arguments=(inner, Literal(value=int() as places))):
            return max(1, smallest_magnitude(inner, facts) >> places)
        case Call(function="cast", arguments=(inner,)):
            before, after = scale_of(inner.type), scale_of(expression.type)
            grows = before is not None and after is not None and after >= before
            return smallest_magnitude(inner, facts) * 10 ** (after - before) if grows else 1  # type: ignore[operator]
        case _:
            return 1


def _is_zero(expression: Expression) -> bool:
    return isinstance(expression, Literal) and not expression.value


def _magnitude(encoding: Encoding | None) -> int:
    if encoding is None or encoding.lo <= 0 <= encoding.hi:
        return 1
    return min(abs(encoding.lo), abs(encoding.hi))


def _scan(node: Scan) -> Facts:
    if node.table.sharing is not None:
        return shared_facts(node, node.table.sharing)
    by_name = dict(zip(node.names, node.ids, strict=True))
    declared = ((node.table.primary_key,) if node.table.primary_key else ()) + node.table.unique
    keys = tuple(
        Key(ids=frozenset(by_name[name] for name in names))
        for names in declared
        if all(name in by_name for name in names)
    )
    ranges = {column.id: column.encoding for column in node.columns}
    smallest = {column_id: _magnitude(encoding) for column_id, encoding in ranges.items()}
    return Facts(rows=node.table.rows, keys=keys, ranges=ranges, smallest=smallest)


def _filter(node: Filter, below: Facts) -> Facts:
    below = dataclasses.replace(below, keys=_without_fixed(below.keys, node.predicate))
    if not is_local(node):
        return below
    ranges = narrowed(below.ranges, node.predicate)
    smallest = {i: max(below.smallest.get(i, 1), _magnitude(e)) for i, e in ranges.items()}
    return dataclasses.replace(below, ranges=ranges, smallest=smallest)


def _without_fixed(keys: tuple[Key, ...], predicate: Expression) -> tuple[Key, ...]:
    """A column that has one value does not tell rows apart: keys hold without it, too."""
    fixed = frozenset(
        column.id
        for condition in conjuncts(predicate)
        if isinstance(condition, Call) and condition.function == "="
        for column, other in (condition.arguments, condition.arguments[::-1])
        if isinstance(column, ColumnRef) and isinstance(other, Literal)
    )
    shorter = (
        Key(ids=key.ids - fixed, by_contract=key.by_contract) for key in keys if key.ids & fixed
    )
    return (*keys, *shorter)


def _project(node: Project, below: Facts) -> Facts:
    renamed: dict[int, int] = {}
    ranges: dict[int, Encoding | None] = {}
    smallest: dict[int, int] = {}
    for column, expression in zip(node.columns, node.expressions, strict=True):
        ranges[column.id] = range_of(expression, below)
        if isinstance(expression, ColumnRef):
            renamed.setdefault(expression.id, column.id)
            smallest[column.id] = below.smallest.get(expression.id, 1)
        else:
            own = _magnitude(ranges[column.id])
            smallest[column.id] = max(own, smallest_magnitude(expression, below))
    return Facts(
        rows=below.rows,
        keys=_renamed_keys(node, below, renamed),
        ranges=ranges,
        smallest=smallest,
        averages=_renamed_averages(node, below) | _weighted_averages(node, below),
        totals=project_totals(node, below),
    )


def _renamed_keys(node: Project, below: Facts, renamed: dict[int, int]) -> tuple[Key, ...]:
    """The keys whose columns pass; a text's hash tells rows apart as the text does."""
    hashed: dict[int, int] = {}
    for column, expression in zip(node.columns, node.expressions, strict=True):
        source = hashed_column(expression)
        if source is not None:
            hashed.setdefault(source, column.id)
    names = (renamed, renamed | hashed) if hashed else (renamed,)
    keys = (
        Key(ids=frozenset(by[i] for i in key.ids), by_contract=key.by_contract)
        for by in names
        for key in below.keys
        if key.ids <= by.keys()
    )
    return tuple(dict.fromkeys(keys))


def _renamed_averages(node: Project, below: Facts) -> dict[tuple[int, int], int]:
    """Sums and counts that pass, a count also where NULL has become 0."""
    names: dict[int, list[int]] = {}
    for column, expression in zip(node.columns, node.expressions, strict=True):
        match expression:
            case (
                ColumnRef(id=source)
                | Call(function="coalesce", arguments=(ColumnRef(id=source), Literal(value=0)))
            ):
                names.setdefault(source, []).append(column.id)
    return {
        (total, count): bound
        for pair, bound in below.averages.items()
        for total in names.get(pair[0], [])
        for count in names.get(pair[1], [])
    }


def _weighted_averages(node: Project, below: Facts) -> dict[tuple[int, int], int]:
    """Products x * w beside the weight w, or beside w where x is known: |x * w / w| = |x|."""
    found: dict[tuple[int, int], int] = {}
    items = list(zip(node.columns, node.expressions, strict=True))
    for total, product in items:
        if not isinstance(product, Call) or product.function != "*":
            continue
        value, weight = product.arguments
        values, weights = range_of(value, below), range_of(weight, below)
        if values is None or weights is None or weights.lo < 0:
            continue
        for count, expression in items:
            if weight in (expression, _where_known(expression, value)):
                found[(total.id, count.id)] = max(abs(values.lo), abs(values.hi))
    return found


def _where_known(expression: Expression, value: Expression) -> Expression | None:
    """w in CASE WHEN value IS NULL THEN 0 ELSE w END; None for any other expression."""
    match expression:
        case Case(branches=((Call(function="is_null", arguments=(tested,)), Literal(value=0)),)):
            return expression.otherwise if tested == value else None
        case _:
            return None


def range_of(expression: Expression, facts: Facts) -> Encoding | None:
    """The range of an expression over a node's columns; DOUBLE values in fixed point."""
    if hashed_column(expression) is not None:
        return HASH_RANGE
    if isinstance(expression, Call) and expression.function in QUOTIENTS:
        return statistic_encoding(expression, facts.ranges)
    if isinstance(expression.type, DoubleType) and not isinstance(expression, ColumnRef):
        exact = expression_range(expression, facts.ranges)
        if exact is not None and (exact == NOTHING or _has_scale(expression)):
            return exact
        return double_encoding(expression, facts.ranges, facts.averages)
    return expression_range(expression, facts.ranges)


def _has_scale(expression: Expression) -> bool:
    return scale_of(expression.type) is not None


def _join(node: Join, left: Facts, right: Facts) -> Facts:
    if node.kind in ("semi", "anti"):
        return left
    sides = frozenset(node.left.ids), frozenset(node.right.ids)
    pairs = [pair for pair in map(column_pair, node.condition) if pair is not None]
    used = frozenset(
        i for pair in pairs if set(pair) & sides[0] and set(pair) & sides[1] for i in pair
    )
    left_key, right_key = left.unique_on(used & sides[0]), right.unique_on(used & sides[1])
    most = (
        1 if left_key is not None else most_rows_per(used & sides[0], node.left, left),
        1 if right_key is not None else most_rows_per(used & sides[1], node.right, right),
    )
    rows = _joined_rows(node.kind, left.rows, right.rows, most)
    keys: tuple[Key, ...] = tuple(
        Key(ids=a.ids | b.ids, by_contract=a.by_contract or b.by_contract)
        for a in left.keys
        for b in right.keys
    )
    if node.kind in ("inner", "left") and right_key is not None:
        one_to_one = left_key is not None and node.kind == "inner"
        keys = left.keys + (right.keys if one_to_one else ())
    elif node.kind in ("inner", "right") and left_key is not None:
        keys = right.keys
    if node.kind == "full":
        keys = ()
    return Facts(
        rows=rows,
        keys=keys,
        ranges=left.ranges | right.ranges,
        smallest=left.smallest | right.smallest,
        averages=left.averages | right.averages,
        totals=join_totals(left, right, single=(left_key is not None, right_key is not None)),
    )


def _joined_rows(kind: str, left: int, right: int, most: tuple[int, int]) -> int:
    """A bound on the rows of a join; `most`: how many rows of each side one key may have."""
    pairs = min(left * right, left * most[1], right * most[0])
    match kind:
        case "left":
            return min(left * max(1, most[1]), pairs + left)
        case "right":
            return min(right * max(1, most[0]), pairs + right)
        case "full":
            return left + right if min(most) <= 1 else pairs + left + right
        case _:
            return pairs


def _sort(node: Sort, below: Facts) -> Facts:
    rows = max(0, below.rows - node.offset)
    if node.limit is not None:
        rows = min(rows, node.limit)
    return dataclasses.replace(below, rows=rows)


def _union(node: Union, inputs: tuple[Facts, ...]) -> Facts:
    ranges: dict[int, Encoding | None] = {}
    smallest: dict[int, int] = {}
    for position, column in enumerate(node.columns):
        ids = [inner.columns[position].id for inner in node.inputs]
        found = [f.ranges[i] for f, i in zip(inputs, ids, strict=True)]
        ranges[column.id] = common_range(found)
        smallest[column.id] = min(f.smallest.get(i, 1) for f, i in zip(inputs, ids, strict=True))
    keys = tuple(
        Key(ids=frozenset(key), by_contract=True)
        for key in node.unique
        if _unique_everywhere(node, frozenset(key), inputs)
    )
    return Facts(
        rows=sum(f.rows for f in inputs),
        keys=keys,
        ranges=ranges,
        smallest=smallest,
        averages=_union_averages(node, inputs),
        totals=union_totals(node, inputs, ranges),
    )


def _union_averages(node: Union, inputs: tuple[Facts, ...]) -> dict[tuple[int, int], int]:
    """Pairs of columns that every input has as a sum and its count."""
    own = [
        {
            (place[total], place[count]): bound
            for (total, count), bound in facts.averages.items()
            if total in place and count in place
        }
        for facts, inner in zip(inputs, node.inputs, strict=True)
        for place in [dict(zip(inner.ids, node.ids, strict=True))]
    ]
    shared = [pair for pair in own[0] if all(pair in other for other in own)]
    return {pair: max(other[pair] for other in own) for pair in shared}


def _unique_everywhere(node: Union, key: frozenset[int], inputs: tuple[Facts, ...]) -> bool:
    """Still unique within each input: a join may have multiplied rows there."""
    if not key <= frozenset(node.ids):
        return False
    for inner, facts in zip(node.inputs, inputs, strict=True):
        pairs = zip(inner.ids, node.ids, strict=True)
        own = frozenset(mine for mine, outer in pairs if outer in key)
        if facts.unique_on(own) is None:
            return False
    return True
