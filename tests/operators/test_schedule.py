"""Which operators run side by side, and that they give the same results in fewer rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pytest
from hand_built import fragment, number
from in_memory import Federation, assert_same
from tacit.executor.operators.schedule import Schedule, post_order
from tacit.executor.operators.table import SecretTable
from tacit.executor.sharing.shares import Bits
from tacit.planner.memory import SIDE_BY_SIDE_BYTES, memory_bytes, run_side_by_side
from tacit.planner.secure import Aggregate, Concat, Operator

A, B = (fragment(name, "alice", 4, number(place, 0, 9)) for place, name in enumerate("ab"))


def united(identity: int, *inputs: Operator) -> Concat:
    rows = sum(below.rows for below in inputs)
    return Concat(columns=(number(identity, 0, 9),), rows=rows, inputs=inputs)


def steps(root: Operator, *, side_by_side: bool) -> list[list[int]]:
    """The positions that start together; those of a step all end before the next."""
    operators = list(post_order(root))
    schedule = Schedule(operators, side_by_side=side_by_side)
    found = []
    while started := list(schedule.start()):
        found.append(started)
        for place in started:
            schedule.take(place)
            rows = operators[place].rows
            schedule.put(place, SecretTable(rows, {}, Bits(rows, 1, ())))
    return found


def test_what_does_not_need_each_other_starts_together():
    left, right = united(2, A, A), united(3, B, B)
    root = united(4, left, right)
    # In post-order: A A left B B right root. Both readers of A are one operator.
    assert steps(root, side_by_side=True) == [[0, 3], [2, 5], [6]]
    assert steps(root, side_by_side=False) == [[0], [2], [3], [5], [6]]


def test_readers_of_one_relation_run_in_turn():
    common = united(2, A, B)
    root = united(5, united(3, common, A), united(4, common, B))
    for started in steps(root, side_by_side=True):
        assert len(started) == 1 or set(started) == {0, 1}


CATALOG = """
CREATE TABLE ledger (account INTEGER CHECK (account BETWEEN 0 AND 1000000),
                     amount INTEGER CHECK (amount BETWEEN 0 AND 1000))
  OWNED BY alice, bob, carol ROWS 200;
"""

QUERIES = [
    "SELECT a.account, a.total, b.most FROM "
    "(SELECT account, SUM(amount) AS total FROM ledger WHERE amount < 500 GROUP BY account) a JOIN "
    "(SELECT account, MAX(amount) AS most FROM ledger WHERE amount > 300 GROUP BY account) b "
    "ON a.account = b.account",
    "SELECT account, SUM(amount) AS s FROM ledger GROUP BY account HAVING COUNT(*) > 3 UNION ALL "
    "SELECT amount, COUNT(*) FROM ledger WHERE account < 20 GROUP BY amount",
]


@pytest.mark.parametrize("sql", QUERIES)
def test_the_same_results_in_fewer_rounds(sql: str) -> None:
    federation = ledgers(200)
    plan = federation.plan(sql)
    assert plan.side_by_side
    outcomes = {}
    for beside in (True, False):
        outcome = federation.query(sql, plan=replace(plan, side_by_side=beside))
        assert_same(outcome.table, federation.oracle(sql), ordered=False)
        assert outcome.measured.rounds == outcome.predicted.rounds
        assert outcome.measured.messages == outcome.predicted.messages
        outcomes[beside] = outcome
    assert outcomes[True].measured.rounds < outcomes[False].measured.rounds
    assert outcomes[True].measured.messages == outcomes[False].measured.messages


def test_what_runs_in_turn_adds_up_and_what_runs_beside_others_does_not() -> None:
    """Also where nothing is shared before the operators run: all tables are shared ones."""
    federation = ledgers(200)
    federation.preparation = ("CREATE SHARED TABLE book AS SELECT * FROM ledger",)
    plan = federation.plan(QUERIES[1].replace("ledger", "book"))
    beside = federation.pricer.plan_cost(plan)
    in_turn = federation.pricer.plan_cost(replace(plan, side_by_side=False))
    assert in_turn.total.rounds == sum(cost.rounds for cost in in_turn.operators)
    assert beside.total.rounds < sum(cost.rounds for cost in beside.operators)
    for cost in (beside, in_turn):
        assert cost.operators[0].rounds == 0, "a shared table is there already"
        each = zip(*(operator.sent_bytes for operator in cost.operators), strict=True)
        assert cost.total.sent_bytes == pytest.approx(tuple(map(sum, each)), abs=9)


def test_operators_with_many_rows_run_in_turn() -> None:
    sql = QUERIES[0]
    small, large = (ledgers(rows).plan(sql) for rows in (200, 1_000_000))
    assert run_side_by_side(small.root, 2)
    assert not run_side_by_side(large.root, 2)
    assert not large.side_by_side
    grouped = [o for o in post_order(small.root) if isinstance(o, Aggregate)]
    assert len(grouped) > 1
    assert memory_bytes(small.root, 2) < memory_bytes(large.root, 2)
    assert memory_bytes(large.root, 2) > SIDE_BY_SIDE_BYTES


def ledgers(rows: int) -> Federation:
    """A third of the ledger at each party; the catalog allows so many rows at each."""
    data = {}
    for place, party in enumerate(("alice", "bob", "carol")):
        numbers = [(7 * n + 13 * place) % 41 for n in range(60)]
        amounts = [(n * n * 31 + 97 * place) % 1001 for n in range(60)]
        data[party] = {"ledger": table(numbers, amounts)}
    return Federation(CATALOG.replace("200", str(rows)), data)


def table(accounts: Sequence[int], amounts: Sequence[int]) -> pa.Table:
    return pa.table({"account": pa.array(accounts, "int32"), "amount": pa.array(amounts, "int32")})


def test_the_parties_agree_on_it() -> None:
    plan = ledgers(200).plan(QUERIES[0])
    assert plan.digest != replace(plan, side_by_side=False).digest
