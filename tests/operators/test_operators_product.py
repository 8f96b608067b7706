"""Joins of all pairs: every kind, with and without a predicate, NULLs, no rows on one side."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hand_built import Built, call, check_on_all_data, encoded, fragment, number, ref, with_runs
from tacit.planner.secure import Form, Operator, Product, ProductKind, Sort
from tacit.query.bound import Expression
from tacit.query.datatypes import Column, Encoding, VarcharType

OTHERS = 9


def _extended(columns: tuple[Column, ...], *, extended: bool) -> tuple[Column, ...]:
    if not extended:
        return columns
    return tuple(encoded(c.id, c.type, c.encoding, nullable=True) for c in columns)  # type: ignore[arg-type]


def _rows(kind: ProductKind, left: int, right: int) -> int:
    if kind in ("semi", "anti"):
        return left
    return left * right + (left if kind != "inner" else 0) + (right if kind == "full" else 0)


def joined(
    kind: ProductKind, form: Form, *, tested: bool, other: int = OTHERS
) -> Callable[[int], Operator]:
    def made(rows: int) -> Operator:
        text = Encoding(lo=0, hi=256**3 - 1, text_bytes=3)
        left = fragment(
            "left", "alice", rows, number(0, -2, 5, nullable=True), number(1, 3, 700), forms=form
        )
        right: Operator = fragment(
            "right",
            "bob",
            OTHERS,
            number(10, -3, 5, nullable=True),
            encoded(11, VarcharType(3), text),
            number(12, 7, 7),
            forms=(form, "bits", "bits"),
        )
        if other != OTHERS:
            right = Sort(
                columns=right.columns,
                rows=other,
                input=right,
                keys=(),
                limit=other,
                offset=0,
                sort="radix",
            )
        predicate: Expression | None = call("=", ref(left.columns[0]), ref(right.columns[0]))
        columns = _extended(left.columns, extended=kind == "full")
        if kind not in ("semi", "anti"):
            columns += _extended(right.columns, extended=kind in ("left", "full"))
        return Product(
            columns=columns,
            rows=_rows(kind, rows, other),
            kind=kind,
            left=left,
            right=right,
            predicate=predicate if tested else None,
        )

    return made


def _cases() -> list[Built]:
    kinds: tuple[ProductKind, ...] = ("inner", "left", "full", "semi", "anti")
    found = []
    for kind in kinds:
        for form in ("bits", "ring"):
            found.append(Built(f"{kind}, {form}", joined(kind, form, tested=True)))
        found.append(Built(f"{kind}, untested", joined(kind, "both", tested=False)))
        found.append(Built(f"{kind}, no row", joined(kind, "both", tested=True, other=0)))
    return found


@pytest.mark.parametrize(("built", "rows", "sort"), with_runs(_cases()))
def test_joins_of_all_pairs(built: Built, rows: int, sort: str) -> None:
    check_on_all_data(built, rows, sort)
