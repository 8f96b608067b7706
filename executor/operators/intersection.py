"""Equi-joins of two owners who tell each other which of their key values they share.

Setting: any sharing protocol; two owners who compute. Inputs: each owner's fragment, and the key
values of its whole table, in clear at that owner. Output: the matching rows, shared.

1. The owners intersect the key values of their tables (circuits/intersection): each learns which of
   its own the other has too. Both know the common values then, and so their order.
2. Each puts its fragment's row of the r-th common value into row r, and shares these rows, valid
   where its fragment has one: which of the common values it keeps stays its own.
   If several rows of the probe may have one key, its owner shares its rows of common keys as they
   are, and looks up the build's row of each (permutations known to their owner).
3. A row of the result is valid if both sides' are.

Cost: a round for the seed and those of the intersection, one to share, one AND; the bits of the
columns that are kept; the look-up of the build's ones. No key is shared unless it is kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...planner.secure import Fragment, Intersection
from ...query.datatypes import Encoding
from ..circuits.intersection.intersect import intersect
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Share, as_bits, stack
from .comparison import common_encoding
from .fragment import OwnedRows, encode_rows, share_fragments
from .key_values import KeyValues
from .payload import Payload
from .table import SecretTable, encoding_of_column

Held = Mapping[Fragment, pa.Table]
"""What this party's own fragments gave, where their rows stay with it."""


def intersection(
    p: SharingProtocol, node: Intersection, owners: tuple[int, int], held: Held
) -> SecretTable:
    """Joins two owners' rows as the plan's node says. `owners`: the probe's and the build's."""
    sides = _Side.of(node)
    encodings = tuple(map(common_encoding, *(side.encodings for side in sides)))
    own = next((side for side in sides if side.values in held), None)
    keys = None if own is None else KeyValues.of(held[own.values], own.values.columns, encodings)
    bounds = (sides[0].values.rows, sides[1].values.rows)
    here = intersect(p, owners, bounds, None if keys is None else keys.rows, node.by)
    found: dict[int, _Found] = {}
    items: list[tuple[Fragment, int, OwnedRows | None]] = []
    for side, owner in zip(sides, owners, strict=True):
        if side is own and keys is not None and here is not None:
            found[owner] = _Found.of(side, held[side.fragment], encodings, keys, here)
        items.append((side.kept, owner, found[owner].owned if owner in found else None))
    probe, build = share_fragments(p, items)
    if not node.aligned:
        source = found[owners[0]].ranks if owners[0] in found else None
        build = _looked_up(p, node, build, owners[0], source)
    (valid,) = p.and_([(probe.valid, build.valid)])
    return SecretTable(node.rows, {**probe.columns, **build.columns}, valid)


def _looked_up(
    p: SharingProtocol,
    node: Intersection,
    build: SecretTable,
    owner: int,
    ranks: NDArray[np.intp] | None,
) -> SecretTable:
    """The build's row for each row of the probe. `ranks`: which one, known at the probe's owner."""
    source = None
    if ranks is not None:
        source = np.zeros(node.rows, np.intp)
        source[: len(ranks)] = ranks
    kept = [column for column in node.columns if column.id in build.columns]
    payload = Payload.of(p, build, kept)
    columns: list[Share] = [stack([*payload.planes(), build.valid]), *payload.rings()]
    whole, *rings = p.gather_by_owner(owner, source, node.rows, columns)
    planes = as_bits(whole)
    top = planes.width - 1
    found = payload.rebuilt(payload.cut(planes), rings)
    return SecretTable(node.rows, found, planes.planes(top, top + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One owner's part: its fragment, its keys there, its table's key values, what it shares.

    `spread`: rows are shared in the places of their keys among the common ones.
    """

    fragment: Fragment
    keys: tuple[int, ...]
    values: Fragment
    kept: Fragment
    spread: bool

    @staticmethod
    def of(node: Intersection) -> tuple[_Side, _Side]:
        """The probe's and the build's."""
        places = node.rows if node.aligned else node.common
        return (
            _Side(
                fragment=node.probe,
                keys=node.probe_keys,
                values=node.reveals.probe.values,
                kept=_kept(node.probe, node, node.rows),
                spread=node.aligned,
            ),
            _Side(
                fragment=node.build,
                keys=node.build_keys,
                values=node.reveals.build.values,
                kept=_kept(node.build, node, places),
                spread=True,
            ),
        )

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        return tuple(encoding_of_column(column) for column in self.values.columns)

    def columns(self, ids: Sequence[int]) -> list[int]:
        """The positions of the fragment's columns of these ids."""
        places = {column.id: place for place, column in enumerate(self.fragment.columns)}
        return [places[i] for i in ids]


def _kept(fragment: Fragment, node: Intersection, rows: int) -> Fragment:
    """A fragment with the columns of the result alone."""
    wanted = frozenset(column.id for column in node.columns)
    kept = [
        (column, form)
        for column, form in zip(fragment.columns, fragment.forms, strict=True)
        if column.id in wanted
    ]
    return dataclasses.replace(
        fragment,
        rows=rows,
        columns=tuple(column for column, _ in kept),
        forms=tuple(form for _, form in kept),
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Found:
    """An owner's rows of common keys, as it shares them; `ranks`: which common key each has."""

    owned: OwnedRows
    ranks: NDArray[np.intp]

    @staticmethod
    def of(
        side: _Side,
        table: pa.Table,
        encodings: tuple[Encoding, ...],
        keys: KeyValues,
        here: NDArray[np.bool_],
    ) -> _Found:
        places = side.columns(side.keys)
        columns = tuple(side.fragment.columns[place] for place in places)
        given = KeyValues.of(table.select(places), columns, encodings, distinct=False)
        place = keys.find(given)
        common = np.flatnonzero(here[place])
        ranks = (np.cumsum(here) - 1)[place[common]]
        kept = table.select(side.columns([column.id for column in side.kept.columns]))
        taken = kept.take(pa.array(given.source[common]))
        where = ranks if side.spread else np.arange(len(ranks))
        return _Found(encode_rows(side.kept, taken, where), ranks)
