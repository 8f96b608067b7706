"""What one party is ready to compute: its limits on a plan, checked before anything is allocated.

Both follow from the plan alone, whose sizes are public.
"""

from __future__ import annotations

from ...planner.memory import every_operator, memory_bytes
from ...planner.secure import Root
from ...planner.spilling import SPILL_SHARE, spilling_bytes
from ...query.errors import SessionError
from ..sharing.protocols import PROTOCOLS
from .settings import PartySettings


def check_rows(root: Root, party: str, settings: PartySettings) -> None:
    """Errors: SessionError with the figure, for a plan beyond max_rows."""
    for operator in every_operator(root):
        if operator.rows > settings.max_rows:
            raise SessionError(
                f"the query needs a relation of {operator.rows} rows "
                f"({type(operator).__name__.lower()}), but {party} allows at most "
                f"{settings.max_rows} (max_rows in its party.toml)"
            )


def check_memory(root: Root, party: str, settings: PartySettings, protocol: str) -> None:
    """Errors: SessionError with the figure, for a plan beyond max_memory_bytes even where its
    relations wait on disk."""
    needed = spilling_bytes(root, PROTOCOLS[protocol].components)
    if needed > settings.max_memory_bytes:
        raise SessionError(
            f"the query needs about {needed:,} bytes of memory at each compute party, with what "
            f"waits put on disk, but {party} allows at most {settings.max_memory_bytes:,} "
            "(max_memory_bytes in its party.toml): filter and aggregate at the owners, or lower "
            "ROWS in the catalog"
        )


def spills(root: Root, settings: PartySettings, protocol: str) -> bool:
    """Whether relations wait on disk, as what they take in memory is a large part of the limit."""
    needed = memory_bytes(root, PROTOCOLS[protocol].components)
    return needed > settings.max_memory_bytes // SPILL_SHARE
