"""The seam that every circuit and operator is written over: a secret-sharing protocol.

Batched by nature: a call takes lists, and everything in one call shares its rounds.
`replicated` implements it (three parties, one semi-honest corruption); `counting` implements it
over shares without components, to price a plan.

Protocols hold the session's channel and randomness. Local operations live on the shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..transport.channel import Buffer
from .lanes import Work
from .rounds import Received, Round
from .shares import Bits, Ring, Share
from .spilling import Spill


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One column that `owner` inputs: a compute party by index, or an outsider behind them.

    bits == 0: a Boolean column of `width` planes; `values` at the owner is a plane array of shape
    (width, words(rows)) uint64, else None. bits 32 or 64: a ring column of shape (rows,).
    """

    owner: int
    rows: int
    width: int = 0
    bits: int = 0
    values: NDArray[Any] | None = None


class ShuffleHandle(Protocol):
    """A secret permutation that nobody knows whole; it can be applied again and undone."""

    @property
    def rows(self) -> int: ...


class SharingProtocol(Protocol):
    party: int
    parties: int
    counts_only: bool
    """True in a dry run: shares have no parts, and opened values are None."""
    flag_elements: float
    """About what a flag costs on its way into the ring, in ring elements per row and party."""
    mask_elements: float
    """About what a word costs that goes there under a mask: mask, subtractor and opening."""
    round_worth: int
    """A round lasts as long as the ANDs of so many bytes of planes: circuits trade one for the
    other by it. The plan sets it, the same at every party."""
    spill: Spill | None
    """Where this party may keep what waits, if its memory is to be spared. Local."""

    def input(self, inputs: Sequence[Input]) -> list[Share]:
        """Shares the owners' columns. 1 round; w (or `bits`) bits per row from each owner (outside
        owners: see outside.py)."""

    def open(self, shares: Sequence[Share]) -> list[NDArray[Any]] | None:
        """Opens to all parties: planes (bits past the last row cleared) or ring vectors. 1 round.

        None in a dry run.
        """

    def reveal(self, shares: Sequence[Share], recipient: int) -> list[NDArray[Any]] | None:
        """Opens to one party, which may be an outsider; None elsewhere. 1 round."""

    def exchange(
        self,
        round_: Round,
        outgoing: Mapping[int, Sequence[Buffer]],
        work_seconds: float = 0.0,
    ) -> Received | None:
        """A round of messages that say nothing but to their receivers, as their senders have seen
        to: what this party sends, by receiver, for what it receives, by sender. None in a dry run.

        `work_seconds`: for a price, the processor time that making and reading them takes.
        """

    def public_bits(self, planes: NDArray[np.uint64], rows: int) -> Bits:
        """A sharing of public planes, shape (width, words(rows)). Local."""

    def constant_bits(self, value: int, width: int, rows: int) -> Bits:
        """A sharing of one public constant in every row. Local."""

    def constant_ring(self, value: int | NDArray[Any], rows: int, bits: int = 64) -> Ring:
        """A sharing of a public ring constant or vector (two's complement). Local."""

    def invert(self, x: Bits) -> Bits:
        """NOT. Local."""

    def add_public(self, x: Ring, value: int) -> Ring:
        """x + a public constant. Local."""

    def and_(self, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
        """x & y for every pair; a one-plane operand is broadcast over the other's planes.

        1 round; 1 bit per row and plane.
        """

    def multiply(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        """Row-wise ring products. 1 round; `bits` per row."""

    def dot(self, sums: Sequence[Sequence[tuple[Ring, Ring]]]) -> list[Ring]:
        """For each list of pairs: the row-wise sum of the products, as one resharing (1 round)."""

    def total_product(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        """For each pair the inner product over all rows, one row each. 1 round."""

    def flags_to_ring(self, flags: Sequence[Bits], bits: int) -> list[Ring]:
        """Every one-plane share as a 0/1 ring column ("b2a"). 2 rounds in `replicated`."""

    def ring_addends(self, xs: Sequence[Ring], width: int) -> list[tuple[Bits, Bits]]:
        """Two `width`-bit Boolean sharings per input whose sum mod 2^width is x mod 2^width.

        1 round ("a2b" is this and one adder)."""

    def ring_masks(
        self, rows: int, bits: int, count: int
    ) -> tuple[list[Bits], Callable[[Sequence[Bits]], list[Ring]]]:
        """For word-to-ring: `count` random masks s as `bits` planes, and a function `finish` that
        takes Boolean sharings of d = x - s mod 2^bits and returns x in the ring.

        Making the masks: 1 round; finish: 1 round."""

    def random_bits(self, rows: int, width: int) -> Bits:
        """Uniformly random secret planes. Local."""

    def shuffle(self, columns: Sequence[Share]) -> tuple[list[Share], ShuffleHandle]:
        """All columns in one uniformly random order that nobody knows. 2 rounds, 4W/3 bits."""

    def shuffle_again(self, handle: ShuffleHandle, columns: Sequence[Share]) -> list[Share]:
        """More columns of the same relation, by the same permutation. Fresh masks."""

    def unshuffle(self, handle: ShuffleHandle, columns: Sequence[Share]) -> list[Share]:
        """Undoes the permutation on columns that stand in the shuffled order. Fresh masks."""

    def permute_by_owner(
        self, owner: int, source: NDArray[np.intp] | None, columns: Sequence[Share]
    ) -> list[Share]:
        """Row r of every result is row source[r]: a permutation that `owner` alone knows.

        `owner` is a compute party; `source` is None at everybody else, and in a dry run.
        `replicated`: 2 rounds; n W bits from each party, and n log2 n from the owner besides.
        """

    def gather_by_owner(
        self, owner: int, source: NDArray[np.intp] | None, rows: int, columns: Sequence[Share]
    ) -> list[Share]:
        """`rows` rows, row r of them row source[r] of the columns; entries may repeat or be absent.

        `source` as above. `replicated`: 4 rounds; for n entries and q rows, n + q rows of W bits
        from one party, min(n, q) + 2q from another, and q from the owner, with min(n, q) + 2q row
        numbers.
        """

    def side_by_side(self, ready: Callable[[], Iterable[tuple[int, Work]]]) -> None:
        """Runs computations in lanes that share their rounds, as `Lanes.run` does. What one of them
        changes, no other may read."""

    def count_random(self) -> None:
        """Dry run only: notes that what was counted is what a random size lets expect."""

    def count_copied(self, size: int) -> None:
        """Dry run only: notes so many bytes of rows that each party copies beside its messages."""
