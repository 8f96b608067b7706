"""What an owner lets others ask of its tables. The default is no.

# policy.toml
[tables]
notes = "deny"
visits = "allow"

or, to say more of a table, a section of its own in the place of a line:

[tables.visits]
queries = "allow"
[tables.visits.columns]
patient_id = ["join_revealing_intersection"]

An ability of a column is what a plan may do with it beyond keeping it secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...planner.secure import Intersection, Operator, children
from ...query.bound import Statement
from ...query.catalog import Table
from ...query.errors import PolicyError
from ...query.walking import tables_of
from .settings import Section, read_toml

POLICY_FILE = "policy.toml"
REVEALING = "join_revealing_intersection"
"""A join by the column may reveal to both owners which of their values the other one has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The tables that an owner allows to be queried; `allowed` None stands for all of them.

    `revealing`: the columns, as (table, column), that have the ability of that name.
    """

    owner: str
    allowed: frozenset[str] | None
    revealing: frozenset[tuple[str, str]] = frozenset()


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
    allowed: set[str] = set()
    revealing: set[tuple[str, str]] = set()
    section = file.section("tables")
    for name in section.values:
        if not isinstance(section.values[name], dict):
            verdict = _verdict(section, name)
        else:
            table = section.section(name)
            table.check_keys(frozenset({"queries", "columns"}))
            verdict = "queries" in table.values and _verdict(table, "queries")
            revealing |= {(name.lower(), column) for column in _revealing(table.section("columns"))}
        if verdict:
            allowed.add(name.lower())
    return Policy(owner=owner, allowed=frozenset(allowed), revealing=frozenset(revealing))


def _verdict(section: Section, key: str) -> bool:
    if section.text(key) not in ("allow", "deny"):
        raise section.wrong(key, 'must be "allow" or "deny"')
    return section.text(key) == "allow"


def _revealing(columns: Section) -> set[str]:
    """The columns with the ability, in lower case."""
    for name, abilities in columns.values.items():
        if not isinstance(abilities, list) or any(a != REVEALING for a in abilities):
            raise columns.wrong(
                name, f'must be a list of abilities; the one there is: "{REVEALING}"'
            )
    return {name.lower() for name, abilities in columns.values.items() if abilities}


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


def check_intersections(policy: Policy, root: Operator) -> None:
    """Errors: PolicyError unless the owner allows every intersection that a plan reveals, by name.

    It names the key and the smallest grant that would allow it.
    """
    if isinstance(root, Intersection):
        for key in (root.reveals.probe, root.reveals.build):
            missing = [c for c in key.columns if (key.table, c) not in policy.revealing]
            if key.owner == policy.owner and policy.allowed is not None and missing:
                grant = "".join(f'\n{column} = ["{REVEALING}"]' for column in missing)
                raise PolicyError(
                    f"the policy of {policy.owner} does not allow a join that reveals which values "
                    f"of {key.table} ({', '.join(key.columns)}) another owner has; it would have "
                    f"to say\n[tables.{key.table}.columns]{grant}"
                )
    for child in children(root):
        check_intersections(policy, child)


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
