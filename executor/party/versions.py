"""Whether the parties hold the same shared tables: what a statement needs is compared first."""

from __future__ import annotations

import json

from ...query.bound import Statement
from ...query.errors import CatalogMismatchError, SessionError
from ...query.walking import tables_of
from .resources import Resources
from .shared_tables import SharedTables


def versions_text(shared: SharedTables, statement: Statement) -> str:
    """The versions of the shared tables that a statement reads or makes, by name, as JSON."""
    found = {
        bound.table.name: bound.table.sharing.version
        for bound in tables_of(statement)
        if bound.table.sharing is not None
    }
    if statement.into is not None:
        found[statement.into.name] = shared.version(statement.into.name)
    return json.dumps(dict(sorted(found.items())))


def check_versions(resources: Resources, text: str, asker: str) -> None:
    """Errors: CatalogMismatchError that names the table and who holds what, if this party's
    shared tables are not those of the asker; SessionError if one cannot be read here."""
    party, shared = resources.party, resources.shared
    for name, theirs in _versions(text).items():
        shared.check(name)
        ours = shared.version(name)
        if ours == theirs:
            continue
        if ours and theirs:
            told = f"hold different versions of the shared table {name} ({ours} and {theirs})"
            told = f"{party} and {asker} {told}"
        else:
            has, lacks = (party, asker) if ours else (asker, party)
            told = f"{has} holds a shared table {name}, {lacks} does not"
        raise CatalogMismatchError(
            f"{told}\nhint: DROP TABLE {name} removes it at all parties; then make it again"
        )


def _versions(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise SessionError("a Proposal message whose tables are no versions by name")
    return found
