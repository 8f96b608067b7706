"""What a node is made of, handed to everything that works in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from ...connectors.source import TableSource
from ...planner.secure import SecurePlan
from ..operators.stored import Shelf
from ..sharing.protocol import SharingProtocol
from ..sharing.spilling import Spill
from ..transport.identity import Identity
from ..transport.listener import DataListener
from .audit import AuditLog
from .compiling import Compiler
from .control import ControlLink
from .federation import Federation
from .policy import Policy
from .results import ResultStore
from .settings import PartySettings
from .shared_tables import SharedTables
from .slot import Slot
from .source_gate import SourceGate


class RunPlan(Protocol):
    """Runs a plan at one party, in lockstep with the others."""

    def __call__(
        self,
        plan: SecurePlan,
        *,
        protocol: SharingProtocol,
        party: str,
        source: TableSource | None,
        watch: Callable[[int, str], None],
        shelf: Shelf | None,
        spill: Spill | None,
    ) -> pa.Table | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """One party's node. `links` lead to the other parties, by name."""

    federation: Federation
    party: str
    identity: Identity
    settings: PartySettings
    policy: Policy
    catalog_text: str
    compiler: Compiler
    gate: SourceGate
    audit: AuditLog
    results: ResultStore
    shared: SharedTables
    spill_directory: Path
    slot: Slot
    links: Mapping[str, ControlLink]
    listener: DataListener
    run: RunPlan
    version: str

    @property
    def index(self) -> int:
        return self.federation.index(self.party)

    @property
    def confidants(self) -> tuple[str, ...]:
        """The parties that may read this one's log: itself; all, where all are one person's."""
        return self.federation.parties if self.settings.local else (self.party,)


def complain(text: str) -> None:
    """Something for the owner, on standard error. Never call it with a value of a row.

    What a peer wrote may be in it: only the first line begins like one of ours, and nothing in it
    moves a terminal's cursor.
    """
    told = "\n".join(
        "".join(letter if letter.isprintable() else " " for letter in line)
        for line in text.split("\n")
    )
    print("tacit: " + told.replace("\n", "\n  "), file=sys.stderr, flush=True)
