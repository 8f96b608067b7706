"""The two owners of an intersection, as all parties know them."""

from __future__ import annotations

from dataclasses import dataclass

from ...sharing.rounds import Round, make_round
from ...transport.channel import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """`owners`: two compute parties. `bounds`: how many keys each has at most.

    `seed`: public, drawn when the keys of both were fixed; None in a dry run.
    """

    owners: tuple[int, int]
    bounds: tuple[int, int]
    seed: bytes | None

    def bound(self, owner: int) -> int:
        return self.bounds[self.owners.index(owner)]

    def peer(self, owner: int) -> int:
        """The other one."""
        return self.owners[1 - self.owners.index(owner)]

    def both_send(self, sizes: tuple[int, int]) -> Round:
        """A round in which either owner sends so many bytes to the other one."""
        one, other = self.owners
        return make_round(Kind.INTERSECT, [(one, other, sizes[0]), (other, one, sizes[1])])

    def one_sends(self, owner: int, size: int) -> Round:
        """A round in which one owner sends."""
        return make_round(Kind.INTERSECT, [(owner, self.peer(owner), size)])
