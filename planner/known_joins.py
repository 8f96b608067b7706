"""How an equi-join may run: by a sort always, without one where parties know its keys in clear.

    visits JOIN patients        mercy knows visits' keys, registry those of patients
    =>  by domain: registry's rows enter at the places of their keys, mercy's rows fetch them
        (where the possible keys are too many: in bins of a cuckoo table)
    (visits JOIN patients) JOIN wards on ward, both mercy's
    =>  by index: mercy looks up which row of wards each visit needs

What must hold: the parties that know the keys are compute parties (an owner beside them may put its
rows in their places before they enter); and no two rows of the build's fragment have one key, also
among those that a secret condition has dropped, as their owner cannot tell which these are. Where
nothing is carried (semi- and anti-joins) and no row has been dropped, keys may repeat: any row
stands for them all. Uniqueness is the owner's own matter then: it has checked its data against the
catalog, and it stops where it meets a key twice, so that nothing needs to be checked on shares.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from math import prod

from ..query.datatypes import Encoding
from .cuckoo_size import bins_for
from .secure import Fragment, Join, Operator, Placement, TableOfKeys
from .visibility import is_whole, known_to, unique_keys

DOMAIN_FACTOR = 64
"""A table of so many places per row of the inputs costs more than any sort: not looked into."""


def known_options(
    join: Join, parties: Collection[str], alone: Collection[Fragment]
) -> Iterator[Join]:
    """The ways without a sort that the join may take.

    `parties`: those that compute. `alone`: fragments that stand at one place of the plan only.
    """
    if not join.probe.rows or not join.build.rows:
        return
    asking, giving = key_owner(join.probe, join.probe_keys), key_owner(join.build, join.build_keys)
    if asking not in parties or giving is None or not _alike(join):
        return
    distinct = any(key <= set(join.build_keys) for key in unique_keys(join.build))
    any_row = join.kind in ("semi", "anti") and is_whole(join.build)
    if asking == giving and (distinct or any_row):
        yield dataclasses.replace(join, by="index")
    alone_build = join.build if isinstance(join.build, Fragment) and join.build in alone else None
    for by, size in _tables(join):
        if alone_build is not None and (distinct or any_row):
            placed = Placement(by=by, keys=join.build_keys, rows=alone_build.rows)
            build = dataclasses.replace(alone_build, rows=size + 1, placed=placed)
            yield dataclasses.replace(join, by=by, build=build)
        elif giving in parties and distinct:
            yield dataclasses.replace(join, by=by)


def _tables(join: Join) -> Iterator[tuple[TableOfKeys, int]]:
    """Tables of the build's keys and their sizes, without the one row that stays empty."""
    size = domain_size(join)
    if size is not None and size <= DOMAIN_FACTOR * (join.probe.rows + join.build.rows):
        yield "domain", size
    if all(a == b for a, b in _encodings(join)):
        yield "cuckoo", bins_for(join.build.rows)


def key_owner(operator: Operator, keys: tuple[int, ...]) -> str | None:
    """The one party that knows all of these columns, if there is one."""
    known = known_to(operator)
    owners = {known.get(key) for key in keys}
    return owners.pop() if len(owners) == 1 else None


def _alike(join: Join) -> bool:
    """Whether the keys of both sides are of one kind, so that owners can tell equal ones."""
    return all(
        a.domain == b.domain
        and (a.text_bytes is None) == (b.text_bytes is None)
        and a.fraction_bits == b.fraction_bits
        for a, b in _encodings(join)
    )


def domain_size(join: Join) -> int | None:
    """How many keys the build may have; None if they are no whole numbers of some 60 bits."""
    pairs = _encodings(join)
    size = prod(build.hi - build.lo + 1 for _, build in pairs)
    every = [encoding for pair in pairs for encoding in pair]
    small = all(e.text_bytes is None and e.lo > -(2**60) and e.hi < 2**60 for e in every)
    return size if small and size < 2**60 else None


def _encodings(join: Join) -> list[tuple[Encoding, Encoding]]:
    """The encodings of every pair of keys."""
    sides = ((join.probe, join.probe_keys), (join.build, join.build_keys))
    found = []
    for operator, keys in sides:
        by_id = {column.id: column.encoding for column in operator.columns}
        found.append([by_id[key] for key in keys])
    return [(a, b) for a, b in zip(*found, strict=True) if a is not None and b is not None]
