"""What primitives.py measures: each workload shares its inputs and returns the call to time.

Keys have 32 bits, payloads 64, unless a name says otherwise; values are random. A workload runs
over any protocol, so that the counting protocol can say what it ought to cost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tacit.executor.circuits.compare import equal, less_than
from tacit.executor.circuits.sort import sort
from tacit.executor.operators.aggregate import aggregate
from tacit.executor.operators.join import join
from tacit.executor.operators.table import Execution, SecretColumn, SecretTable
from tacit.executor.sharing.protocol import Input, SharingProtocol
from tacit.executor.sharing.shares import Bits, Ring, words
from tacit.planner.secure import Aggregate, AggregateSpec, Join, Operator
from tacit.query.datatypes import BIGINT, INTEGER, Column, Encoding

Call = Callable[[], object]
KEY = Encoding(lo=0, hi=2**32 - 1)
PAYLOAD = Encoding(lo=0, hi=2**64 - 1)


def planes(p: SharingProtocol, rows: int, width: int) -> Bits:
    """A random Boolean column that party 0 inputs."""
    shape = (width, words(rows))
    generator = np.random.default_rng(1)
    values = generator.integers(0, 2**64, shape, dtype=np.uint64) if p.party == 0 else None
    (share,) = p.input([Input(owner=0, rows=rows, width=width, values=values)])
    assert isinstance(share, Bits)
    return share


def ring(p: SharingProtocol, rows: int) -> Ring:
    """A random ring column of 32-bit values that party 0 inputs."""
    generator = np.random.default_rng(2)
    values = generator.integers(0, 2**32, rows, dtype=np.uint64) if p.party == 0 else None
    (share,) = p.input([Input(owner=0, rows=rows, bits=64, values=values)])
    assert isinstance(share, Ring)
    return share


def run_and(p: SharingProtocol, rows: int) -> Call:
    x, y = planes(p, rows, 64), planes(p, rows, 64)
    return lambda: p.and_([(x, y)])


def run_equal(p: SharingProtocol, rows: int) -> Call:
    x, y = planes(p, rows, 32), planes(p, rows, 32)
    return lambda: equal(p, [(x, y)])


def run_less_than(p: SharingProtocol, rows: int) -> Call:
    x, y = planes(p, rows, 32), planes(p, rows, 32)
    return lambda: less_than(p, [(x, y)])


def run_multiply(p: SharingProtocol, rows: int) -> Call:
    x, y = ring(p, rows), ring(p, rows)
    return lambda: p.multiply([(x, y)])


def run_flags_to_ring(p: SharingProtocol, rows: int) -> Call:
    flag = planes(p, rows, 1)
    return lambda: p.flags_to_ring([flag], 64)


def run_shuffle(p: SharingProtocol, rows: int) -> Call:
    x = planes(p, rows, 32)
    return lambda: p.shuffle([x])


def run_permute_by_owner(p: SharingProtocol, rows: int) -> Call:
    """Rows in a random order that party 0 knows."""
    x = planes(p, rows, 64)
    source = np.random.default_rng(3).permutation(rows) if knows(p) else None
    return lambda: p.permute_by_owner(0, source, [x])


def run_gather_by_owner(p: SharingProtocol, rows: int) -> Call:
    """As many rows as there are entries, a quarter of which party 0 asks for."""
    x = planes(p, rows, 64)
    asked = np.random.default_rng(3).integers(0, max(1, rows // 4), rows)
    source = asked.astype(np.intp) if knows(p) else None
    return lambda: p.gather_by_owner(0, source, rows, [x])


def knows(p: SharingProtocol) -> bool:
    """Whether this is party 0, in a run."""
    return p.party == 0 and not p.counts_only


def run_quicksort(p: SharingProtocol, rows: int) -> Call:
    keys, payload = planes(p, rows, 32), planes(p, rows, 64)
    return lambda: sort(p, keys, [payload], algorithm="quick")


def run_radix_sort(p: SharingProtocol, rows: int) -> Call:
    keys, payload = planes(p, rows, 32), planes(p, rows, 64)
    return lambda: sort(p, keys, [payload], algorithm="radix")


def run_group_by(p: SharingProtocol, rows: int) -> Call:
    """SELECT key, SUM(value) GROUP BY key, as many groups as rows allowed."""
    key = Column(id=1, name="key", type=INTEGER, encoding=KEY, nullable=False)
    total = Encoding(lo=0, hi=rows * KEY.hi)
    summed = Column(id=3, name="total", type=BIGINT, encoding=total, nullable=False)
    node = Aggregate(
        columns=(key, summed),
        rows=rows,
        input=Operator(columns=(key,), rows=rows),
        keys=(1,),
        aggregates=(AggregateSpec(column=summed, function="sum", argument=2),),
        sort="quick",
    )
    keys, values, valid = planes(p, rows, 32), ring(p, rows), planes(p, rows, 1)

    def call() -> object:
        columns = {
            1: SecretColumn(encoding=KEY, rows=rows, bits=keys, clean_bits=True),
            2: SecretColumn(encoding=KEY, rows=rows, ring=values, clean_ring=True),
        }
        return aggregate(p, node, SecretTable(rows, columns, valid))

    return call


def run_join(p: SharingProtocol, rows: int) -> Call:
    """Half of the rows in each table; the build side has a unique key and one payload column."""
    half = rows // 2
    build_key, probe_key = (
        Column(id=identity, name="key", type=INTEGER, encoding=KEY, nullable=False)
        for identity in (1, 2)
    )
    payload = Column(id=3, name="payload", type=BIGINT, encoding=PAYLOAD, nullable=False)
    node = Join(
        columns=(probe_key, payload),
        rows=half,
        kind="inner",
        probe=Operator(columns=(probe_key,), rows=half),
        build=Operator(columns=(build_key, payload), rows=half),
        probe_keys=(2,),
        build_keys=(1,),
        check_unique=False,
        sort="quick",
    )
    keys = [planes(p, half, 32) for _ in range(2)]
    values, valid = planes(p, half, 64), planes(p, half, 1)

    def call() -> object:
        build = {
            1: SecretColumn(encoding=KEY, rows=half, bits=keys[0], clean_bits=True),
            3: SecretColumn(encoding=PAYLOAD, rows=half, bits=values, clean_bits=True),
        }
        probe = {2: SecretColumn(encoding=KEY, rows=half, bits=keys[1], clean_bits=True)}
        tables = SecretTable(half, probe, valid), SecretTable(half, build, valid)
        return join(Execution(p), node, *tables)

    return call


WORKLOADS: dict[str, Callable[[SharingProtocol, int], Call]] = {
    "and": run_and,
    "equal": run_equal,
    "less-than": run_less_than,
    "multiply": run_multiply,
    "flag-to-ring": run_flags_to_ring,
    "shuffle": run_shuffle,
    "permute-by-owner": run_permute_by_owner,
    "gather-by-owner": run_gather_by_owner,
    "quicksort": run_quicksort,
    "radix-sort": run_radix_sort,
    "group-by": run_group_by,
    "join": run_join,
}
