"""An intersection is revealed only where the catalog says so, once for a key, and if it pays."""

from __future__ import annotations

from typing import Any

import pytest
from tacit.executor.operators.pricing import DryRunPricer
from tacit.planner import plan_query
from tacit.planner.alternatives import alternatives
from tacit.planner.cost import LINKS, Cost, PlanCost
from tacit.planner.explain import explain_plan
from tacit.planner.intersections import MOST_KEYS
from tacit.planner.privacy import explain_privacy
from tacit.planner.secure import Intersection, Join, Operator, SecurePlan, children
from tacit.query import bind, load_catalog, parse

PARTIES = ("ann", "bea", "cyd")
CLAUSE = "REVEALING INTERSECTION (k)"


def table(owner: str, *, rows: int = 100, clause: str = CLAUSE, key: str = "UNIQUE") -> str:
    bounds = f"k BIGINT CHECK (k BETWEEN 0 AND 99999999) {key}"
    values = "j INTEGER CHECK (j BETWEEN 0 AND 9) UNIQUE, x INTEGER CHECK (x BETWEEN 0 AND 9)"
    name = f"t_{owner}"
    return f"CREATE TABLE {name} ({bounds}, {values}) OWNED BY {owner} ROWS {rows} {clause};"


class Costly:
    """Joins over shares cost so much a row."""

    def __init__(self, bytes_per_row: int = 10**9) -> None:
        self.bytes_per_row = bytes_per_row

    def operator_cost(self, operator: Operator) -> Cost:
        sent = operator.rows * self.bytes_per_row if isinstance(operator, Join) else 0
        work = 0.0
        if isinstance(operator, Intersection):
            work = 4e-4 * operator.common if operator.by == "points" else 0.2
        return Cost(rounds=1, sent_bytes=(sent,) * 3, messages=(1,) * 3, work_seconds=work)

    def plan_cost(self, plan: SecurePlan) -> PlanCost:
        nothing = Cost(rounds=0, sent_bytes=(0,) * 3, messages=(0,) * 3)
        return PlanCost(total=nothing, operators=())


def planned(
    catalog_sql: str,
    sql: str,
    *,
    pricer: Any = None,
    parties: tuple[str, ...] = PARTIES,
    outsiders: tuple[str, ...] = (),
) -> SecurePlan:
    members = (*parties, *outsiders)
    catalog = load_catalog(catalog_sql, parties=members)
    (statement,) = parse(sql)
    return plan_query(
        bind(statement, catalog, parties=members, text=sql),
        parties=parties,
        asker=members[0],
        pricer=pricer or Costly(),
        link=LINKS["lan"],
        outsiders=outsiders,
    )


def joins(operator: Operator) -> tuple[list[Intersection], list[Join]]:
    """The joins that reveal, and those that do not; each once, wherever it stands."""
    reveal: dict[Intersection, None] = {}
    hide: dict[Join, None] = {}
    waiting = [operator]
    while waiting:
        found = waiting.pop()
        waiting += children(found)
        if isinstance(found, Intersection):
            reveal[found] = None
        elif isinstance(found, Join):
            hide[found] = None
    return list(reveal), list(hide)


TWO = "SELECT a.x, b.x AS y FROM t_ann a JOIN t_bea b ON a.k = b.k"
BOTH = table("ann") + table("bea")


def test_both_tables_must_say_so() -> None:
    (only,), hidden = joins(planned(BOTH, TWO).root)
    assert not hidden
    assert (only.reveals.probe.table, only.reveals.probe.columns) == ("t_ann", ("k",))
    assert (only.reveals.build.owner, only.reveals.build.values.rows) == ("bea", 100)
    for one, other in ((CLAUSE, ""), ("", CLAUSE), ("REVEALING INTERSECTION (x)", CLAUSE)):
        catalog = table("ann", clause=one) + table("bea", clause=other)
        assert not joins(planned(catalog, TWO).root)[0]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a.x FROM t_ann a JOIN t_bea b ON a.k + 1 = b.k",
        "SELECT a.x FROM t_ann a JOIN t_bea b ON a.j = b.j",
        "SELECT a.x, b.x AS y FROM t_ann a LEFT JOIN t_bea b ON a.k = b.k",
        "SELECT a.x FROM t_ann a WHERE a.k NOT IN (SELECT k FROM t_bea WHERE k IS NOT NULL)",
    ],
)
def test_other_keys_and_other_joins_stay_hidden(sql: str) -> None:
    assert not joins(planned(BOTH, sql).root)[0]


def test_what_costs_no_less_stays_hidden() -> None:
    assert not joins(planned(BOTH, TWO, pricer=Costly(0)).root)[0]


def test_few_keys_by_points_and_many_by_transfers() -> None:
    for rows, way in ((100, "points"), (100_000, "transfers")):
        catalog = table("ann", rows=rows) + table("bea", rows=rows)
        assert [o.by for o in joins(planned(catalog, TWO).root)[0]] == [way]


def test_more_keys_than_a_message_holds_stay_hidden() -> None:
    catalog = table("ann", rows=100) + table("bea", rows=MOST_KEYS + 1)
    assert not joins(planned(catalog, TWO).root)[0]


def test_owners_who_do_not_compute_hide_their_keys() -> None:
    plan = planned(BOTH, TWO, parties=("bea", "cyd", "dan"), outsiders=("ann",))
    assert not joins(plan.root)[0]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a.x FROM t_ann a JOIN t_bea b USING (k) JOIN t_cyd c USING (k)",
        "SELECT count(*) AS n FROM t_ann a, t_bea b, t_cyd c WHERE a.k = b.k AND b.k = c.k",
        "SELECT count(*) AS n FROM (SELECT a.k FROM t_ann a JOIN t_bea b ON a.k = b.k) l "
        "JOIN (SELECT c.k FROM t_cyd c JOIN t_bea d ON c.k = d.k) r ON l.k = r.k",
        "SELECT x FROM (SELECT a.x FROM t_ann a JOIN t_bea b ON a.k = b.k UNION ALL "
        "SELECT c.x FROM t_cyd c JOIN t_bea b ON c.k = b.k) u",
        "SELECT x FROM t_ann WHERE k IN (SELECT k FROM t_bea) AND k IN (SELECT k FROM t_cyd)",
    ],
)
def test_of_one_key_one_pair_is_revealed_at_most(sql: str) -> None:
    """With a third owner the rest is hidden: two intersections would tell more than all three."""
    reveal, hidden = joins(planned(BOTH + table("cyd"), sql).root)
    assert len(reveal) <= 1
    assert len(hidden) >= 1


def test_keys_of_different_columns_are_different_keys() -> None:
    clause = "REVEALING INTERSECTION (k, j)"
    catalog = "".join(table(owner, clause=clause) for owner in PARTIES)
    sql = (
        "SELECT x FROM (SELECT a.x FROM t_ann a JOIN t_bea b ON a.k = b.k UNION ALL "
        "SELECT c.x FROM t_cyd c JOIN t_bea b ON c.j = b.j) u"
    )
    assert len(joins(planned(catalog, sql).root)[0]) == 2


def test_a_query_with_conditions_reveals_what_one_without_does() -> None:
    """Whole tables are intersected: asking again with other conditions tells nothing new."""
    plain = joins(planned(BOTH, TWO).root)[0][0].reveals
    narrow = joins(planned(BOTH, f"{TWO} WHERE a.x > 3 AND b.x < 5").root)[0][0].reveals
    assert [plain.probe.values.sql.split("FROM")[1], plain.build.values.sql.split("FROM")[1]] == [
        narrow.probe.values.sql.split("FROM")[1],
        narrow.build.values.sql.split("FROM")[1],
    ]
    assert "WHERE" not in narrow.probe.values.sql + narrow.build.values.sql


def test_explain_privacy_says_who_learns_what() -> None:
    catalog = load_catalog(BOTH, parties=PARTIES)
    plan = planned(BOTH, TWO)
    text = explain_privacy(plan, catalog)
    told = "ann and bea each learn which of their values of k occur in the other's rows"
    assert told in text
    ann, bea, cyd = (text.split(f"\n\n{party}") for party in PARTIES)
    assert "learns which of its values of k in t_ann occur in bea's rows of t_bea" in ann[1]
    assert "learns which of its values of k in t_bea occur in ann's rows of t_ann" in bea[1]
    assert "learns which" not in cyd[1].split("\n\n")[0]
    hidden = explain_privacy(planned(BOTH, TWO, pricer=Costly(0)), catalog)
    assert "occur in" not in hidden


@pytest.mark.parametrize("clause", ["", CLAUSE])
def test_a_count_of_matches_carries_nothing_along(clause: str) -> None:
    catalog = table("ann", clause=clause) + table("bea", clause=clause)
    root = planned(catalog, "SELECT count(*) FROM t_ann a JOIN t_bea b ON a.k = b.k").root
    reveal, hidden = joins(root)
    (join,) = (*reveal, *hidden)
    assert not join.columns
    assert [column.name for column in (*join.probe.columns, *join.build.columns)] == ["k", "k"]


def test_the_alternatives_are_the_other_way_and_a_hidden_join() -> None:
    plan = planned(BOTH, TWO)
    pricer = DryRunPricer(PARTIES)
    (only,), _ = joins(plan.root)
    priced = alternatives(plan.root, pricer, LINKS["lan"], plan.parties)[id(only)]
    names = [name for name, _ in priced]
    assert names[:3] == ["by points", "by transfers", "hidden, quick sort"]
    assert priced[2][1].rounds > priced[0][1].rounds


def test_explain_shows_that_it_reveals() -> None:
    plan = planned(BOTH, TWO)
    text = explain_plan(plan, Costly().plan_cost(plan), LINKS["lan"])
    assert "inner join on k = k, intersection by points" in text
    assert "reveals to ann and bea which of their keys match" in text
