"""Shared tables: shares that a plan leaves with the compute parties, and that later plans read.

A column is stored as planes, 0 under NULL, with its null plane; the valid plane is stored too.
Storing costs what turns ring columns into planes and clears what stands under NULL, and four rounds
of eight bytes: two barriers. Reading costs nothing.

Why shares may be used again, by any number of plans: of the three components of a shared value a
party holds two, which are uniformly random to it. Whatever a later plan sends is either masked by
randomness of that session alone (products are reshared, shuffles masked), or it is the third
component of a share that is opened to its receiver. That component is the value less the two that
the receiver has: it tells the value, which is an output or uniformly random, and nothing else,
however often the share has been used or opened before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ...planner.secure import Store, Stored
from ...query.datatypes import Column
from ...query.errors import InternalError
from ..sharing.protocol import Input, SharingProtocol
from ..sharing.shares import Bits
from .table import SecretColumn, SecretTable, cleaned_bits, encoding_of_column, null_or_never


class Shelf(Protocol):
    """Where one party keeps its shares of shared tables."""

    def read(self, node: Stored) -> list[Bits]:
        """This party's shares: values and null plane of each column, then the valid plane.

        Errors: SessionError if it does not hold this version of the table, or it is damaged.
        """

    def prepare(self, node: Store, shares: Sequence[Bits]) -> None:
        """Keeps the shares of a table, durably, but not yet as the table of its name."""

    def vouch(self) -> None:
        """Every party has prepared its part: from here on it may be committed elsewhere."""

    def commit(self) -> None:
        """Makes what was prepared the table of its name. Every party has vouched for its part."""


def read_stored(p: SharingProtocol, node: Stored, shelf: Shelf | None) -> SecretTable:
    """The stored columns. Local."""
    widths = [width for column in node.columns for width in _widths(column)]
    if p.counts_only:
        shares = [Bits(node.rows, width, ()) for width in (*widths, 1)]
    elif shelf is None:
        raise InternalError("a party without shared tables reads one")
    else:
        shares = shelf.read(node)
    if [(share.rows, share.width) for share in shares] != [(node.rows, w) for w in (*widths, 1)]:
        raise InternalError("stored shares do not have the shape that the plan states")
    remaining = iter(shares)
    columns: dict[int, SecretColumn] = {}
    for column in node.columns:
        columns[column.id] = SecretColumn(
            encoding=encoding_of_column(column),
            rows=node.rows,
            bits=next(remaining),
            null=next(remaining) if column.nullable else None,
            clean_bits=True,
        )
    return SecretTable(node.rows, columns, next(remaining))


def _widths(column: Column) -> list[int]:
    """Planes of what is stored of a column: its values, and whether they are NULL."""
    return [encoding_of_column(column).width, *([1] if column.nullable else [])]


def store(
    p: SharingProtocol,
    node: Store,
    table: SecretTable,
    shelf: Shelf | None,
    outsiders: Sequence[int] = (),
) -> None:
    """Keeps the relation at every party, or at none.

    Every party writes its shares; learns that the others have too, and from there on keeps them
    even if the session fails; learns that the others have come so far as well, and only then gives
    them their name. Who fails before the first barrier has been passed leaves nothing anywhere; who
    fails between the barriers, at most two rounds, cannot know whether the others went on.
    `outsiders` (by position) keep what is public of the table, likewise.
    """
    secrets = [table.columns[column.id] for column in node.columns]
    values = cleaned_bits(p, secrets)
    shares: list[Bits] = []
    for column, secret, planes in zip(node.columns, secrets, values, strict=True):
        shares.append(planes)
        if column.nullable:
            shares.append(null_or_never(p, secret))
    shares.append(table.valid)
    if shelf is None and not p.counts_only:
        raise InternalError("a party without a place for shared tables makes one")
    if shelf is not None:
        shelf.prepare(node, shares)
    barrier(p, outsiders)
    if shelf is not None:
        shelf.vouch()
    barrier(p, outsiders)
    if shelf is not None:
        shelf.commit()


def barrier(p: SharingProtocol, outsiders: Sequence[int] = ()) -> None:
    """Returns when every party has come here. 2 rounds, 8 bytes from each party in both.

    A public zero is opened twice. In the first round a party hears from one neighbour that it is
    here, in the second from the same neighbour that it has heard so of the other. Before that every
    outsider says that it is here by an input, and after that it is told by a reveal: 2 rounds more.
    """
    nothing = np.zeros((1, 1), np.uint64)
    here = [
        Input(owner=o, rows=1, width=1, values=nothing if o == p.party else None) for o in outsiders
    ]
    if here:
        p.input(here)
    for _ in range(2):
        p.open([p.constant_bits(0, 1, 1)])
    for outsider in outsiders:
        p.reveal([p.constant_bits(0, 1, 1)], outsider)
