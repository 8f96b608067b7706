"""How much memory a plan takes at each compute party where its relations wait on disk.

Then a node at rest and the heaviest operator count, or those that run side by side. An operator
holds what it works on: the orders of rows that it sorts, its keys, one group of the columns that it
moves, one chunk of the rows that it converts. The factors are bounds on what resident sets of nodes
showed (docs/performance.md).
"""

from __future__ import annotations

from ..query.datatypes import DecimalType
from .memory import (
    NODE_BYTES,
    bytes_side_by_side,
    every_operator,
    memory_bytes,
    relation_bytes,
    row_bits,
    run_side_by_side,
    working_bytes,
)
from .secure import (
    Aggregate,
    Concat,
    Expand,
    Fragment,
    Intersection,
    Join,
    Operator,
    Reveal,
    Sort,
    Stored,
    Window,
    children,
)

SPILL_SHARE = 2
"""Relations wait on disk where a plan's peak without that is above this part of a node's limit."""

GROUP_BYTES = 2**24
"""Of one component of the columns that move at a time; a column that is larger moves alone."""

CHUNK_ROWS = 2**22
"""No more rows are converted or compared at a time on any network, up to MOST_CHUNKS times as
many in all."""

MOST_CHUNKS = 16

MOVING = 6
"""In how many forms a group is held while it moves."""

ORDERING_BYTES = 96
"""Of each row that is sorted or looked up: its numbers, its places, what is compared with it."""

CONVERTING_BYTES = 96
"""Of each row and component while a number changes between planes and the ring."""

VALUES_BYTES = 24
"""Of each row and component: what an expression has computed on its way."""

GATHERING = 8
"""In how many forms the columns are held that a party looks up by keys that it knows."""

ENTERING = 3
"""In how many forms a group of columns is held while it is shared."""

ENCODING = 8
"""The same for a column that its owner encodes."""


def spilling_bytes(root: Operator, components: int) -> int:
    """The predicted peak. `components`: how many a party holds of every share."""
    most = max(_working_bytes(o, components) for o in every_operator(root))
    if run_side_by_side(root, components):
        most = max(most, components * bytes_side_by_side(root))
    return min(NODE_BYTES + most, memory_bytes(root, components))


def _working_bytes(operator: Operator, components: int) -> int:
    match operator:
        case Fragment():
            return _entering_bytes(operator, components)
        case Stored():
            return 2 * components * relation_bytes(operator)
        case Join(by="sort") | Sort():
            return _sorting_bytes(operator, components)
        case Expand() | Window():
            return _sorting_bytes(operator, components) + _computing_bytes(operator, components)
        case Aggregate(sort="quick" | "radix", keys=keys) if keys:
            return _sorting_bytes(operator, components)
        case Join() | Intersection():
            return _gathering_bytes(operator, components)
        case Aggregate(sort="known"):
            return _gathering_bytes(operator, components)
        case Aggregate(sort="dense"):
            return components * working_bytes(operator)
        case Concat():
            return components * ENTERING * 2 * _widest(operator, operator.rows)
        case Reveal():
            return _computing_bytes(operator, components) + _clear_bytes(operator)
        case _:
            return _computing_bytes(operator, components)


def _sorting_bytes(operator: Operator, components: int) -> int:
    """Orders of all rows, keys as planes and as bytes, one group of columns on the move."""
    rows, bits = _shape(operator)
    group = min(rows * (bits + 64) // 8, max(GROUP_BYTES, _widest(operator, rows)))
    keys = 2 * rows * _key_bits(operator) // 8
    return rows * ORDERING_BYTES + components * (MOVING * group + keys)


def _key_bits(operator: Operator) -> int:
    """Planes of what rows are sorted by; at most all that comes in."""
    match operator:
        case Sort(input=below, keys=given):
            keys = {key.column for key in given}
        case Join(build=below, build_keys=names):
            keys = set(names)
        case _:
            return sum(row_bits(below) for below in children(operator))
    columns = [column for column in below.columns if column.id in keys]
    return 1 + sum(c.nullable + (c.encoding.width if c.encoding else 0) for c in columns)


def _gathering_bytes(operator: Operator, components: int) -> int:
    """Keys in clear and where they are found, and all that is fetched by them."""
    rows, bits = _shape(operator)
    return rows * ORDERING_BYTES + (components + GATHERING) * rows * bits // 8


def _computing_bytes(operator: Operator, components: int) -> int:
    """What is read, what is computed of it, and one chunk on its way between two forms."""
    rows, bits = _shape(operator)
    chunk = min(rows, max(CHUNK_ROWS, rows // MOST_CHUNKS))
    return components * (rows * (bits // 8 + VALUES_BYTES) + chunk * CONVERTING_BYTES)


def _entering_bytes(operator: Fragment, components: int) -> int:
    """A fragment's rows as its owner's database gives them, a column that is encoded, and a group
    of columns that are shared."""
    widest = _widest(operator, operator.rows)
    group = min(relation_bytes(operator), max(GROUP_BYTES, widest))
    return _clear_bytes(operator) + ENCODING * widest + components * ENTERING * group


def _clear_bytes(operator: Operator) -> int:
    sizes = [16 if isinstance(column.type, DecimalType) else 8 for column in operator.columns]
    return operator.rows * sum(sizes) + relation_bytes(operator)


def _widest(operator: Operator, rows: int) -> int:
    """Bytes of one component of the widest column that comes in, ring columns among them."""
    columns = [c for below in (operator, *children(operator)) for c in below.columns]
    widths = [c.encoding.width for c in columns if c.encoding is not None]
    return rows * max([64, *widths]) // 8


def _shape(operator: Operator) -> tuple[int, int]:
    """The rows that it works on, and their bits."""
    below = children(operator)
    rows = max(operator.rows, sum(o.rows for o in below))
    if isinstance(operator, Expand):
        rows = operator.rows + sum(o.rows for o in below)
    return rows, max(row_bits(operator), sum(row_bits(o) for o in below))
