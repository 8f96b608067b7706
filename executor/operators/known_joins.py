"""Equi-joins on keys that parties know in clear: no sort, a constant number of rounds.

Setting: any sharing protocol with permutations that one compute party knows. Both inputs, the match
and the number of matches stay secret. Inputs: probe (n rows), build (m rows), whose keys are unique
among all the rows that the party knows. Output: n rows, in the probe's order.

How the build's columns reach the probe's rows is join_by_index.py, join_by_domain.py and
join_by_cuckoo.py; all give a presence bit beside them, which is 0 where the key is NULL, too. A
probe row that is valid and has a presence matches: 1 round, 1 bit per row. Source: PROTOCOLS,
section 6.
"""

from __future__ import annotations

from ...planner.secure import Join
from ...query.errors import InternalError
from .join_by_cuckoo import by_cuckoo
from .join_by_domain import by_domain
from .join_by_index import by_index
from .payload import null_extended
from .table import Execution, SecretTable


def join_known(run: Execution, node: Join, probe: SecretTable, build: SecretTable) -> SecretTable:
    """Joins two tables as the plan's node says."""
    p = run.protocol
    match node.by:
        case "index":
            presence, columns = by_index(p, node, probe, build)
        case "domain":
            presence, columns = by_domain(p, node, probe, build)
        case "cuckoo":
            presence, columns = by_cuckoo(run, node, probe, build)
        case _:
            raise InternalError("a join by sorting needs no known keys")
    valid = probe.valid
    if node.kind == "left":
        columns = null_extended(p, columns, presence)
    else:
        wanted = p.invert(presence) if node.kind == "anti" else presence
        (valid,) = p.and_([(probe.valid, wanted)])
    kept = {c.id: probe.columns[c.id] for c in node.columns if c.id in probe.columns}
    ordered = {c.id: kept.get(c.id) or columns[c.id] for c in node.columns}
    return SecretTable(probe.rows, ordered, valid)
