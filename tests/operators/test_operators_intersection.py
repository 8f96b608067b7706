"""Joins whose matching keys both owners learn: the same answers, at the predicted cost."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pytest
from in_memory import Federation, Outcome
from tacit.planner import intersections
from tacit.planner.secure import Intersection, Operator, children
from tacit.query.errors import DataError

LONG = "a key that is much longer than its hash, number "

CATALOG = """
CREATE TABLE people (
    id BIGINT CHECK (id BETWEEN -5 AND 5000000) UNIQUE,
    code VARCHAR(3) UNIQUE, mail VARCHAR UNIQUE,
    ward VARCHAR(5) CHECK (ward IN ('heart', 'skin', 'bones')),
    room SMALLINT CHECK (room BETWEEN 1 AND 90), UNIQUE (ward, room),
    cost DECIMAL(9,2) CHECK (cost BETWEEN -100 AND 9999)
) OWNED BY mercy ROWS 70 REVEALING INTERSECTION (id, code, mail, ward, room);

CREATE TABLE register (
    id INTEGER CHECK (id BETWEEN 0 AND 90) PRIMARY KEY,
    code VARCHAR(5) UNIQUE, mail VARCHAR(80) UNIQUE,
    ward VARCHAR(5) CHECK (ward IN ('bones', 'eyes', 'skin')),
    room SMALLINT CHECK (room BETWEEN 0 AND 70), UNIQUE (ward, room),
    born DATE CHECK (born BETWEEN DATE '1900-01-01' AND DATE '2030-01-01')
) OWNED BY registry ROWS 90 REVEALING INTERSECTION (id, code, mail, ward, room);
"""

PEOPLE: dict[str, Any] = {
    "id": [3, None, 7, 4_999_999, -5, 40, 0],
    "code": ["a", "ab", None, "zz", "", "ö", "abc"],
    "mail": [LONG + x if x else None for x in ("1", "2", "", "3", "4", "5", "6")],
    "ward": ["heart", "skin", "skin", None, "bones", "bones", "skin"],
    "room": [1, 1, 2, 3, 70, None, 90],
    "cost": [1, 2, None, 4, 5, 6, 7],
}
REGISTER: dict[str, Any] = {
    "id": [40, 7, 3, 90, 1],
    "code": ["abc", "ö", "abcde", None, ""],
    "mail": [LONG + "6", LONG + "7", None, LONG + "1", LONG],
    "ward": ["skin", "eyes", "bones", "skin", None],
    "room": [2, 2, 70, 1, 1],
    "born": ["1950-01-01", None, "1970-03-03", "1980-04-04", "1990-05-05"],
}

QUERIES = [
    "SELECT p.id, p.code, p.cost, r.born FROM people p JOIN register r ON p.id = r.id",
    "SELECT p.cost, r.code, r.born FROM people p JOIN register r ON p.code = r.code",
    "SELECT p.cost, r.id FROM people p JOIN register r ON p.mail = r.mail",
    "SELECT p.cost, r.born FROM people p JOIN register r ON p.ward = r.ward AND p.room = r.room",
    "SELECT count(*) AS n FROM people p JOIN register r ON p.id = r.id",
    "SELECT sum(p.cost) AS s, max(r.born) AS b FROM people p JOIN register r ON p.id = r.id "
    "WHERE p.cost > 1 AND (r.born > DATE '1960-01-01' OR r.born IS NULL)",
    "SELECT p.cost FROM people p JOIN register r ON p.id = r.id AND p.cost < r.room",
    "SELECT p.cost FROM people p WHERE p.id IN (SELECT id FROM register WHERE room < 50)",
    "SELECT p.ward FROM people p WHERE EXISTS (SELECT 1 FROM register r WHERE r.code = p.code)",
    "SELECT r.id FROM register r JOIN people p ON p.id = r.id ORDER BY r.id DESC LIMIT 2",
    "SELECT p.id FROM people p JOIN register r ON p.id = r.id WHERE p.cost > 5000",
]


MANY = {
    "visits": "CREATE TABLE visits (id INTEGER CHECK (id BETWEEN 0 AND 5000), "
    "cost DECIMAL(9,2) CHECK (cost BETWEEN 0 AND 99), ward VARCHAR(6)) "
    "OWNED BY mercy ROWS 130 REVEALING INTERSECTION (id);",
    "register": CATALOG.split("CREATE TABLE ")[2],
}
VISITS: dict[str, Any] = {
    "id": [7, 3, 3, None, 40, 7, 7, 4000, 2],
    "cost": [1, 2, 3, 4, None, 6, 7, 8, 9],
    "ward": ["a", None, "c", "d", "eéé", "", "g", "h", "i"],
}
LOOKED_UP = [
    "SELECT v.id, v.cost, v.ward, r.code, r.born FROM visits v JOIN register r ON v.id = r.id",
    "SELECT count(*) AS n FROM visits v JOIN register r ON v.id = r.id",
    "SELECT r.ward, sum(v.cost) AS s FROM visits v JOIN register r ON v.id = r.id "
    "WHERE v.cost < 7 AND r.id > 3 GROUP BY r.ward",
    "SELECT v.ward FROM visits v WHERE v.id IN (SELECT id FROM register WHERE room > 1)",
    "SELECT sum(r.room) AS s, avg(v.cost) AS a FROM register r JOIN visits v ON v.id = r.id",
]


def table_of(columns: dict[str, Any]) -> pa.Table:
    types = {"id": pa.int64(), "room": pa.int16(), "cost": pa.decimal128(9, 2)}
    made = {n: pa.array(v, types.get(n, pa.string())) for n, v in columns.items()}
    if "born" in made:
        made["born"] = made["born"].cast(pa.date32())
    return pa.table(made)


def federation(
    people: dict[str, Any] = PEOPLE, register: dict[str, Any] = REGISTER, **options: Any
) -> Federation:
    return Federation(
        CATALOG,
        {"mercy": {"people": table_of(people)}, "registry": {"register": table_of(register)}},
        **{"parties": ("mercy", "grace", "registry"), **options},
    )


def repeated(visits: dict[str, Any] = VISITS, **options: Any) -> Federation:
    """Visits of registered people, of whom one may have several."""
    return Federation(
        MANY["visits"] + "CREATE TABLE " + MANY["register"],
        {"mercy": {"visits": table_of(visits)}, "registry": {"register": table_of(REGISTER)}},
        **{"parties": ("mercy", "grace", "registry"), **options},
    )


def revealed(operator: Operator) -> list[Intersection]:
    """The intersections of a plan."""
    found = [inner for child in children(operator) for inner in revealed(child)]
    return [*found, operator] if isinstance(operator, Intersection) else found


@pytest.fixture
def prefer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the planner take one way to reveal an intersection wherever it may."""

    def preferring(algorithm: str) -> None:
        def preference(_: Any, operator: Operator) -> int:
            return -(isinstance(operator, Intersection) and operator.by == algorithm)

        monkeypatch.setattr(intersections._Revealing, "_seconds", preference)

    return preferring


def same_as_predicted(outcome: Outcome) -> Outcome:
    assert outcome.measured == outcome.predicted
    return outcome


@pytest.mark.parametrize("sql", QUERIES)
def test_answers_are_those_of_the_pooled_tables(prefer: Any, sql: str) -> None:
    prefer("points")
    ordered = "ORDER BY" in sql
    outcome = federation().check(sql, ordered=ordered)
    assert len(revealed(outcome.plan.root)) == 1
    assert ordered or outcome.measured == outcome.predicted


@pytest.mark.parametrize("sql", [QUERIES[0], QUERIES[3], QUERIES[7]])
def test_answers_by_transfers(prefer: Any, sql: str) -> None:
    prefer("transfers")
    outcome = same_as_predicted(federation().check(sql))
    assert [o.by for o in revealed(outcome.plan.root)] == ["transfers"]


@pytest.mark.parametrize("sql", LOOKED_UP)
def test_keys_that_repeat_on_one_side(prefer: Any, sql: str) -> None:
    prefer("points")
    made = repeated()
    outcome = made.check(sql)
    assert [o.aligned for o in revealed(outcome.plan.root)] == [False]
    assert "GROUP BY" in sql or outcome.measured == outcome.predicted


def test_how_often_a_key_occurs_does_not_show(prefer: Any) -> None:
    prefer("points")
    once = {name: values[:2] for name, values in VISITS.items()}
    often = {name: [values[0]] * 130 for name, values in VISITS.items()}
    sent = [repeated(v, record=True).query(LOOKED_UP[0]).transcripts for v in (once, often)]
    assert sent[0] == sent[1]


def test_two_owners_without_a_helper_prefer_it_by_its_cost() -> None:
    """Few rows are looked up hidden; for many it is cheaper to tell each other the keys."""
    catalog = CATALOG.replace("id BETWEEN 0 AND 90", "id BETWEEN 0 AND 9000000")
    for rows, found in ((90, 0), (20_000, 1)):
        sized = re.sub(r"ROWS \d+", f"ROWS {rows}", catalog)
        alone = Federation(sized, {}, parties=("mercy", "registry"), protocol="additive")
        assert len(revealed(alone.plan(QUERIES[0]).root)) == found


def test_empty_tables(prefer: Any) -> None:
    prefer("points")
    nobody = {name: [] for name in PEOPLE}
    assert federation(nobody).check(QUERIES[0]).table.num_rows == 0
    both = federation(nobody, {name: [] for name in REGISTER})
    assert both.check(QUERIES[4]).table.to_pydict() == {"n": [0]}


def test_messages_do_not_depend_on_the_data(prefer: Any) -> None:
    """Not on how many rows there are, match, or pass a condition."""
    transcripts = []
    prefer("transfers")
    for people, register in (
        (PEOPLE, REGISTER),
        (PEOPLE, {name: [] for name in REGISTER}),
        ({n: v[:1] for n, v in PEOPLE.items()}, REGISTER),
    ):
        outcome = federation(people, register, record=True).query(QUERIES[5])
        transcripts.append(outcome.transcripts)
    assert transcripts[0] == transcripts[1] == transcripts[2]


def test_a_table_with_too_many_rows_ends_the_query(prefer: Any) -> None:
    prefer("points")
    many = {name: [None] * 71 for name in PEOPLE}
    with pytest.raises(DataError, match="more than the 70"):
        federation(many).query(QUERIES[0])


def test_doubles_meet_where_they_are_rounded_alike(prefer: Any) -> None:
    """Several of a table's values may be one key then."""
    prefer("points")
    declared = "k DOUBLE(1) CHECK (k BETWEEN -1 AND 9), x INTEGER CHECK (x BETWEEN 0 AND 9)"
    catalog = "".join(
        f"CREATE TABLE t_{owner} ({declared}) OWNED BY {owner} ROWS 9 REVEALING INTERSECTION (k);"
        for owner in ("mercy", "registry")
    )
    data = {
        "mercy": {
            "t_mercy": pa.table({"k": [0.1, 0.1, 0.30000000000000004, 2.0], "x": [1, 2, 3, 4]})
        },
        "registry": {"t_registry": pa.table({"k": [0.3, 0.1, 5.5, None], "x": [5, 6, 7, 8]})},
    }
    made = Federation(catalog, data, parties=("mercy", "grace", "registry"))
    sql = "SELECT x FROM t_mercy WHERE k IN (SELECT k FROM t_registry)"
    outcome = made.query(sql)
    assert len(revealed(outcome.plan.root)) == 1
    assert sorted(outcome.table["x"].to_pylist()) == [1, 2, 3]
