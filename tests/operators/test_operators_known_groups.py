"""GROUP BY keys that their owner knows: every aggregate, over keys of every sort.

All data sets of one shape give the same answer as a plaintext run, cost what was predicted, and
leave the same transcript.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hand_built import (
    Built,
    call,
    check_on_all_data,
    encoded,
    fragment,
    lit,
    number,
    ref,
)
from in_memory import PARTIES
from tacit.planner.known_groups import keeps_all_groups, may_be_known, most_groups
from tacit.planner.known_joins import known_options
from tacit.planner.secure import (
    Aggregate,
    AggregateFunction,
    AggregateSpec,
    Filter,
    Form,
    Join,
    Operator,
)
from tacit.planner.visibility import known_to, unique_keys
from tacit.query.datatypes import DATE, HUGEINT, Column, Encoding, VarcharType

WIDE = 1 << 62
TEXT = VarcharType(9)
TEXTS = Encoding(lo=0, hi=256**9 - 1, text_bytes=9)

Made = Callable[[int], Operator]

KEYS: dict[str, tuple[Column, ...]] = {
    "a number": (number(0, -9, 900),),
    "a number or NULL": (number(0, -9, 900, nullable=True),),
    "few numbers": (number(0, -2, 2, nullable=True),),
    "texts and dates": (
        encoded(0, TEXT, TEXTS, nullable=True),
        encoded(1, DATE, Encoding(lo=10_000, hi=10_080)),
    ),
}


def counted(identity: int, argument: int | None, rows: int) -> AggregateSpec:
    function: AggregateFunction = "count_star" if argument is None else "count"
    return AggregateSpec(column=number(identity, 0, rows), function=function, argument=argument)


def summed(identity: int, source: Column, rows: int) -> AggregateSpec:
    assert source.encoding is not None
    lo, hi = source.encoding.lo * rows, source.encoding.hi * rows
    column = encoded(identity, HUGEINT, Encoding(lo=min(lo, 0), hi=max(hi, 0)), nullable=True)
    return AggregateSpec(column=column, function="sum", argument=source.id)


def taken(identity: int, function: AggregateFunction, source: Column) -> AggregateSpec:
    assert source.encoding is not None
    nullable = source.nullable or function == "any_value"
    column = encoded(identity, source.type, source.encoding, nullable=nullable)
    return AggregateSpec(column=column, function=function, argument=source.id)


def aggregates(what: str, columns: tuple[Column, ...], rows: int) -> tuple[AggregateSpec, ...]:
    *keys, small, wide, one = columns
    match what:
        case "sums":
            return (
                counted(100, None, rows),
                counted(101, small.id, rows),
                summed(102, small, rows),
                summed(103, wide, rows),
                summed(104, one, rows),
            )
        case "values":
            constants = tuple(taken(110 + key.id, "constant", key) for key in keys)
            return (*constants, *(taken(120 + key.id, "any_value", key) for key in keys))
        case _:
            return ()


def grouped(keys: str, what: str, *, few: bool = False, empty: bool = False) -> Made:
    """Aggregates of rows of which a filter takes some away (`empty`: all).

    `few`: what it leaves has at most 12 groups, as public facts would say.
    """

    def made(rows: int) -> Aggregate:
        small, wide = number(10, -9, 20, nullable=True), number(11, -WIDE, WIDE, nullable=True)
        one = number(12, 1, 9)
        columns = (*KEYS[keys], small, wide, one)
        forms: tuple[Form, ...] = (*("bits" for _ in KEYS[keys]), "ring", "bits", "both")
        table = fragment("t", "carol", rows, *columns, forms=forms)
        predicate = call("<", ref(one), lit(0 if empty else 5))
        if few:
            predicate = call("<", ref(columns[0]), lit(3))
        kept = Filter(columns=columns, rows=rows, input=table, predicate=predicate)
        specs = aggregates(what, columns, rows)
        node = Aggregate(
            columns=(*KEYS[keys], *(spec.column for spec in specs)),
            rows=rows,
            input=kept,
            keys=tuple(c.id for c in KEYS[keys]),
            aggregates=specs,
            sort="known",
        )
        return replace(node, rows=min(most_groups(node), 12 if few else rows))

    return made


SUMS = [Built(f"sums by {keys}", grouped(keys, "sums")) for keys in KEYS]
CASES = [
    *SUMS,
    *(Built(f"values by {keys}", grouped(keys, "values")) for keys in KEYS),
    Built("no aggregates", grouped("a number or NULL", "nothing")),
    Built("nothing left", grouped("texts and dates", "sums", empty=True)),
    Built("sums of the few groups that are left", grouped("a number", "sums", few=True)),
    Built("values of the few groups that are left", grouped("a number", "values", few=True)),
]


@pytest.mark.parametrize(
    ("built", "rows"),
    [
        pytest.param(built, rows, id=f"{built.name}-{rows}", marks=marks)
        for place, built in enumerate(CASES)
        for rows in (1, 65, 200)
        for marks in [() if rows == 65 and place % 2 else pytest.mark.slow]
    ],
)
def test_groups_of_known_keys(built: Built, rows: int) -> None:
    check_on_all_data(built, rows, "known")


def test_the_keys_of_groups_stay_known() -> None:
    """A join on the key of a grouping, whose rows the owner then knows once each."""
    left, right = number(0, -9, 900), number(20, -9, 900)

    def made(rows: int) -> Operator:
        groups = grouped("a number", "nothing")(rows)
        assert known_to(groups) == {0: "carol"}
        assert unique_keys(groups) == (frozenset({0}),)
        given = replace(fragment("u", "bob", 40, right, number(21, 0, 7)), unique=((20,),))
        join = Join(
            columns=(left, right, *given.columns[1:]),
            rows=rows,
            kind="inner",
            probe=groups,
            build=given,
            probe_keys=(0,),
            build_keys=(20,),
            check_unique=False,
            sort="quick",
        )
        return next(o for o in known_options(join, PARTIES, {given}) if o.by == "domain")

    check_on_all_data(Built("a chain", made, unique={"u": (20,)}), 65, "known")


def test_only_a_compute_party_groups_by_what_it_knows() -> None:
    node = grouped("a number", "sums")(65)
    assert isinstance(node, Aggregate)
    assert may_be_known(node, "carol", PARTIES)
    assert not may_be_known(node, "outsider", PARTIES)
    assert not may_be_known(node, None, PARTIES)
    least = replace(node, aggregates=(replace(node.aggregates[1], function="min"),))
    assert not may_be_known(least, "carol", PARTIES)


def test_keys_are_not_known_where_only_valid_groups_are_kept() -> None:
    node = grouped("a number", "sums", few=True)(65)
    assert isinstance(node, Aggregate)
    assert not keeps_all_groups(node)
    assert known_to(node) == {}
