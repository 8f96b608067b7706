"""How much owners do alone, by public sizes: cells that their databases read, and that they share.

A cell is one column of one row. Fragments of one owner run one after the other, those of different
owners side by side.
"""

from __future__ import annotations

from .logical import Node, Scan, walk
from .memory import every_operator
from .secure import Fragment, Operator


def scanned_cells(node: Node) -> int:
    """The most cells of tables that a logical plan reads at one owner."""
    scans = (one for one in walk(node) if isinstance(one, Scan))
    return sum(scan.table.rows * len(scan.names) for scan in scans)


def local_cells(root: Operator) -> tuple[int, int]:
    """Cells scanned, and cells that enter, of the owner that has most of them."""
    found: dict[str, tuple[int, int]] = {}
    for fragment in {o for o in every_operator(root) if isinstance(o, Fragment)}:
        scanned, entered = found.get(fragment.owner, (0, 0))
        cells = fragment.rows * len(fragment.columns)
        found[fragment.owner] = (scanned + fragment.scanned, entered + cells)
    return max(found.values(), key=sum, default=(0, 0))
