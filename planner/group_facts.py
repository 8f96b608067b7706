"""What is publicly known about a grouping: how many groups, and the ranges of its aggregates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

from ..query.datatypes import Encoding
from .dependencies import independent
from .known import Facts, Key, domain_size
from .logical import Aggregate, Aggregated
from .moving import source_of
from .ownership import is_local
from .scales import scale_of
from .secure import VALUES_OF_ROWS
from .statistics import STATISTICS, bound_of, extent, native_encoding
from .totals import group_totals

Multiples = tuple[tuple[dict[int, int], int, Facts], ...]
"""For each input that makes up the groups: its ids by the aggregate's input ids, a bound on its
rows within one group, and its facts."""


def aggregate_facts(node: Aggregate, below: Facts, multiples: Multiples) -> Facts:
    rows = group_bound(node, below)
    ranges = {key: below.ranges[key] for key in node.keys}
    smallest = {key: below.smallest.get(key, 1) for key in node.keys}
    for aggregated in node.aggregates:
        if aggregated.function in STATISTICS:
            ranges[aggregated.column.id] = _statistic_range(node, aggregated, below)
        else:
            ranges[aggregated.column.id] = _aggregate_range(aggregated, below, multiples)
        smallest[aggregated.column.id] = _aggregate_smallest(aggregated, below)
    return Facts(
        rows=rows,
        keys=(Key(ids=frozenset(node.keys)),),
        ranges=ranges,
        smallest=smallest,
        averages=_averages(node, below),
        totals=group_totals(node, below),
    )


def _averages(node: Aggregate, below: Facts) -> dict[tuple[int, int], int]:
    """Sums beside counts of the same values, or sums of both over partial groups."""
    nullable = {column.id: column.nullable for column in node.input.columns}
    found: dict[tuple[int, int], int] = {}
    for total in node.aggregates:
        if total.function != "sum" or total.argument is None:
            continue
        values = below.ranges[total.argument]
        for count in node.aggregates:
            pair = (total.column.id, count.column.id)
            counted = count.argument == total.argument and count.function == "count"
            every = count.function == "count_star" and not nullable[total.argument]
            if (counted or every) and values is not None:
                found[pair] = max(abs(values.lo), abs(values.hi))
            elif count.function == "sum" and count.argument is not None:
                partial = below.averages.get((total.argument, count.argument))
                if partial is not None:
                    found[pair] = partial
    return found


def group_bound(node: Aggregate, below: Facts) -> int:
    """A public bound on the number of groups, by the keys that the other keys follow from."""
    if not node.keys:
        return 1
    nullable = {column.id: column.nullable for column in node.input.columns}

    def values(key: int) -> int:
        size = domain_size(below.ranges[key], nullable=nullable[key])
        known = below.distinct.get(key, below.rows)
        return known if size is None else min(known, size)

    kept = independent(node.keys, below.dependencies, values)
    bound = 1
    for key in kept:
        bound = min(below.rows, bound * values(key))
    return min([bound, *_referenced(node, kept, values)])


def _referenced(
    node: Aggregate, keys: tuple[int, ...], values: Callable[[int], int]
) -> Iterator[int]:
    """Bounds by foreign keys: no more groups than the other table has rows, and one of NULL.

    Only where one owner groups alone: its node says so if the rows do not keep to the bound.
    """
    if not is_local(node):
        return
    nullable = {column.id for column in node.input.columns if column.nullable}
    sources = {key: source_of(node.input, key) for key in keys}
    for source in dict.fromkeys(source for source in sources.values() if source is not None):
        for reference in source.scans[0].table.foreign_keys:
            same = [key for key, s in sources.items() if s is not None and s.scans == source.scans]
            mine = {key: sources[key].name for key in same}  # type: ignore[union-attr]
            inside = [key for key, name in mine.items() if name in reference.columns]
            if reference.rows is None or set(map(mine.get, inside)) != set(reference.columns):
                continue
            others = prod(values(key) for key in keys if key not in inside)
            yield (reference.rows + bool(nullable & set(inside))) * others


def _aggregate_range(
    aggregated: Aggregated,
    below: Facts,
    multiples: Multiples,
) -> Encoding | None:
    argument = None if aggregated.argument is None else below.ranges[aggregated.argument]
    match aggregated.function:
        case "count_star" | "count" | "count_distinct":
            return Encoding(lo=0, hi=sum(rows for _, rows, _ in multiples))
        case "sum" | "sum_distinct":
            if argument is None or aggregated.argument is None:
                return None
            low = high = 0
            for own, rows, facts in multiples:
                each = facts.ranges[own[aggregated.argument]] or argument
                least, most = min(0, each.lo * rows), max(0, each.hi * rows)
                total = facts.total(own[aggregated.argument]) or (least, most)
                low += max(least, total[0])
                high += min(most, total[1])
            return Encoding(lo=low, hi=high, fraction_bits=argument.fraction_bits)
        case _:
            return argument


def _statistic_range(node: Aggregate, aggregated: Aggregated, below: Facts) -> Encoding | None:
    """A statistic that an owner computes in floating point."""
    extents = []
    for column in node.input.columns:
        encoding, scale = below.ranges[column.id], scale_of(column.type)
        if column.id not in aggregated.reads:
            continue
        if encoding is None or encoding.fraction_bits is not None or scale is None:
            return None
        extents.append((column.id, extent(encoding, scale), 10**scale))
    known = {identity: (found, unit) for identity, found, unit in extents}
    y, _ = known[aggregated.reads[0]]
    x, unit = known[aggregated.reads[-1]]
    return native_encoding(bound_of(aggregated.function, x, y, below.rows, unit))


def _aggregate_smallest(aggregated: Aggregated, below: Facts) -> int:
    """Sums of values of one sign are at least as large as the smallest of them."""
    if aggregated.argument is None:
        return 1
    if aggregated.function in VALUES_OF_ROWS:
        return below.smallest.get(aggregated.argument, 1)
    if aggregated.function not in ("sum", "sum_distinct"):
        return 1
    argument = below.ranges[aggregated.argument]
    one_sign = argument is not None and (argument.lo >= 0 or argument.hi <= 0)
    return below.smallest.get(aggregated.argument, 1) if one_sign else 1
