"""A condition that must hold for every row, or the query fails; one bit is opened at the end.

Cost: 1 round and 1 bit per row after the condition, then a tree of ORs over the rows.
"""

from __future__ import annotations

from ...planner.secure import Check
from ..circuits.compare import any_row
from .expression import Evaluator
from .table import Execution, FailureFlag, SecretTable, definitions, need_bits


def check_rows(run: Execution, node: Check, table: SecretTable) -> SecretTable:
    """The table as it is; a failure flag if the condition is not TRUE for a valid row."""
    p = run.protocol
    known = definitions(node.input.columns)
    evaluator = Evaluator(p, table.rows, table.columns, known, table.valid, run.failures)
    (truth,) = need_bits(p, evaluator.truths([node.condition]))
    (broken,) = p.and_([(table.valid, p.invert(truth))])
    if table.rows:
        run.failures.append(FailureFlag(any_row(p, broken), node.message))
    kept = {column.id: table.columns[column.id] for column in node.columns}
    return SecretTable(table.rows, kept, table.valid)
