"""Common factors of a disjunction move out of it, so that join keys inside become visible.

    (a AND b AND c) OR (a AND b AND d)   =>   a AND b AND (c OR d)
    (a AND b) OR a                       =>   a

Equivalent in three-valued logic. TPC-H 19 hides its join key this way.
"""

from __future__ import annotations

from ...query.bound import Call, Expression
from ..expressions import TRUE, conjunction, conjuncts, disjunction, disjuncts, transform_up
from ..logical import Node
from .context import Context
from .rewriting import map_expressions


def factor_disjunctions(plan: Node, context: Context) -> Node:
    return map_expressions(plan, lambda e: transform_up(e, factor))


def factor(expression: Expression) -> Expression:
    """One disjunction with its common conjuncts taken out."""
    if not isinstance(expression, Call) or expression.function != "or":
        return expression
    branches = [conjuncts(branch) for branch in disjuncts(expression)]
    common = [p for p in branches[0] if all(p in branch for branch in branches[1:])]
    if not common:
        return expression
    rests = [conjunction([p for p in branch if p not in common]) for branch in branches]
    if TRUE in rests:
        return conjunction(common)
    return conjunction([*common, disjunction(rests)])
