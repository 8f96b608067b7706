"""Public tables over shared values: a function of one value with a small public range.

`mapped(x, v_0, v_1, ...)` is v_i where x is the i-th value of its range, NULL where v_i is or x is.
Cost: about one AND for every change from one value to the next, ceil(log2 w) rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...query.bound import Call, Literal
from ...query.datatypes import Encoding
from ...query.errors import InternalError
from ..circuits.compare import any_of
from ..circuits.lookup import table_lookup
from ..sharing.shares import stack
from .literal import encode_literal
from .table import SecretColumn, bits_in

if TYPE_CHECKING:
    from .expression import Evaluator


def mapped(evaluator: Evaluator, call: Call) -> SecretColumn:
    """The table's value for every row."""
    p = evaluator.protocol
    operand, *values = call.arguments
    column, source = evaluator.evaluate(operand), evaluator.encoding(operand)
    planes = bits_in(p, column, source)
    target = evaluator.encoding(call)
    literals = [value for value in values if isinstance(value, Literal)]
    if len(literals) != source.hi - source.lo + 1:
        raise InternalError("a table does not have an entry for every code")
    codes = [_code(literal, target) for literal in literals]
    bits = table_lookup(p, planes, codes, width=target.width)
    nulls = [] if column.null is None else [column.null]
    if any(literal.value is None for literal in literals):
        missing = [int(literal.value is None) for literal in literals]
        nulls.append(table_lookup(p, planes, missing, width=1))
    null = nulls[0] if nulls else None
    if len(nulls) > 1:
        (null,) = any_of(p, [stack(nulls)])
    result = SecretColumn(encoding=target, rows=column.rows, bits=bits, null=null)
    return evaluator.typed(result, call.type)


def _code(literal: Literal, target: Encoding) -> int:
    if literal.value is None:
        return 0
    return encode_literal(literal.value, literal.type, target).lo - target.lo
