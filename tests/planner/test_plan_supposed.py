"""EXPLAIN prices what is only supposed: other row counts, other networks, rejected algorithms."""

from __future__ import annotations

import resource

import pytest
from tacit.executor.party.compiling import SqlCompiler
from tacit.planner.cost import LINKS
from tacit.query.errors import BindError

CATALOG = """
CREATE TABLE visits (
    patient INTEGER CHECK (patient BETWEEN 1 AND 4000),
    cost INTEGER CHECK (cost BETWEEN 0 AND 99)
) OWNED BY mercy, grace ROWS 2000;
CREATE TABLE patients (
    patient INTEGER PRIMARY KEY CHECK (patient BETWEEN 1 AND 4000),
    area INTEGER CHECK (area BETWEEN 1 AND 500)
) OWNED BY registry ROWS 2500;
"""
QUERY = """
SELECT area, sum(cost) / count(*), min(cost), rank() OVER (ORDER BY count(*))
FROM visits v LEFT JOIN patients p ON v.patient = p.patient GROUP BY area ORDER BY 2 LIMIT 5
"""


@pytest.fixture(scope="module")
def compiler(tmp_path_factory):
    return SqlCompiler(
        CATALOG,
        parties=("mercy", "grace", "registry"),
        link=LINKS["loopback"].running("replicated"),
        public_directory=tmp_path_factory.mktemp("public"),
    )


def explained(compiler, options):
    statement = compiler.bind(f"EXPLAIN ({options}) {QUERY}")
    return compiler.explain(statement, compiler.plan(statement, "mercy"))


def test_a_thousand_million_rows_are_priced_without_their_memory(compiler):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    text = explained(compiler, "ROWS 1e9")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024  # KiB; one byte for each row would be fifteen times as much
    assert "as if there were so many rows, with wider keys: patients 625,000,000, visits" in text
    assert "rows 1,000,000,000" in text


def test_another_network_has_other_seconds_and_fewer_rounds(compiler):
    near, far = explained(compiler, "NETWORK loopback"), explained(compiler, "NETWORK wan")
    rounds = [int(t.split("total: ")[1].split(" rounds")[0].strip("~")) for t in (near, far)]
    assert rounds[1] < rounds[0]
    assert "on wan" in far
    with pytest.raises(BindError, match="there is no network moon"):
        explained(compiler, "NETWORK moon")


def test_rejected_algorithms_are_priced(compiler):
    text = explained(compiler, "ALTERNATIVES")
    assert "alone, by quick sort  [" in text or "alone, by radix sort  [" in text
    assert "rejected: quick sort  [" in text or "rejected: radix sort  [" in text
    assert "rejected: fewest bytes  [" in text
    assert "rejected" not in explained(compiler, "NETWORK loopback")
