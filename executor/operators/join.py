"""Equi-joins on shared keys, by one sort and without opening anything but random orders.

Setting: any sharing protocol; both inputs, the match and the number of matches stay secret.
Inputs: probe (n rows), build (m rows). Output: n rows, in the probe's order.

1. Stack build over probe; sort stably by (build row is unusable, key): in a run of equal keys the
   usable build rows come first, and unusable ones come after every probe row.
2. Partition by side: build rows, in sorted order, come to the front. XOR (or subtract) each from
   its predecessor, put zeros in the probe rows, and undo the partition.
3. Prefix XOR (or sum): every row now carries the last build row at or before it.
4. Undo the sort; the last n rows are the probe rows in their own order. A probe row matches if the
   carried key is there, equals its own, and the row and its key are valid.

Cost: one sort of (n + m) rows by key + 1 bits, one partition and two shuffles of the carried
columns, one equality on n rows. Source: PROTOCOLS, section 5; copying downwards by prefix sums of
differences replaces a logarithmic copy network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...planner.secure import Join, SortAlgorithm
from ..circuits.compare import all_of, any_row, equal
from ..circuits.order import Order
from ..circuits.partition import partition
from ..circuits.row_numbers import row_range
from ..circuits.rows import (
    concat_rows,
    pad_rows,
    prefix_sum,
    prefix_xor,
    shift_down,
    slice_rows,
)
from ..circuits.sort import sort
from ..sharing.groups import one_by_one
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, Share, as_bits, stack
from .comparison import common_encoding
from .known_joins import join_known
from .payload import Payload, carried, null_extended, usable_rows
from .table import Execution, FailureFlag, SecretColumn, SecretTable, bits_in, need_bits


def join(run: Execution, node: Join, probe: SecretTable, build: SecretTable) -> SecretTable:
    """Joins two tables as the plan's node says, by a sort unless it says otherwise."""
    p = run.protocol
    if node.by != "sort":
        return join_known(run, node, probe, build)
    probe_key, build_key = key_planes(p, (probe, node.probe_keys), (build, node.build_keys))
    usable = usable_rows(p, build, node.build_keys)
    asking = usable_rows(p, probe, node.probe_keys)
    rows = Stacked(probe_key, build_key, usable, Payload.of(p, build, carried(node)))
    presence, key, columns = carry(run, rows, sort_by=node.sort, check_unique=node.check_unique)
    same = p.invert(key ^ probe_key)
    (match,) = all_of(p, [stack([same, presence, asking])])
    kept = {c.id: probe.columns[c.id] for c in node.columns if c.id in probe.columns}
    if node.kind == "anti":
        (valid,) = p.and_([(probe.valid, p.invert(match))])
        return SecretTable(probe.rows, kept, valid)
    valid = probe.valid if node.kind == "left" else match
    if node.kind == "left":
        columns = null_extended(p, columns, match)
    ordered = {c.id: kept.get(c.id) or columns[c.id] for c in node.columns}
    return SecretTable(probe.rows, ordered, valid)


def key_planes(
    p: SharingProtocol,
    probe: tuple[SecretTable, Sequence[int]],
    build: tuple[SecretTable, Sequence[int]],
) -> tuple[Bits, Bits]:
    """The keys of both sides as planes under common encodings; first key most significant."""
    left, right = ([table.columns[key] for key in keys] for table, keys in (probe, build))
    need_bits(p, [*left, *right])
    targets = [common_encoding(a.encoding, b.encoding) for a, b in zip(left, right, strict=True)]
    sides = []
    for columns in (left, right):
        planes = [bits_in(p, c, t) for c, t in zip(columns, targets, strict=True)]
        sides.append(stack(list(reversed(planes))))
    return sides[0], sides[1]


@dataclass(frozen=True, slots=True)
class Stacked:
    """What the two sides bring to the sort."""

    probe_key: Bits
    build_key: Bits
    usable: Bits
    payload: Payload


def carry(
    run: Execution, stacked: Stacked, *, sort_by: SortAlgorithm, check_unique: bool
) -> tuple[Bits, Bits, dict[int, SecretColumn]]:
    """Steps 1 to 4: (presence, key, payload) of the last build row at or before each probe row."""
    p = run.protocol
    payload = stacked.payload
    n, m = stacked.probe_key.rows, stacked.build_key.rows
    order, running = _running(run, stacked, sort_by=sort_by, check_unique=check_unique)
    mine = [slice_rows(share, m, n + m) for share in order.undo(p, running)]
    first, split = as_bits(mine[0]), 1 + len(payload.planes())
    top = first.width - 1
    columns = payload.rebuilt(mine[1:split], mine[split:])
    return first.planes(top, top + 1), first.planes(0, top), columns


def _running(
    run: Execution, stacked: Stacked, *, sort_by: SortAlgorithm, check_unique: bool
) -> tuple[Order, list[Share]]:
    """Steps 1 to 3: the order of the sort, and what every row carries in it: the key with the
    presence plane on top, then the payload, share by share."""
    p = run.protocol
    m = stacked.build_key.rows
    rows = stacked.probe_key.rows + m
    ordered = sort(p, _sort_key(p, stacked), _moving(p, stacked), algorithm=sort_by)
    flag, *payload = ordered.columns
    parted = partition(p, as_bits(flag), [ordered.keys, *payload])
    front = [slice_rows(share, 0, m) for share in parted.columns]
    if check_unique:
        _check_unique(run, as_bits(front[0]), stacked.build_key.width)
    first = pad_rows(_changes_and_presence(p, as_bits(front[0])), rows)
    changes = one_by_one(p, front[1:], lambda share: pad_rows(_difference(share), rows))
    back = parted.order.undo(p, [first, *changes])
    return ordered.order, one_by_one(p, back, _accumulated)


def _sort_key(p: SharingProtocol, stacked: Stacked) -> Bits:
    """The keys of build over probe, below a plane for build rows that are unusable."""
    key = concat_rows([stacked.build_key, stacked.probe_key])
    nothing = p.constant_bits(0, 1, stacked.probe_key.rows)
    return stack([key, concat_rows([p.invert(stacked.usable), nothing])])


def _moving(p: SharingProtocol, stacked: Stacked) -> list[Share]:
    """What the sort moves: the side of every row, and the payload, zeros in probe rows."""
    m = stacked.build_key.rows
    rows = stacked.probe_key.rows + m
    payload: list[Share] = [*stacked.payload.planes(), *stacked.payload.rings()]
    return [row_range(p, 0, m, rows), *one_by_one(p, payload, lambda x: pad_rows(x, rows))]


def _changes_and_presence(p: SharingProtocol, front: Bits) -> Bits:
    """Each key less its predecessor, and in the place of the last plane one that is 1 in the first
    row and 0 below, so that its running XOR says "some build row stands before". Local."""
    presence = row_range(p, 0, 1, front.rows)
    return stack([as_bits(_difference(front.planes(0, front.width - 1))), presence])


def _difference(share: Share) -> Share:
    """Each row less its predecessor. Local."""
    match share:
        case Bits():
            return share ^ shift_down(share)
        case Ring():
            return share - shift_down(share)


def _accumulated(share: Share) -> Share:
    """Running sums of differences. Local."""
    return prefix_xor(share) if isinstance(share, Bits) else prefix_sum(share)


def _check_unique(run: Execution, front: Bits, key_width: int) -> None:
    """Adds a failure flag: two usable build rows in a row hold one key."""
    p = run.protocol
    rows = front.rows
    if rows < 2:
        return
    keys = front.planes(0, key_width)
    usable = p.invert(front.planes(front.width - 1, front.width))
    (same,) = equal(p, [(slice_rows(keys, 1, rows), slice_rows(keys, 0, rows - 1))])
    pair = stack([same, slice_rows(usable, 1, rows), slice_rows(usable, 0, rows - 1)])
    (clash,) = all_of(p, [pair])
    message = "a key that the catalog declares unique occurs twice among its owners' rows"
    run.failures.append(FailureFlag(any_row(p, clash), message))
