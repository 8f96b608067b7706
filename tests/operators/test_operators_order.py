"""Sort and Reveal: every direction and slice, every set of recipients, nothing but the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hand_built import (
    DATA,
    Built,
    Tables,
    assert_cost_is_exact,
    call,
    check_on_all_data,
    compare,
    encoded,
    encoded_rows,
    fragment,
    lit,
    number,
    plan_of,
    ref,
    run_and_compare,
    with_runs,
)
from in_memory import PARTIES, run_in_memory
from tacit.executor.transport.channel import Kind
from tacit.planner.secure import Filter, Fragment, Operator, SecurePlan, Sort, SortKey
from tacit.query.datatypes import Encoding, VarcharType

PADDED = Encoding(lo=0, hi=256**2 - 1, text_bytes=2)


def given(rows: int) -> Fragment:
    columns = (
        number(0, -3, 4, nullable=True),
        encoded(1, VarcharType(2), PADDED, nullable=True),
        number(2, -1000, 1000, nullable=True),
        number(3, 0, 9),
    )
    return fragment("t", "bob", rows, *columns, forms=("bits", "bits", "ring", "both"))


def ordered(
    keys: Sequence[tuple[int, bool, bool]],
    *,
    limit: Callable[[int], int | None] = lambda rows: None,
    offset: Callable[[int], int] = lambda rows: 0,
) -> Callable[[int], Operator]:
    """Sorted by (column, descending, nulls first); some rows are not valid."""

    def made(rows: int) -> Operator:
        table = given(rows)
        predicate = call("<>", ref(table.columns[3]), lit(9))
        kept = Filter(columns=table.columns, rows=rows, input=table, predicate=predicate)
        stop = rows if limit(rows) is None else min(rows, offset(rows) + (limit(rows) or 0))
        return Sort(
            columns=table.columns,
            rows=max(0, stop - offset(rows)),
            input=kept,
            keys=tuple(SortKey(column=c, descending=d, nulls_first=f) for c, d, f in keys),
            limit=limit(rows),
            offset=offset(rows),
            sort="radix",
        )

    return made


def _cases() -> list[Built]:
    found = []
    for descending in (False, True):
        for first in (False, True):
            name = "descending" if descending else "ascending"
            name += f", NULLs {'first' if first else 'last'}"
            one, two = (0, descending, first), (2, not descending, first)
            found.append(Built(name, ordered([one]), ordered=(0,)))
            found.append(Built(f"two keys, {name}", ordered([one, two]), ordered=(0, 2)))
            text = (1, descending, not first)
            found.append(Built(f"text, {name}", ordered([text, (3, True, False)]), ordered=(1, 3)))
    half, third = (lambda rows: rows // 2), (lambda rows: rows // 3)
    key = [(0, False, False), (2, True, True)]
    slices: list[tuple[str, Any, Any]] = [
        ("limit", half, lambda rows: 0),
        ("offset", lambda rows: None, third),
        ("limit and offset", half, third),
        ("limit 0", lambda rows: 0, lambda rows: 0),
        ("limit beyond", lambda rows: 2 * rows, lambda rows: 0),
        ("limit and offset at the end", lambda rows: 9, lambda rows: rows - 1),
    ]
    for name, limit, offset in slices:
        found.append(Built(name, ordered(key, limit=limit, offset=offset), ordered=(0, 2)))
        found.append(Built(f"no keys, {name}", ordered([], limit=limit, offset=offset)))
    found.append(Built("no keys", ordered([])))
    return found


@pytest.mark.parametrize(("built", "rows", "sort"), with_runs(_cases()))
def test_orders_and_slices(built: Built, rows: int, sort: str) -> None:
    check_on_all_data(built, rows, sort)


@pytest.mark.parametrize("offset", [0, 7])
def test_a_limit_selects_what_a_sort_would_keep(offset: int) -> None:
    """More rows than the limit tie at its edge; the rest of the rows is not sorted."""
    key, by = [(0, True, False), (2, False, True)], (0, 2)
    made = ordered(key, limit=lambda rows: 12, offset=lambda rows: offset)
    outcome = run_and_compare(Built("selection", made, ordered=by), 900, sort="select")
    assert outcome.measured.rounds == outcome.predicted.rounds
    assert outcome.measured.sent_bytes == pytest.approx(outcome.predicted.sent_bytes, rel=0.05)


# ---- recipients


class Listening:
    """A protocol that keeps what this party is shown by reveals."""

    def __init__(self, protocol: Any, heard: dict[int, list[Any]]) -> None:
        self._protocol = protocol
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)

    def reveal(self, shares: Any, recipient: int) -> Any:
        opened = self._protocol.reveal(shares, recipient)
        if opened is not None:
            self._heard.setdefault(self._protocol.party, []).append((shares, opened))
        return opened


def filtered(rows: int) -> Operator:
    table = given(rows)
    predicate = call("<", ref(table.columns[3]), lit(5))
    return Filter(columns=table.columns, rows=rows, input=table, predicate=predicate)


SUBSETS = [("alice",), ("bob",), ("carol",), ("alice", "carol"), ("carol", "bob"), PARTIES]


@pytest.mark.parametrize("recipients", SUBSETS, ids="+".join)
@pytest.mark.parametrize("shuffle", [False, True])
def test_only_recipients_are_shown_anything(recipients: tuple[str, ...], shuffle: bool) -> None:
    """Others get no table and no frame of kind REVEAL; sizes are those of the public bound."""
    built = Built("filtered", filtered)
    transcripts = []
    for kind in DATA:
        plan = plan_of(filtered(70), recipients=recipients, shuffle=shuffle)
        sources = built.sources(70, kind)
        outcome = run_in_memory(plan, sources, record=True)
        assert_cost_is_exact(outcome)
        transcripts.append(outcome.transcripts)
        received = Counter(
            PARTIES[peer]
            for sent in outcome.transcripts
            for peer, frame, _ in sent
            if frame == Kind.REVEAL
        )
        assert received == Counter(recipients)
        for party, table in zip(PARTIES, outcome.tables, strict=True):
            assert (table is not None) == (party in recipients)
            if table is not None:
                compare(built, plan, sources, table)
    assert all(transcript == transcripts[0] for transcript in transcripts)


def test_columns_may_be_shown_twice_and_in_any_order() -> None:
    table = given(65)
    shown = (table.columns[3], table.columns[0], table.columns[3])
    plan = plan_of(table, columns=shown)
    built = Built("twice", given)
    sources = built.sources(65, "random")
    outcome = run_in_memory(plan, sources)
    assert_cost_is_exact(outcome)
    compare(built, plan, sources, outcome.table)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("rows", [40, 64, 130])
def test_what_is_not_part_of_the_answer_is_zero_for_its_recipients(
    rows: int, shuffle: bool
) -> None:
    """Of rows that are not valid, and under NULL, recipients reconstruct zeros in every column."""
    built = Built("filtered", filtered)
    plan = plan_of(filtered(rows), recipients=("alice", "carol"), shuffle=shuffle)
    heard: dict[int, list[Any]] = {}
    outcome = run_in_memory(
        plan,
        built.sources(rows, "random"),
        watch_protocol=lambda protocol: Listening(protocol, heard),
    )
    assert sorted(heard) == [0, 2]
    for ((shares, opened),) in heard.values():
        columns = [_rows(share, values) for share, values in zip(shares, opened, strict=True)]
        valid = columns[0].astype(bool)
        assert 0 < valid.sum() == next(t for t in outcome.tables if t is not None).num_rows < rows
        assert len(columns) == 1 + 4 + 3
        for column in columns[1:]:
            assert not column[~valid].any()
        for value, null in ((1, 2), (3, 4), (5, 6)):
            assert columns[null].any()
            assert not columns[value][columns[null].astype(bool)].any()


def _rows(share: Any, values: np.ndarray) -> np.ndarray:
    """Opened planes or a ring vector as one integer (or one row of bits) per row."""
    if values.ndim == 1:
        return values
    bits = np.unpackbits(np.ascontiguousarray(values).view(np.uint8), axis=1, bitorder="little")
    assert not bits[:, share.rows :].any()
    return bits[:, : share.rows].T @ (1 << np.arange(len(values)))


# ---- random orders


def _unordered(rows: int) -> SecurePlan:
    return plan_of(fragment("t", "bob", rows, number(0, 0, 31)))


def _without_keys(rows: int) -> SecurePlan:
    sort = Sort(
        columns=(number(0, 0, 31),),
        rows=rows,
        input=fragment("t", "bob", rows, number(0, 0, 31)),
        keys=(),
        limit=None,
        offset=0,
        sort="radix",
    )
    return plan_of(sort, shuffle=False)


def _ties(sort: str) -> Callable[[int], SecurePlan]:
    def made(rows: int) -> SecurePlan:
        """All rows tie: the key is the same everywhere."""
        table = fragment("t", "bob", rows, number(0, 0, 31), number(1, 0, 3))
        node = Sort(
            columns=table.columns,
            rows=rows,
            input=table,
            keys=(SortKey(column=1, descending=False, nulls_first=False),),
            limit=None,
            offset=0,
            sort=sort,  # type: ignore[arg-type]
        )
        return plan_of(node, shuffle=False)

    return made


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(_unordered, id="unordered"),
        pytest.param(_without_keys, id="no keys"),
        pytest.param(_ties("quick"), id="ties in a quicksort"),
        pytest.param(_ties("radix"), id="ties in a radix sort"),
    ],
)
def test_rows_that_nothing_orders_come_in_uniformly_random_order(
    plan: Callable[[int], SecurePlan],
) -> None:
    """Chi-square over the 24 orders of four rows."""
    runs = 240
    sources = {party: Tables({}) for party in PARTIES}
    rows = pa.table({"c0": [3, 1, 4, 2], "c1": [2, 2, 2, 2]})
    made = plan(4)
    wide = len(made.root.columns)
    sources["bob"] = Tables({"t": rows.select(list(range(wide)))})
    counts: Counter[tuple[int, ...]] = Counter()
    for _ in range(runs):
        table = run_in_memory(made, sources).table
        counts[tuple(row[0] for row in encoded_rows(made.root.columns, table))] += 1
    assert set(counts) == set(permutations((1, 2, 3, 4)))
    expected = runs / 24
    assert sum((n - expected) ** 2 / expected for n in counts.values()) < 58  # p = 0.0001
