"""Random queries of random tables: each is refused before it runs, or gives DuckDB's answer.

The long runs, 2000 queries and 300 between two parties, others for every seed; -s shows how many
were answered and refused:

    pytest -n 0 -s -m slow tests/end_to_end/test_fuzz.py --hypothesis-seed=1
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache

import duckdb
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from in_memory import Federation, assert_same
from random_queries import queries
from random_tables import CATALOG, random_data
from tacit.query.errors import SessionError, UnsupportedError, UserError

DATASETS = 24
OVERFLOWS = (duckdb.OutOfRangeException, duckdb.ConversionException)
LETTERS = "UPPER and LOWER over shares know the letters of ASCII alone"
"""The one thing that only shows while a query runs; tests/end_to_end/test_letters.py has it."""

REPEATED = 5
"""Examples that Hypothesis makes for each query that is new."""


@lru_cache(maxsize=DATASETS)
def federation(seed: int) -> Federation:
    return Federation(CATALOG, random_data(seed))


@lru_cache(maxsize=DATASETS)
def pair(seed: int) -> Federation:
    """The same data between two parties under `additive`: alice has carol's."""
    data = random_data(seed)
    dealt = {"alice": {**data["alice"], **data["carol"]}, "bob": data["bob"]}
    catalog = CATALOG.replace("carol", "alice")
    return Federation(catalog, dealt, parties=("alice", "bob"), protocol="additive")


def outcome_of(sql: str, asked: Federation, *, ordered: bool) -> str:
    """Asks one query; raises what differs from DuckDB, and every error after planning."""
    try:
        plan = asked.plan(sql)
    except UserError as error:
        if not isinstance(error, UnsupportedError) and answers(asked, sql):
            raise
        return f"refused: {reason_of(error)}"
    try:
        expected = asked.oracle(sql)
    except OVERFLOWS:
        return "overflows in DuckDB"
    try:
        outcome = asked.query(sql, plan=plan)
    except OVERFLOWS:
        return "overflows in DuckDB, at an owner, in a row that a join would drop"
    except SessionError as error:
        if LETTERS not in str(error):
            raise
        return f"refused: {LETTERS}"
    assert_same(outcome.table, expected, ordered=ordered)
    assert outcome.measured.rounds == outcome.predicted.rounds
    if not outcome.predicted.expected:
        assert outcome.measured.sent_bytes == outcome.predicted.sent_bytes
    return "same"


def answers(asked: Federation, sql: str) -> bool:
    """Whether DuckDB answers the query."""
    try:
        asked.oracle(sql)
    except duckdb.Error:
        return False
    return True


def reason_of(error: UserError) -> str:
    """The first words of a refusal, without the names in it."""
    return " ".join(str(error).splitlines()[0].split(" (line ")[0].split()[-9:])


def ask_many(
    wanted: int, *, derandomize: bool, of: Callable[[int], Federation] = federation
) -> None:
    """Asks so many different queries; Hypothesis likes to give one again, which counts once."""
    tally: Counter[str] = Counter()
    seen: set[str] = set()
    failing: set[str] = set()

    @settings(
        max_examples=REPEATED * wanted,
        derandomize=derandomize,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(queries(), st.integers(0, DATASETS - 1))
    def ask(query: tuple[str, bool], seed: int) -> None:
        sql, ordered = query
        if sql in seen or (tally.total() >= wanted and not failing):
            return
        note(f"{sql}\n-- of random_data({seed}), ordered: {ordered}")
        try:
            tally[outcome_of(sql, of(seed), ordered=ordered)] += 1
        except BaseException:
            failing.add(sql)
            raise
        seen.add(sql)

    ask()
    refused = sum(count for reason, count in tally.items() if reason.startswith("refused"))
    print(f"{tally.total() - refused} answered, {refused} refused:")
    for reason, count in tally.most_common():
        print(f"{count:6} {reason}")
    assert tally.total() == wanted
    assert refused <= 0.35 * wanted, tally


def test_random_queries_are_answered_as_duckdb_does() -> None:
    ask_many(60, derandomize=True)


def test_two_parties_answer_random_queries_as_duckdb_does() -> None:
    ask_many(8, derandomize=True, of=pair)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_two_parties_answer_hundreds_of_random_queries() -> None:
    ask_many(300, derandomize=False, of=pair)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_thousands_of_random_queries_are_answered_as_duckdb_does() -> None:
    ask_many(2000, derandomize=False)
