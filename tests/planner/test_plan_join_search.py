"""The cheapest join order: small builds first joined with each other, narrow keys, stated ties."""

from __future__ import annotations

from dataclasses import replace

from tacit.planner.known import Facts, Key
from tacit.planner.rules.join_search import MAX_RELATIONS, JoinSearch, Relation


def relation(number: int, rows: int, ids: tuple[int, ...], *keys: int, bits: int = 20) -> Relation:
    facts = Facts(
        rows=rows,
        keys=tuple(Key(ids=frozenset([key])) for key in keys),
        ranges={},
        smallest={},
    )
    return Relation(number=number, ids=frozenset(ids), facts=facts, bits=bits)


def search(*classes: set[int], widths: dict[int, int] | None = None) -> JoinSearch:
    return JoinSearch(classes, dict.fromkeys(range(100), 20) | (widths or {}))


def test_the_many_rows_are_joined_last_and_once() -> None:
    lineitem = relation(0, 600_000, (1,))
    orders = relation(1, 150_000, (2, 3), 2)
    customer = relation(2, 15_000, (4,), 4)
    found = search({1, 2}, {3, 4}).order([lineitem, orders, customer])
    assert found == ((1, 2), (0, 1))


def test_a_relation_of_many_columns_is_carried_over_few_rows() -> None:
    visits = relation(0, 1_000, (1, 2))
    patients = relation(1, 1_000, (3,), 3, bits=4_000)
    wards = relation(2, 10, (4,), 4)
    found = search({1, 3}, {2, 4}).order([visits, patients, wards])
    assert found == ((0, 1), (0, 2))
    wide = relation(2, 900_000, (4,), 4)
    assert search({1, 3}, {2, 4}).order([visits, patients, wide]) == ((0, 1), (0, 2))


def test_the_narrow_key_is_taken_where_both_sides_are_unique() -> None:
    left = relation(0, 500, (1, 2), 1, 2)
    right = relation(1, 500, (3, 4), 3, 4)
    third = relation(2, 500, (5,), 5)
    found = search({1, 3, 5}).order([left, right, third])
    assert found is not None
    assert len(found) == 2


def test_one_row_joins_with_anything() -> None:
    facts = Facts(rows=1, keys=(Key(ids=frozenset()),), ranges={}, smallest={})
    row = Relation(number=2, ids=frozenset([9]), facts=facts, bits=30)
    found = search({1, 2}).order([relation(0, 100, (1,)), relation(1, 10, (2,), 2), row])
    assert found is not None
    assert all(build != 0 for _, build in found)


def test_no_order_without_unique_keys_or_for_too_many_relations() -> None:
    pair = [relation(0, 10, (1,)), relation(1, 10, (2,)), relation(2, 10, (3,))]
    assert search({1, 2, 3}).order(pair) is None
    many = [relation(i, 10, (i,), i) for i in range(MAX_RELATIONS + 1)]
    assert search(set(range(MAX_RELATIONS + 1))).order(many) is None
    assert search(set(range(MAX_RELATIONS))).order(many[:-1]) is not None


def test_keys_stay_known_along_a_chain() -> None:
    """The rows that fetch must not become a build, or their next key would be nobody's."""

    def owned(number: int, rows: int, ids: tuple[int, ...], *keys: int, by: str) -> Relation:
        return replace(relation(number, rows, ids, *keys), known=dict.fromkeys(ids, by))

    visits = owned(0, 1_000, (1, 2), 1, by="mercy")
    patients = owned(1, 1_000, (3,), 3, by="registry")
    wards = owned(2, 1_000, (4,), 4, by="city")
    found = search({1, 3}, {2, 4}).order([patients, visits, wards])
    assert found is not None
    assert {probe for probe, _ in found} == {0}
