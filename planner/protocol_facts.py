"""What is public about the sharing protocols that a plan may name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolFacts:
    """What is public about a protocol. `assumption` ends "nobody learns anything else, ..."; where
    outsiders stand beside the compute parties, `committee_assumption` does.

    `components`: how many components of a shared value one party holds.
    `and_bytes_per_peer`: what a party sends for the AND of a byte of planes, by the number of its
    peers. `prepares`: whether a run makes correlations ahead of its data, as its price says.
    `lanes`: whether operators may run side by side.
    """

    name: str
    least_parties: int
    most_parties: int
    components: int
    and_bytes_per_peer: float
    prepares: bool
    lanes: bool
    assumption: str
    committee_assumption: str

    @property
    def numbers(self) -> str:
        """For people: between how many parties it runs."""
        if self.least_parties == self.most_parties:
            return f"exactly {self.least_parties}"
        return f"{self.least_parties} to {self.most_parties}"

    def and_bytes(self, parties: int) -> int:
        """What each of so many parties sends for the AND of a byte of planes."""
        return round(self.and_bytes_per_peer * (parties - 1))

    def runs_between(self, parties: int) -> bool:
        return self.least_parties <= parties <= self.most_parties


PROTOCOLS = {
    "replicated": ProtocolFacts(
        name="replicated",
        least_parties=3,
        most_parties=3,
        components=2,
        and_bytes_per_peer=0.5,
        prepares=False,
        lanes=True,
        assumption="as long as no two parties pool what they see",
        committee_assumption="as long as no two compute parties pool what they see",
    ),
    "additive": ProtocolFacts(
        name="additive",
        least_parties=2,
        most_parties=5,
        components=1,
        and_bytes_per_peer=34,
        prepares=True,
        lanes=False,
        assumption="even if all the others pool what they see",
        committee_assumption="as long as not all compute parties pool what they see",
    ),
}
