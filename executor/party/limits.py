"""What one party is ready to compute: its limits on a plan, checked before anything is allocated.

Both follow from the plan alone, whose sizes are public.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...planner.secure import Fragment, Operator, Root, Stored, children
from ...query.errors import SessionError
from ..sharing.protocols import PROTOCOLS
from .settings import PartySettings


def check_limits(
    root: Root, party: str, settings: PartySettings, protocol: str = "replicated"
) -> None:
    """Errors: SessionError with the figure, for a plan beyond max_rows or max_relation_bytes."""
    operators = list(_below(root))
    for operator in operators:
        if operator.rows > settings.max_rows:
            raise SessionError(
                f"the query needs a relation of {operator.rows} rows "
                f"({type(operator).__name__.lower()}), but {party} allows at most "
                f"{settings.max_rows} (max_rows in its party.toml)"
            )
    components = PROTOCOLS[protocol].components
    inputs = sum(relation_bytes(o) for o in operators if isinstance(o, Fragment | Stored))
    needed = components * max(inputs, *(relation_bytes(operator) for operator in operators))
    if needed > settings.max_relation_bytes:
        raise SessionError(
            f"the query needs {needed:,} bytes of shares at each party, but {party} allows at most "
            f"{settings.max_relation_bytes:,} (max_relation_bytes in its party.toml)"
        )


def relation_bytes(operator: Operator) -> int:
    """Bytes of one component of a relation: columns, their null planes, the valid plane."""
    bits = 1
    for column in operator.columns:
        width = 0 if column.encoding is None else column.encoding.width
        bits += width + column.nullable
    return operator.rows * bits // 8


def _below(operator: Operator) -> Iterator[Operator]:
    """Every operator of a plan, once."""
    seen: set[int] = set()
    waiting = [operator]
    while waiting:
        found = waiting.pop()
        if id(found) not in seen:
            seen.add(id(found))
            waiting += children(found)
            yield found
