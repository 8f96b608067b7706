"""What an owner lets others ask of its tables. The default is no.

# policy.toml
[tables]
visits = "allow"
notes = "deny"
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...query.bound import Statement
from ...query.catalog import Table
from ...query.errors import PolicyError
from ...query.walking import tables_of
from .settings import Section, read_toml

POLICY_FILE = "policy.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The tables that an owner allows to be queried; `allowed` None stands for all of them."""

    owner: str
    allowed: frozenset[str] | None


def load_policy(directory: Path, owner: str, *, local: bool) -> Policy:
    """Reads policy.toml of a party's directory.

    Without the file nothing is allowed, or everything if `local` (all parties are one person's).
    Errors: ConfigurationError naming file and key.
    """
    path = directory / POLICY_FILE
    if not path.exists():
        return Policy(owner=owner, allowed=None if local else frozenset())
    file = Section(path, read_toml(path))
    file.check_keys(frozenset({"tables"}))
    tables = file.values.get("tables", {})
    if not isinstance(tables, dict):
        raise file.wrong("tables", "must be a section: [tables]")
    section = Section(path, tables, "tables.")
    for table in tables:
        if section.text(table) not in ("allow", "deny"):
            raise section.wrong(table, 'must be "allow" or "deny"')
    allowed = frozenset(name.lower() for name, verdict in tables.items() if verdict == "allow")
    return Policy(owner=owner, allowed=allowed)


def check_policy(policy: Policy, statement: Statement) -> None:
    """Errors: PolicyError naming owner and table unless the owner allows all its tables in use.

    It tells nothing else of the policy: a table that the catalog lists but the policy does not
    looks like one that it denies.
    """
    if policy.allowed is None:
        return
    for table, parts in own_tables(statement, policy.owner):
        if table not in policy.allowed:
            raise PolicyError(
                f"the policy of {policy.owner} does not allow queries on {parts}; "
                f'it would have to say [tables] {table} = "allow"'
            )


def own_tables(statement: Statement, owner: str) -> list[tuple[str, str]]:
    """The tables in a statement, subqueries included, that `owner` holds or holds a part of.

    Those whose rows went into a shared table in the statement are among them.

    As pairs of name and wording, sorted.
    """
    found: set[tuple[str, str]] = set()
    for bound in tables_of(statement):
        table = bound.table
        if table.sharing is not None:
            found.update(
                (name, f"table {name}, whose rows are in the shared table {table.name}")
                for holder, name in table.sharing.sources
                if holder == owner
            )
        elif owner in ((bound.owner,) if bound.owner else table.owners):
            found.add((table.name, _wording(table, owner)))
    return sorted(found)


def _wording(table: Table, owner: str) -> str:
    return f"table {table.name}" if len(table.owners) == 1 else f"{owner}'s part of {table.name}"
