"""A join whose keys one party knows on both sides: it looks rows up and fetches them by index.

1. The party looks up the build row of every probe row; where there is none (or the key is NULL) it
   takes a row of zeros behind the build.
2. It inputs the build's columns that it knows itself, in the probe's order; and the presence bits,
   where no secret condition has dropped build rows.
3. What else the probe's rows take along, valid bits included, it gathers by that index.

Cost: one input of n rows, and one gather of n rows out of m + 1 for what the party does not know.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...planner.secure import Join
from ...planner.visibility import is_whole
from ..circuits.rows import pad_rows
from ..sharing.pack import rows_to_planes
from ..sharing.protocol import Input, SharingProtocol
from ..sharing.shares import Bits, as_bits, as_ring
from .comparison import common_encoding
from .known import (
    Flags,
    Known,
    Matches,
    Packed,
    keys_of,
    matching_rows,
    owner_of,
    repeated_key,
    take,
    whole_numbers,
)
from .payload import Payload, carried
from .table import SecretColumn, SecretTable


def by_index(
    p: SharingProtocol, node: Join, probe: SecretTable, build: SecretTable
) -> tuple[Bits, dict[int, SecretColumn]]:
    """For every probe row, whether it has a build row, and that row's columns."""
    owner = owner_of(probe.columns[key].known for key in node.probe_keys)
    matches = _looked_up(node, probe, build)
    wanted = carried(node)
    own = [c.id for c in wanted if _owner(build.columns[c.id].known) == owner]
    entered = _Entered(p, owner, matches, probe.rows)
    whole = is_whole(node.build)
    columns, presence = entered.columns({i: build.columns[i] for i in own}, presence=whole)
    payload = Payload.of(p, build, [c for c in wanted if c.id not in own])
    shares = payload.shares(None if whole else build.valid)
    if shares:
        source = None if matches is None else np.where(matches.found, matches.rows, build.rows)
        entries = [pad_rows(share, build.rows + 1) for share in shares]
        shares = p.gather_by_owner(owner, source, probe.rows, entries)
    gathered, others = payload.apart(p, shares, rows=probe.rows, flagged=not whole)
    return gathered if presence is None else presence, columns | others


def _owner(known: Known | None) -> int | None:
    return None if known is None else known.owner


def _looked_up(node: Join, probe: SecretTable, build: SecretTable) -> Matches | None:
    """The build row of every probe row, at the party that knows the keys.

    Errors: DataError if two build rows have one key, where a row is asked for its columns.
    """
    asking, given = [], []
    for a, b in zip(node.probe_keys, node.build_keys, strict=True):
        mine, theirs = probe.columns[a], build.columns[b]
        common = common_encoding(mine.encoding, theirs.encoding)
        asking.append((mine.known, mine.encoding, common))
        given.append((theirs.known, theirs.encoding, common))
    sides = keys_of(asking), keys_of(given)
    if sides[0] is None or sides[1] is None:
        return None
    found = matching_rows(sides[0], sides[1])
    if found.repeated and node.kind in ("inner", "left"):
        raise repeated_key()
    return found


class _Entered:
    """What the party inputs: rows of its own columns, one for each probe row."""

    def __init__(self, p: SharingProtocol, owner: int, matches: Matches | None, rows: int) -> None:
        self._p = p
        self._owner = owner
        self._matches = matches
        self._rows = rows

    def columns(
        self, secrets: dict[int, SecretColumn], *, presence: bool
    ) -> tuple[dict[int, SecretColumn], Bits | None]:
        """The columns in the forms that they are there in already, and the presence bits."""
        inputs = [item for secret in secrets.values() for item in self._inputs(secret)]
        if presence:
            found = None if self._matches is None else self._matches.found
            inputs.append(self._plane(found))
        shares = iter(self._p.input(inputs) if inputs else ())
        made = {}
        for identity, secret in secrets.items():
            column = SecretColumn(encoding=secret.encoding, rows=self._rows)
            column.clean_bits = column.clean_ring = True
            column.bits = None if secret.bits is None else as_bits(next(shares))
            column.ring = None if secret.ring is None else as_ring(next(shares))
            column.null = None if secret.null is None else as_bits(next(shares))
            made[identity] = column
        return made, as_bits(next(shares)) if presence else None

    def _inputs(self, secret: SecretColumn) -> list[Input]:
        """One input for each form, and one for the null plane."""
        secret.force("bits")
        shown = take(secret.known, self._matches)
        packed, nulls = (None, None) if shown is None else shown
        width, found = secret.encoding.width, []
        if secret.bits is not None:
            planes = None if packed is None else rows_to_planes(packed, width)
            found.append(Input(owner=self._owner, rows=self._rows, width=width, values=planes))
        if secret.ring is not None:
            vector = None if packed is None else self._ring(packed, nulls, secret.encoding.lo)
            found.append(Input(owner=self._owner, rows=self._rows, bits=64, values=vector))
        return [*found, *([] if secret.null is None else [self._plane(nulls)])]

    def _plane(self, flags: Flags | None) -> Input:
        values = None if flags is None else rows_to_planes(flags.view(np.uint8)[:, None], 1)
        return Input(owner=self._owner, rows=self._rows, width=1, values=values)

    def _ring(self, packed: Packed, nulls: Flags | None, lo: int) -> NDArray[np.uint64]:
        """Values as ring elements, 0 under NULL and where there is no row."""
        vector = whole_numbers(packed).view(np.uint64) + np.uint64(lo % 2**64)
        if nulls is not None and self._matches is not None:
            vector[nulls | ~self._matches.found] = 0
        return vector
