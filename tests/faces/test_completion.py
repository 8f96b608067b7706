"""Completion is a pure function of the text, the cursor and the catalog."""

import pytest
from tacit.executor.client.completion import completions
from tacit.query.catalog import Catalog, ColumnDefinition, Table
from tacit.query.datatypes import BIGINT


def _table(name: str, columns: str, owners: str) -> Table:
    return Table(
        name=name,
        columns=tuple(
            ColumnDefinition(name=column, type=BIGINT, nullable=True, encoding=None)
            for column in columns.split()
        ),
        owners=tuple(owners.split()),
        rows=10,
    )


CATALOG = Catalog(
    tables={
        table.name: table
        for table in (
            _table("visits", "patient_id cost admitted", "mercy grace"),
            _table("patients", "patient_id birth_year sex", "registry"),
            _table("icd10", "code title", ""),
        )
    }
)


def offers(text: str, kind: str | None = None) -> list[str]:
    """What is offered where `|` stands."""
    cursor = text.index("|")
    found = completions(text.replace("|", ""), cursor, CATALOG)
    return [offer.text for offer in found if kind in (None, offer.kind)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM |",
        "select * from visits v, |",
        "SELECT * FROM visits JOIN |",
        "SELECT * FROM visits v JOIN icd10 i ON v.cost = i.code, |",
        "SELECT 1 FROM visits WHERE EXISTS (SELECT 1 FROM |)",
    ],
)
def test_tables_stand_after_from_and_join(text):
    assert offers(text, "table") == ["icd10", "patients", "visits"]
    assert offers(text, "column") == []


def test_a_prefix_narrows_and_is_replaced():
    (offer,) = completions("SELECT * FROM vi", 16, CATALOG)
    assert (offer.text, offer.replaces, offer.kind) == ("visits", 2, "table")


def test_columns_of_an_alias_stand_after_its_dot():
    assert offers("SELECT v.| FROM visits v") == ["patient_id", "cost", "admitted"]
    assert offers("SELECT v.co| FROM visits AS v") == ["cost"]
    assert offers("SELECT patients.| FROM patients") == ["patient_id", "birth_year", "sex"]


def test_parts_of_an_owner_stand_after_its_dot():
    assert offers("SELECT * FROM mercy.|") == ["visits"]


def test_elsewhere_come_columns_in_sight_then_aliases_functions_and_keywords():
    found = offers("SELECT c| FROM visits c")
    assert found[:2] == ["cost", "c"]
    assert "count" in found
    assert "case" in found
    assert "code" not in found


def test_all_columns_are_in_sight_before_there_is_a_from():
    assert {"cost", "sex", "code"} <= set(offers("SELECT |", "column"))


def test_an_inner_query_sees_outer_tables_but_not_the_other_way_round():
    inner = "SELECT 1 FROM patients p WHERE EXISTS (SELECT 1 FROM visits WHERE |)"
    outer = "SELECT 1 FROM patients p WHERE | AND EXISTS (SELECT 1 FROM visits)"
    assert {"cost", "sex"} <= set(offers(inner, "column"))
    assert "cost" not in offers(outer, "column")


def test_keywords_follow_the_case_of_what_was_typed():
    assert "GROUP BY" in offers("SELECT 1 FROM visits GR|")
    assert "group by" in offers("SELECT 1 FROM visits gr|")


def test_tables_of_with_are_offered():
    assert "recent" in offers("WITH recent AS (SELECT 1 FROM visits) SELECT * FROM |", "table")


def test_parties_stand_after_reveal_to():
    text = "SELECT 1 FROM visits REVEAL TO |"
    assert offers(text) == ["grace", "mercy", "registry", "ALL"]
    assert offers("SELECT 1 FROM visits REVEAL TO mercy, g|") == ["grace"]


def test_extract_from_wants_a_column():
    assert "admitted" in offers("SELECT EXTRACT(year FROM |) FROM visits", "column")


@pytest.mark.parametrize(
    "text", ["SELECT 'fro|m' FROM visits", "SELECT 1 -- fro|m here\n", "/*se|*/"]
)
def test_nothing_is_offered_inside_strings_and_comments(text):
    assert offers(text) == []


def test_other_statements_do_not_count():
    text = "SELECT * FROM visits; SELECT | FROM patients; SELECT * FROM icd10"
    assert offers(text, "column") == ["patient_id", "birth_year", "sex"]


@pytest.mark.parametrize("text", ["|", "(|", ")|", "SELECT ((|", '"|', "'|", ".|", ";|", "a.b.|"])
def test_any_text_at_all_is_answered(text):
    offers(text)
