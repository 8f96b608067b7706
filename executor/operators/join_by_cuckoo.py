"""A join through a cuckoo table of the build's keys: private set intersection that stays hidden.

One party knows the build's keys, another one (or the same) the probe's; any key is possible.

1. The first puts its build rows, keys included, into the bins of a cuckoo table under the run's
   public key (circuits/cuckoo.py), and leaves one more row empty. Where the build is a fragment
   that stands nowhere else, it has entered like that.
2. The second gathers for every probe row the three bins where its key may stand; the empty row,
   where the key is NULL.
3. Each of the three is compared with the probe's key. The build row is the one that is valid and
   equal, if there is one: keys are unique and the three bins differ, so that it is at most one, and
   its columns are the sum of the three, each masked by its flag.

Cost: unless the build has entered in its bins, a permutation of 1.3 m + 109 rows; one gather of 3n
rows out of that; 3 equalities of keys and 3 masks of the columns for every probe row. Source:
PROTOCOLS, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import xor

import numpy as np
from numpy.typing import NDArray

from ...planner.cuckoo_size import CHOICES, bins_for
from ...planner.secure import Join
from ...query.errors import InternalError
from ..circuits.compare import all_of
from ..circuits.cuckoo import candidates
from ..circuits.rows import pad_rows, slice_rows
from ..circuits.select import mask
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, Share, as_bits, as_ring, stack
from .known import Keys, first_rows, keys_of, owner_of, repeated_key
from .layout import bins_of, filled_up, is_placed
from .payload import Payload, carried, usable_rows
from .table import Execution, SecretColumn, SecretTable, need_bits


def by_cuckoo(
    run: Execution, node: Join, probe: SecretTable, build: SecretTable
) -> tuple[Bits, dict[int, SecretColumn]]:
    """For every probe row, whether it has a build row, and that row's columns."""
    p = run.protocol
    payload = Payload.of(p, build, carried(node))
    placed = is_placed(node.build)
    usable = build.valid if placed else usable_rows(p, build, node.build_keys)
    marked = stack([usable, _planes(p, build, node.build_keys)])
    entries: list[Share] = [marked, *payload.shares(None)]
    if not placed:
        entries = _in_bins(run, node, build, entries)
    fetched = [_thirds(share, probe.rows) for share in _fetched(run, node, probe, entries)]
    own = _planes(p, probe, node.probe_keys)
    flags = all_of(p, [_same(p, as_bits(entry), own) for entry in fetched[0]])
    moved = _chosen(p, flags, fetched[1:])
    columns = payload.apart(p, moved, rows=probe.rows, flagged=False)[1]
    return reduce(xor, flags), columns


def _planes(p: SharingProtocol, table: SecretTable, keys: Sequence[int]) -> Bits:
    """The key's planes; both sides have them in one encoding."""
    return stack(need_bits(p, [table.columns[key] for key in keys]))


def _same(p: SharingProtocol, entry: Bits, key: Bits) -> Bits:
    """Planes that are all 1 where the entry is valid and has the key."""
    valid, other = entry.planes(0, 1), entry.planes(1, entry.width)
    return stack([valid, p.invert(other ^ key)])


def _keys(table: SecretTable, keys: Sequence[int]) -> Keys | None:
    columns = [table.columns[key] for key in keys]
    return keys_of([(c.known, c.encoding, c.encoding) for c in columns])


def _in_bins(
    run: Execution, node: Join, build: SecretTable, shares: Sequence[Share]
) -> list[Share]:
    """The build's rows in their bins, and a row of zeros behind them.

    Errors: DataError where two rows have one key.
    """
    bins = bins_for(build.rows)
    rows = bins + 1
    keys = _keys(build, node.build_keys)
    source = None
    if keys is not None:
        mine = first_rows(keys)
        if len(mine) < np.count_nonzero(keys.present):
            raise repeated_key()
        table = bins_of(keys, mine, run.run_key, bins)
        at = np.flatnonzero(table.filled)
        source = filled_up(at, mine[table.rows[at]], empty=bins, total=rows)
    owner = owner_of(build.columns[key].known for key in node.build_keys)
    return run.protocol.permute_by_owner(owner, source, [pad_rows(s, rows) for s in shares])


def _fetched(
    run: Execution, node: Join, probe: SecretTable, entries: Sequence[Share]
) -> list[Share]:
    """The first bin of every probe row, then the second of every one, then the third."""
    bins = entries[0].rows - 1
    keys = _keys(probe, node.probe_keys)
    source: NDArray[np.intp] | None = None
    if keys is not None:
        if run.run_key is None:
            raise InternalError("a cuckoo table is read without a key")
        asked = candidates(keys.packed, run.run_key, bins)
        source = np.where(keys.present, asked.T, bins).reshape(-1)
    owner = owner_of(probe.columns[key].known for key in node.probe_keys)
    return run.protocol.gather_by_owner(owner, source, CHOICES * probe.rows, entries)


def _thirds(share: Share, rows: int) -> list[Share]:
    return [slice_rows(share, part * rows, (part + 1) * rows) for part in range(CHOICES)]


def _chosen(
    p: SharingProtocol, flags: Sequence[Bits], columns: Sequence[Sequence[Share]]
) -> list[Share]:
    """Of every column the third whose flag is 1, else 0: planes first, then rings."""
    planes = [parts for parts in columns if isinstance(parts[0], Bits)]
    rings = [parts for parts in columns if isinstance(parts[0], Ring)]
    pairs = [
        (flag, as_bits(part)) for parts in planes for flag, part in zip(flags, parts, strict=True)
    ]
    masked = mask(p, pairs)
    chosen: list[Share] = [
        reduce(xor, masked[CHOICES * i : CHOICES * (i + 1)]) for i in range(len(planes))
    ]
    if rings:
        factors = p.flags_to_ring(flags, 64)
        chosen += p.dot([list(zip(map(as_ring, parts), factors, strict=True)) for parts in rings])
    return chosen
