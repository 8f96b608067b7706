"""What travels when a party moves rows in an order of its own, in `replicated` (owner_moves.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..transport.channel import Kind
from .messages import plane_bytes, share_bytes
from .pack import row_bytes
from .rounds import Round, make_round
from .shares import Bits, Ring, Share


@dataclass(frozen=True, slots=True)
class Step:
    """One move of rows by their owner: from `holder`, who has the other piece, to `taker`.

    `entering` rows become `leaving` ones.
    """

    owner: int
    holder: int
    taker: int
    entering: int
    leaving: int


def owner_step(owner: int, number: int, entering: int, leaving: int) -> Step:
    """Step `number` of a series: the other two parties hold the piece in turns."""
    helpers = ((owner + 1) % 3, (owner + 2) % 3)
    holder, taker = helpers if number % 2 == 0 else helpers[::-1]
    return Step(owner, holder, taker, entering, leaving)


def place_bits(rows: int) -> int:
    """Bits of a row number among so many rows."""
    return max(rows - 1, 0).bit_length()


def step_round(step: Step, columns: Sequence[Share]) -> Round:
    """Masked rows from the holder, and where each result is among them from the owner."""
    size = step.entering * packed_row_bytes(columns)
    places = plane_bytes(step.leaving, place_bits(step.entering)) if size else 0
    return make_round(
        Kind.MOVE, [(step.holder, step.taker, size), (step.owner, step.taker, places)]
    )


def step_reshare_round(step: Step, columns: Sequence[Share]) -> Round:
    """After the last step: its owner and its taker to each other."""
    size = sum(share_bytes(column) for column in resized(columns, step.leaving))
    owner, taker = step.owner, step.taker
    return make_round(Kind.RESHARE, [(owner, taker, size), (taker, owner, size)])


def gather_steps(owner: int, entering: int, leaving: int) -> tuple[Step, Step, Step]:
    """The three moves of a gather (owner_moves.py)."""
    kept = min(entering, leaving)
    return (
        owner_step(owner, 0, entering, kept),
        owner_step(owner, 1, kept + leaving, leaving),
        owner_step(owner, 2, leaving, leaving),
    )


def packed_row_bytes(columns: Sequence[Share]) -> int:
    """Bytes of a row: its bits packed, and its ring elements."""
    width = sum(column.width for column in columns if isinstance(column, Bits))
    return row_bytes(width) + sum(c.bits // 8 for c in columns if isinstance(c, Ring))


def moves_bytes(columns: Sequence[Share], rows: int) -> bool:
    """Whether there is anything to move."""
    return rows > 0 and packed_row_bytes(columns) > 0


def permute_rounds(owner: int, rows: int, columns: Sequence[Share]) -> list[Round]:
    """One step and the resharing; nothing where there is nothing to move."""
    if not moves_bytes(columns, rows):
        return []
    step = owner_step(owner, 0, rows, rows)
    return [step_round(step, columns), step_reshare_round(step, columns)]


def gather_rounds(owner: int, entries: int, rows: int, columns: Sequence[Share]) -> list[Round]:
    """Three steps and the resharing."""
    if not moves_bytes(columns, rows):
        return []
    steps = gather_steps(owner, entries, rows)
    return [*(step_round(s, columns) for s in steps), step_reshare_round(steps[-1], columns)]


def resized(columns: Sequence[Share], rows: int) -> list[Share]:
    """Shares without parts, of the same shapes but for the number of rows."""
    return [
        Ring(rows, c.bits, ()) if isinstance(c, Ring) else Bits(rows, c.width, ()) for c in columns
    ]
