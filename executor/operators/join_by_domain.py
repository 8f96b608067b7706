"""A join through a table of the build keys' public domain: no key is compared.

One party knows the build's keys, another one (or the same) the probe's; D keys are possible.

1. The first puts its build rows at the places of their keys in a table of D + 1 rows, zeros in all
   others. Where the build is a fragment that stands nowhere else, it has entered like that.
2. The second gathers for every probe row the entry at its key. Where the key is NULL or beyond the
   domain, it takes the last entry, which is never filled.

The presence bit is the entry's valid bit.

Cost: unless the build has entered in its places, a permutation of max(m, D) + 1 rows; one gather of
n rows out of D + 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...planner.secure import Join
from ..circuits.rows import pad_rows, slice_rows
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Share
from .known import Slots, owner_of, repeated_key, slots_of
from .layout import filled_up, is_placed
from .payload import Payload, carried, usable_rows
from .table import SecretColumn, SecretTable


def by_domain(
    p: SharingProtocol, node: Join, probe: SecretTable, build: SecretTable
) -> tuple[Bits, dict[int, SecretColumn]]:
    """For every probe row, whether it has a build row, and that row's columns."""
    payload = Payload.of(p, build, carried(node))
    if is_placed(node.build):
        entries = payload.shares(build.valid)
    else:
        usable = usable_rows(p, build, node.build_keys)
        entries = _placed(p, node, build, payload.shares(usable))
    size = entries[0].rows
    owner = owner_of(probe.columns[key].known for key in node.probe_keys)
    slots = _slots(node, probe, build, node.probe_keys)
    source = None if slots is None else np.where(slots.present, slots.places, size - 1)
    shares = p.gather_by_owner(owner, source, probe.rows, entries)
    return payload.apart(p, shares, rows=probe.rows, flagged=True)


def _slots(
    node: Join, table: SecretTable, build: SecretTable, keys: tuple[int, ...]
) -> Slots | None:
    """Where the rows of one side have their places, at the party that knows their keys."""
    pairs = zip(keys, node.build_keys, strict=True)
    given = [(table.columns[a], build.columns[b].encoding) for a, b in pairs]
    return slots_of([(column.known, column.encoding, domain) for column, domain in given])


def _placed(p: SharingProtocol, node: Join, build: SecretTable, shares: list[Share]) -> list[Share]:
    """The build's rows in their places; an invalid row, or zeros, in all others but the last."""
    size = 1
    for key in node.build_keys:
        encoding = build.columns[key].encoding
        size *= encoding.hi - encoding.lo + 1
    rows = max(build.rows, size) + 1
    owner = owner_of(build.columns[key].known for key in node.build_keys)
    slots = _slots(node, build, build, node.build_keys)
    source = None if slots is None else _filled(slots, size, rows)
    moved = p.permute_by_owner(owner, source, [pad_rows(share, rows) for share in shares])
    return [slice_rows(share, 0, size + 1) for share in moved]


def _filled(slots: Slots, size: int, rows: int) -> NDArray[np.intp]:
    """The row that stands in each place, and zeros in the place behind the domain.

    Errors: DataError where two rows have one key.
    """
    mine = np.flatnonzero(slots.present)
    places = slots.places[mine]
    if len(np.unique(places)) < len(mine):
        raise repeated_key()
    return filled_up(places, mine, empty=size, total=rows)
