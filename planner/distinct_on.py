"""DISTINCT ON: of the rows that agree on some columns, the first in the order of the query stays.

    SELECT DISTINCT ON (k) ... ORDER BY x
    =>  Filter(n = 1, Window(n = row_number() by k, order x, ...))

Which of the rows that tie stays is open, and without an order any row may.
"""

from __future__ import annotations

from ..query.bound import Frame, Literal
from ..query.datatypes import BIGINT, Column
from ..query.errors import Span
from .expressions import call, reference
from .logical import Ids, Node, OrderBy, Windowed, keep, window


def first_rows(
    node: Node, groups: tuple[int, ...], order: tuple[OrderBy, ...], ids: Ids, span: Span | None
) -> Node:
    """The node's rows that come first among those with the same `groups`, and their row number."""
    number = row_number(ids, span)
    ordered = tuple(key for key in order if key.column not in groups)
    numbered = window(node, tuple(dict.fromkeys(groups)), ordered, (number,))
    one = Literal(type=BIGINT, nullable=False, value=1)
    return keep(numbered, call("=", [reference(number.column), one], nullable=False))


def row_number(ids: Ids, span: Span | None = None) -> Windowed:
    """The number of a row within its partition, from 1."""
    return Windowed(
        column=Column(id=ids.fresh(), name="row", type=BIGINT, encoding=None, nullable=False),
        function="row_number",
        argument=None,
        number=0,
        frame=Frame(unit="rows", start=None, stop=None),
        span=span,
    )
