"""An owner's tables are closed unless its policy opens them."""

from pathlib import Path

import pytest
from tacit.executor.party.policy import Policy, check_policy, load_policy, own_tables
from tacit.query.bound import (
    BoundJoin,
    BoundTable,
    ColumnRef,
    Exists,
    Literal,
    Query,
    Relation,
    Select,
    Statement,
)
from tacit.query.catalog import Table
from tacit.query.datatypes import BOOLEAN, INTEGER
from tacit.query.errors import ConfigurationError, PolicyError

VISITS = Table(name="visits", columns=(), owners=("mercy", "grace"), rows=9)
NOTES = Table(name="notes", columns=(), owners=("mercy",), rows=9)
CODES = Table(name="codes", columns=(), owners=(), rows=9)


def table(definition: Table, owner: str | None = None) -> BoundTable:
    return BoundTable(columns=(), table=definition, alias=definition.name, owner=owner)


def select(relation: Relation, subquery: Query | None = None) -> Select:
    where = None if subquery is None else Exists(type=BOOLEAN, nullable=False, query=subquery)
    return Select(
        columns=(),
        relation=relation,
        where=where,
        group_by=(ColumnRef(type=INTEGER, nullable=True, id=1, name="x"),),
        grouped=True,
        having=None,
        items=(Literal(type=INTEGER, nullable=False, value=1),),
        distinct=False,
    )


def statement(query: Query) -> Statement:
    return Statement(query=query, recipients=(), explain=None, text="")


def test_nothing_is_allowed_without_a_policy(tmp_path: Path) -> None:
    policy = load_policy(tmp_path, "mercy", local=False)
    with pytest.raises(PolicyError, match="policy of mercy does not allow queries on table notes"):
        check_policy(policy, statement(select(table(NOTES))))


def test_everything_is_allowed_locally_without_a_policy(tmp_path: Path) -> None:
    policy = load_policy(tmp_path, "mercy", local=True)
    check_policy(policy, statement(select(table(NOTES))))


def test_a_policy_counts_in_a_local_federation_too(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("[tables]\n")
    policy = load_policy(tmp_path, "mercy", local=True)
    with pytest.raises(PolicyError):
        check_policy(policy, statement(select(table(NOTES))))


def test_only_what_is_allowed_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('[tables]\nVisits = "allow"\nnotes = "deny"\n')
    policy = load_policy(tmp_path, "mercy", local=False)
    assert policy == Policy(owner="mercy", allowed=frozenset({"visits"}))
    check_policy(policy, statement(select(table(VISITS))))
    with pytest.raises(PolicyError, match=r'would have to say \[tables\] notes = "allow"'):
        check_policy(policy, statement(select(table(NOTES))))


def test_abilities_of_columns_stand_in_a_section_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(
        '[tables]\nnotes = "allow"\n'
        '[tables.Visits]\nqueries = "allow"\n'
        '[tables.Visits.columns]\nPatient = ["join_revealing_intersection"]\ncost = []\n'
        '[tables.rooms.columns]\nward = ["join_revealing_intersection"]\n'
    )
    assert load_policy(tmp_path, "mercy", local=False) == Policy(
        owner="mercy",
        allowed=frozenset({"notes", "visits"}),  # an ability alone opens no table
        revealing=frozenset({("visits", "patient"), ("rooms", "ward")}),
    )


def test_a_part_of_a_table_is_its_owners_own() -> None:
    closed = Policy(owner="mercy", allowed=frozenset())
    with pytest.raises(PolicyError, match="on mercy's part of visits"):
        check_policy(closed, statement(select(table(VISITS))))
    with pytest.raises(PolicyError):
        check_policy(closed, statement(select(table(VISITS, "mercy"))))
    check_policy(closed, statement(select(table(VISITS, "grace"))))


def test_public_tables_and_other_owners_tables_need_no_leave() -> None:
    closed = Policy(owner="grace", allowed=frozenset())
    check_policy(closed, statement(select(table(CODES))))
    check_policy(closed, statement(select(table(NOTES))))


def test_a_table_is_found_wherever_it_stands() -> None:
    joined = BoundJoin(
        columns=(), kind="inner", left=table(CODES), right=table(VISITS), condition=None
    )
    hidden = statement(select(joined, subquery=select(table(NOTES))))
    assert [name for name, _ in own_tables(hidden, "mercy")] == ["notes", "visits"]
    assert [name for name, _ in own_tables(hidden, "grace")] == ["visits"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tables = 1", "policy.toml: tables must be a section"),
        ('[tables]\nvisits = "yes"', r'tables.visits must be "allow" or "deny"'),
        ("[tables]\nvisits = true", "tables.visits must be a string"),
        ('[table]\nvisits = "allow"', "table is unknown"),
        ('[tables.visits]\nquery = "allow"', "tables.visits.query is unknown"),
        ("[tables.visits]\nqueries = 1", "tables.visits.queries must be a string"),
        ("[tables.visits]\ncolumns = 1", r"must be a section: \[tables.visits.columns\]"),
        ('[tables.visits.columns]\nk = "join"', "tables.visits.columns.k must be a list of abil"),
        ('[tables.visits.columns]\nk = ["join"]', 'is: "join_revealing_intersection"'),
    ],
)
def test_a_wrong_policy_file_is_an_error(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "policy.toml").write_text(text + "\n")
    with pytest.raises(ConfigurationError, match=complaint):
        load_policy(tmp_path, "mercy", local=False)
