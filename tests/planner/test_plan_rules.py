"""Each rewrite rule by a small plan before and after."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from tacit.planner.build import build, highest_id
from tacit.planner.explain import expression_text
from tacit.planner.facts import Analysis
from tacit.planner.logical import (
    Aggregate,
    Filter,
    Ids,
    Join,
    Node,
    Once,
    Project,
    Scan,
    Sort,
    Union,
    Window,
    children,
)
from tacit.planner.rules import RULES, Context


def show(node: Node) -> str:
    """A logical plan as an indented text."""
    return "\n".join(_lines(node, names(node)))


def names(node: Node) -> dict[int, str]:
    found: dict[int, str] = {}
    for child in children(node):
        found.update(names(child))
    for column in node.columns:
        found.setdefault(column.id, column.name or f"x{column.id}")
    return found


def _lines(node: Node, known: dict[int, str]) -> list[str]:
    match node:
        case Scan():
            head = f"{node.table.name} of {node.owner}: {', '.join(node.names)}"
        case Filter():
            head = f"filter {expression_text(node.predicate, known)}"
        case Project():
            texts = [expression_text(e, known) for e in node.expressions]
            head = f"project {', '.join(texts)}"
        case Join():
            condition = " and ".join(expression_text(e, known) for e in node.condition)
            head = f"{node.kind} join {condition}".rstrip()
        case Aggregate():
            keys = ", ".join(known[key] for key in node.keys)
            calls = [f"{a.function}({known.get(a.argument or -1, '')})" for a in node.aggregates]
            head = f"aggregate [{keys}] {', '.join(calls)}".rstrip()
        case Sort():
            head = f"sort {', '.join(known[k.column] for k in node.keys)} limit {node.limit}"
        case Window():
            keys = ", ".join(known[key] for key in node.partition)
            order = ", ".join(known[k.column] for k in node.order)
            names = ", ".join(c.function for c in node.calls)
            head = f"window [{keys}] [{order}] {names}"
        case Union():
            head = "union"
        case Once():
            head = "once"
        case _:
            head = type(node).__name__.lower()
    lines = [head]
    for child in children(node):
        lines += ["  " + line for line in _lines(child, known)]
    return lines


def after(planner: Any, sql: str, *upto: str) -> str:
    """The plan once the named rules (and nothing else) have run, in the order of RULES."""
    query = planner.bound(sql).query
    context = Context(ids=Ids(highest_id(query) + 1), analysis=Analysis(), parties=planner.parties)
    plan = build(query, context.ids)
    seen: set[str] = set()
    for rule in RULES:
        if rule.__name__ in upto and rule.__name__ not in seen:
            seen.add(rule.__name__)
            plan = rule(plan, context)
    assert seen == set(upto)
    return show(plan)


CASES = [
    (
        ("fold_constants",),
        "SELECT born FROM patients WHERE TRUE AND born > 1950 + 2",
        """
        project born
          filter (born > 1952)
            patients of registry: patient_id, born, sex, name
        """,
    ),
    (
        ("factor_disjunctions",),
        "SELECT born FROM patients WHERE (born > 1 AND sex = 'F') OR (born > 1 AND sex = 'X')",
        """
        project born
          filter ((born > 1) and ((sex = 'F') or (sex = 'X')))
            patients of registry: patient_id, born, sex, name
        """,
    ),
    (
        ("push_filters",),
        "SELECT born FROM patients p, labs l WHERE p.patient_id = l.patient_id AND born > 1990 "
        "AND value < 0",
        """
        project born
          inner join (patient_id = patient_id)
            filter (born > 1990)
              patients of registry: patient_id, born, sex, name
            filter (value < 0.0)
              labs of mercy: lab_id, patient_id, value
        """,
    ),
    (
        ("push_filters",),
        "SELECT visit_id FROM visits v LEFT JOIN patients p ON v.patient_id = p.patient_id "
        "WHERE p.born > 1990",
        """
        project visit_id
          inner join (patient_id = patient_id)
            union
              visits of mercy: visit_id, patient_id, admitted, cost, ward
              visits of grace: visit_id, patient_id, admitted, cost, ward
            filter (born > 1990)
              patients of registry: patient_id, born, sex, name
        """,
    ),
    (
        ("push_filters",),
        "SELECT cost FROM visits v, patients p WHERE v.patient_id = p.patient_id AND EXISTS "
        "(SELECT 1 FROM labs l WHERE l.patient_id = p.patient_id AND value > 0)",
        """
        project cost
          inner join (patient_id = patient_id)
            union
              visits of mercy: visit_id, patient_id, admitted, cost, ward
              visits of grace: visit_id, patient_id, admitted, cost, ward
            semi join (patient_id = patient_id)
              patients of registry: patient_id, born, sex, name
              project patient_id
                filter (value > 0.0)
                  labs of mercy: lab_id, patient_id, value
        """,
    ),
    (
        ("push_filters", "merge_projects", "prune_columns"),
        "SELECT cost FROM visits WHERE ward = 'skin'",
        """
        union
          project cost
            filter (ward = 'skin')
              visits of mercy: cost, ward
          project cost
            filter (ward = 'skin')
              visits of grace: cost, ward
        """,
    ),
    (
        ("push_filters", "order_joins"),
        "SELECT floor FROM labs l, patients p, rooms r, staff s WHERE l.patient_id = p.patient_id "
        "AND s.ward = r.ward AND s.staff_id = p.patient_id",
        """
        project floor
          inner join (patient_id = staff_id)
            inner join (patient_id = patient_id)
              labs of mercy: lab_id, patient_id, value
              patients of registry: patient_id, born, sex, name
            inner join (ward = ward)
              staff of grace: staff_id, ward, level
              rooms of None: ward, floor
        """,
    ),
    (
        ("push_filters", "order_joins", "aggregate_early"),
        "SELECT l.patient_id, born, sum(value) FROM labs l, patients p "
        "WHERE l.patient_id = p.patient_id GROUP BY l.patient_id, born",
        """
        project patient_id, born, sum
          project patient_id, born, sum
            inner join (patient_id = patient_id)
              aggregate [patient_id] sum(value)
                project patient_id, value
                  labs of mercy: lab_id, patient_id, value
              patients of registry: patient_id, born, sex, name
        """,
    ),
    (
        ("push_filters", "prune_columns", "order_joins", "aggregate_sides"),
        "SELECT v.ward, count(*), sum(value), count(cost) FROM visits v, labs l "
        "WHERE v.patient_id = l.patient_id GROUP BY v.ward",
        """
        project ward, count_star, sum, count
          project ward, count_star, sum, count
            aggregate [ward] sum(x26), sum(x30), sum(x32)
              project ward, x25, x29, case when cost is null then 0 else x25 end
                inner join (patient_id = patient_id)
                  union
                    visits of mercy: patient_id, cost, ward
                    visits of grace: patient_id, cost, ward
                  aggregate [patient_id] count_star(), sum(x28)
                    project patient_id, value
                      labs of mercy: patient_id, value
        """,
    ),
    (
        ("push_filters", "prune_columns", "order_joins", "aggregate_sides"),
        "SELECT DISTINCT v.ward FROM visits v, labs l WHERE v.patient_id = l.patient_id",
        """
        aggregate [ward]
          project ward
            semi join (patient_id = patient_id)
              union
                visits of mercy: patient_id, ward
                visits of grace: patient_id, ward
              labs of mercy: patient_id
        """,
    ),
    (
        ("push_filters", "prune_columns", "order_joins", "group_before_join"),
        "SELECT w.least, count(*) FROM visits v JOIN (SELECT ward, min(admitted) AS least "
        "FROM visits GROUP BY ward) w ON v.ward = w.ward GROUP BY w.least",
        """
        project least, count_star
          project least, count_star
            aggregate [least] sum(x39)
              project least, x38
                inner join (ward = ward)
                  aggregate [ward] count_star()
                    project ward
                      union
                        visits of mercy: ward
                        visits of grace: ward
                  project ward, least
                    project ward, min
                      aggregate [ward] min(admitted)
                        project ward, admitted
                          union
                            visits of mercy: admitted, ward
                            visits of grace: admitted, ward
        """,
    ),
    (
        ("push_filters", "prune_columns", "order_joins", "group_before_join"),
        "SELECT w.ward, w.least, sum(cost) FROM visits v JOIN (SELECT ward, min(admitted) AS least "
        "FROM visits GROUP BY ward) w ON v.ward = w.ward GROUP BY w.ward, w.least",
        """
        project ward, least, sum
          project ward, least, sum
            project ward, least, x41
              project ward, least, x40
                inner join (ward = ward)
                  aggregate [ward] sum(x39)
                    project ward, cost
                      union
                        visits of mercy: cost, ward
                        visits of grace: cost, ward
                  project ward, least
                    project ward, min
                      aggregate [ward] min(admitted)
                        project ward, admitted
                          union
                            visits of mercy: admitted, ward
                            visits of grace: admitted, ward
        """,
    ),
    (
        ("push_filters", "prune_columns", "order_joins", "sink_expressions"),
        "SELECT value * 2 + born FROM labs l, patients p WHERE l.patient_id = p.patient_id",
        """
        project (x8 + born)
          inner join (patient_id = patient_id)
            project patient_id, value, (value * 2)
              labs of mercy: patient_id, value
            patients of registry: patient_id, born
        """,
    ),
    (
        ("merge_projects", "aggregate_parts"),
        "SELECT max(cost), count(cost) FROM visits",
        """
        project max, count
          project max, coalesce(count, 0)
            aggregate [] max(max), sum(count)
              union
                aggregate [] max(cost), count(cost)
                  project cost
                    visits of mercy: visit_id, patient_id, admitted, cost, ward
                aggregate [] max(cost), count(cost)
                  project cost
                    visits of grace: visit_id, patient_id, admitted, cost, ward
        """,
    ),
    (
        ("push_filters", "prune_columns", "distinct_semi_builds"),
        "SELECT born FROM patients WHERE patient_id IN (SELECT patient_id FROM labs)",
        """
        project born
          semi join (patient_id = patient_id)
            patients of registry: patient_id, born
            aggregate [patient_id]
              project patient_id
                project patient_id
                  project patient_id
                    labs of mercy: patient_id
        """,
    ),
    (
        ("share_common",),
        "WITH t AS (SELECT sum(cost) AS s FROM visits) SELECT a.s FROM t a, t b",
        """
        project s
          inner join
            project s
              project sum
                once
                  aggregate [] sum(cost)
                    project cost
                      union
                        visits of mercy: visit_id, patient_id, admitted, cost, ward
                        visits of grace: visit_id, patient_id, admitted, cost, ward
            project s
              project sum
                once
                  aggregate [] sum(cost)
                    project cost
                      union
                        visits of mercy: visit_id, patient_id, admitted, cost, ward
                        visits of grace: visit_id, patient_id, admitted, cost, ward
        """,
    ),
    (
        ("push_filters", "bound_residuals"),
        "SELECT born FROM patients p WHERE EXISTS "
        "(SELECT 1 FROM labs l WHERE l.patient_id = p.patient_id AND l.value < p.born)",
        """
        project born
          project patient_id, born, sex, name
            filter (min < born)
              inner join (patient_id = patient_id)
                patients of registry: patient_id, born, sex, name
                aggregate [patient_id] min(x9)
                  project patient_id, value
                    project patient_id, value
                      labs of mercy: lab_id, patient_id, value
        """,
    ),
    (
        ("lift_quotients", "push_filters"),
        "SELECT born FROM patients p, (SELECT avg(value) AS mean FROM labs) l WHERE born > mean",
        """
        project born
          project patient_id, born, sex, name, (sum / count)
            inner join (born > (sum / count))
              patients of registry: patient_id, born, sex, name
              project sum, count
                aggregate [] sum(value), count(value)
                  project value
                    labs of mercy: lab_id, patient_id, value
        """,
    ),
    (
        ("push_filters", "prune_columns", "merge_projects", "drop_dependent_keys"),
        "SELECT p.name, l.patient_id, sum(value) FROM labs l JOIN patients p "
        "ON l.patient_id = p.patient_id GROUP BY name, l.patient_id, born",
        """
        project name, patient_id, sum
          project name, patient_id, born, sum
            aggregate [patient_id] sum(value), constant(name), constant(born)
              project name, patient_id, born, value
                inner join (patient_id = patient_id)
                  labs of mercy: patient_id, value
                  patients of registry: patient_id, born, name
        """,
    ),
    (
        ("push_filters", "prune_columns", "drop_dependent_keys"),
        "SELECT DISTINCT lab_id, name FROM labs l JOIN patients p "
        "ON l.patient_id = p.patient_id ORDER BY lab_id, name",
        """
        sort lab_id limit None
          project lab_id, name
            project lab_id, name
              inner join (patient_id = patient_id)
                labs of mercy: lab_id, patient_id
                patients of registry: patient_id, name
        """,
    ),
    (
        ("merge_projects", "inline_once", "prune_columns"),
        "SELECT ward, sum(cost) FROM visits GROUP BY ROLLUP (ward)",
        """
        project ward, sum
          union
            project ward, sum
              aggregate [ward] sum(cost)
                union
                  project ward, cost
                    visits of mercy: cost, ward
                  project ward, cost
                    visits of grace: cost, ward
            project NULL, sum
              aggregate [] sum(cost)
                union
                  project cost
                    visits of mercy: cost
                  project cost
                    visits of grace: cost
        """,
    ),
    (
        ("push_filters", "prune_columns"),
        "SELECT lab_id FROM (SELECT l.*, p.sex, rank() OVER (PARTITION BY p.sex ORDER BY value) "
        "AS r, sum(value) OVER (PARTITION BY p.sex) AS s FROM labs l JOIN patients p ON "
        "l.patient_id = p.patient_id) t WHERE r < 3 AND sex = 'F' AND lab_id > 7",
        """
        project lab_id
          project lab_id
            project lab_id
              filter ((rank < 3) and (lab_id > 7))
                window [sex] [value] rank
                  inner join (patient_id = patient_id)
                    labs of mercy: lab_id, patient_id, value
                    filter (sex = 'F')
                      patients of registry: patient_id, sex
        """,
    ),
    (
        ("sink_expressions", "prune_columns"),
        "SELECT upper(t.name) FROM (SELECT p.name, rank() OVER (ORDER BY value) AS r FROM labs l "
        "JOIN patients p ON l.patient_id = p.patient_id) t WHERE t.r = 1",
        """
        project x13
          filter (r = 1)
            project name, r, x13
              project name, rank, x13
                window [] [value] rank
                  inner join (patient_id = patient_id)
                    labs of mercy: patient_id, value
                    project patient_id, name, upper(name)
                      patients of registry: patient_id, name
        """,
    ),
    (
        ("push_filters", "merge_projects", "inline_once"),
        "SELECT count(*) FROM labs l JOIN patients p ON l.patient_id = p.patient_id "
        "GROUP BY GROUPING SETS ((sex), (born))",
        """
        project count_star
          union
            project sex, NULL, count_star
              aggregate [sex] count_star()
                once
                  project sex, born
                    inner join (patient_id = patient_id)
                      labs of mercy: lab_id, patient_id, value
                      patients of registry: patient_id, born, sex, name
            project NULL, born, count_star
              aggregate [born] count_star()
                once
                  project sex, born
                    inner join (patient_id = patient_id)
                      labs of mercy: lab_id, patient_id, value
                      patients of registry: patient_id, born, sex, name
        """,
    ),
    (
        ("push_filters", "merge_projects", "expand_statistics", "aggregate_parts"),
        "SELECT var_samp(cost) FROM visits",
        """
        project var_samp
          project ratio(((count * sum) - (sum * sum)), (count * (count - 1)), 100200100)
            aggregate [] count(cost), sum(cost), sum(x21)
              union
                project cost, (cost * cost)
                  project cost
                    visits of mercy: visit_id, patient_id, admitted, cost, ward
                project cost, (cost * cost)
                  project cost
                    visits of grace: visit_id, patient_id, admitted, cost, ward
        """,
    ),
    (
        ("expand_statistics",),
        "SELECT var_samp(value) FROM labs",
        """
        project var_samp
          aggregate [] var_samp(value)
            project value
              labs of mercy: lab_id, patient_id, value
        """,
    ),
    (
        ("push_filters", "merge_projects", "prune_columns", "group_finer_first"),
        "SELECT sex, count(*), max(value) FROM labs l JOIN patients p "
        "ON l.patient_id = p.patient_id GROUP BY ROLLUP (sex)",
        """
        project sex, count_star, max
          union
            project sex, count_star, max
              once
                aggregate [sex] count_star(), max(value)
                  once
                    project sex, value
                      inner join (patient_id = patient_id)
                        labs of mercy: patient_id, value
                        patients of registry: patient_id, sex
            project NULL, coalesce(count_star, 0), max
              aggregate [] sum(count_star), max(max)
                once
                  aggregate [sex] count_star(), max(value)
                    once
                      project sex, value
                        inner join (patient_id = patient_id)
                          labs of mercy: patient_id, value
                          patients of registry: patient_id, sex
        """,
    ),
    (
        ("merge_projects", "prune_columns", "hash_strings"),
        "SELECT drug, count(*) FROM orders GROUP BY drug",
        """
        project drug, count_star
          project drug, count_star, hash of drug
            aggregate [hash of drug] count_star(), constant()
              union
                project drug, keyed_hash(drug)
                  project drug
                    orders of mercy: drug
                project drug, keyed_hash(drug)
                  project drug
                    orders of grace: drug
        """,
    ),
    (
        ("push_filters", "prune_columns", "hash_strings"),
        "SELECT price FROM drugs WHERE drug IN (SELECT drug FROM orders)",
        """
        project price
          semi join (hash of drug = hash of drug)
            project drug, price, keyed_hash(drug)
              drugs of registry: drug, price
            project drug, hash of drug
              project drug, hash of drug
                union
                  project drug, keyed_hash(drug)
                    orders of mercy: drug
                  project drug, keyed_hash(drug)
                    orders of grace: drug
        """,
    ),
    (
        ("push_filters", "hash_strings"),
        "SELECT amount FROM orders o JOIN drugs d ON o.drug = d.drug WHERE o.drug < d.maker",
        """
        project amount
          inner join (drug < maker) and (hash of drug = hash of drug)
            union
              project drug, amount, keyed_hash(drug)
                orders of mercy: drug, amount
              project drug, amount, keyed_hash(drug)
                orders of grace: drug, amount
            project drug, maker, price, keyed_hash(drug)
              drugs of registry: drug, maker, price
        """,
    ),
    (
        ("hash_strings",),
        "SELECT drug, count(*) FROM orders GROUP BY drug ORDER BY drug",
        """
        sort drug limit None
          project drug, count_star
            aggregate [drug] count_star()
              project drug
                union
                  orders of mercy: drug, amount
                  orders of grace: drug, amount
        """,
    ),
    (
        ("hash_strings",),
        "SELECT count(DISTINCT drug), min(drug) FROM orders",
        """
        project count, min
          aggregate [] count_distinct(hash of drug), min()
            project drug, hash of drug
              union
                project drug, amount, keyed_hash(drug)
                  orders of mercy: drug, amount
                project drug, amount, keyed_hash(drug)
                  orders of grace: drug, amount
        """,
    ),
]


@pytest.mark.parametrize(("rules", "sql", "expected"), CASES)
def test_rule(hospital: Any, rules: tuple[str, ...], sql: str, expected: str) -> None:
    assert after(hospital, sql, *rules) == textwrap.dedent(expected).strip()


def test_every_rule_has_a_case() -> None:
    covered = {name for rules, _, _ in CASES for name in rules}
    assert covered == {rule.__name__ for rule in RULES}
