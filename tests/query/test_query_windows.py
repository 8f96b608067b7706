"""Window functions as they are bound: frames, types, nullability, and where they may not stand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tacit.query.bound import Frame, Select, Statement, Window
from tacit.query.errors import BindError

WHOLE = Frame(unit="rows", start=None, stop=None)


def only(query: Select) -> Window:
    (item,) = query.items
    assert isinstance(item, Window)
    return item


@pytest.mark.parametrize(
    ("over", "frame"),
    [
        ("()", WHOLE),
        ("(PARTITION BY kind)", WHOLE),
        ("(ORDER BY id)", Frame(unit="range", start=None, stop=0)),
        ("(ORDER BY 1)", Frame(unit="range", start=None, stop=0)),
        ("(ROWS UNBOUNDED PRECEDING)", Frame(unit="rows", start=None, stop=0)),
        ("(ROWS 2 PRECEDING)", Frame(unit="rows", start=-2, stop=0)),
        ("(ROWS CURRENT ROW)", Frame(unit="rows", start=0, stop=0)),
        (
            "(ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING EXCLUDE NO OTHERS)",
            Frame(unit="rows", start=-3, stop=-1),
        ),
        ("(ROWS BETWEEN 1 + 1 FOLLOWING AND 4 FOLLOWING)", Frame(unit="rows", start=2, stop=4)),
        (
            "(ORDER BY id RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
            Frame(unit="range", start=0, stop=None),
        ),
        ("(ORDER BY id RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)", WHOLE),
    ],
)
def test_frames(select: Callable[[str], Select], over: str, frame: Frame) -> None:
    assert only(select(f"SELECT sum(num) OVER {over} FROM things")).frame == frame


@pytest.mark.parametrize(
    ("call", "nullable"),
    [
        ("row_number() OVER (ORDER BY id)", False),
        ("count(num) OVER ()", False),
        ("sum(id) OVER (ORDER BY id)", False),
        ("sum(num) OVER (ORDER BY id)", True),
        ("sum(id) FILTER (WHERE num > 1) OVER ()", True),
        ("max(id) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)", True),
        ("first_value(id) OVER (ORDER BY id)", False),
        ("nth_value(id, 2) OVER (ORDER BY id)", True),
        ("lag(id) OVER (ORDER BY id)", True),
        ("lag(id, 1, 0) OVER (ORDER BY id)", False),
        ("lag(id, 1, num) OVER (ORDER BY id)", True),
    ],
)
def test_nullability(select: Callable[[str], Select], call: str, nullable: bool) -> None:
    """Only id and sometimes num: a frame without the row itself may be empty."""
    assert only(select(f"SELECT {call} FROM people_of_age")).nullable is nullable


@pytest.fixture
def select(select: Callable[[str], Select]) -> Callable[[str], Select]:
    """Reads `people_of_age` as people: id is never NULL there, num may be."""
    return lambda text: select(text.replace("people_of_age", "people"))


def test_lead_over_a_negative_number_of_rows_is_lag(select: Callable[[str], Select]) -> None:
    window = only(select("SELECT lead(num, -2) OVER (ORDER BY id) FROM things"))
    assert (window.function, window.number) == ("lag", 2)


def test_named_windows_are_read_where_they_are_used(select: Callable[[str], Select]) -> None:
    named = only(select("SELECT sum(num) OVER W FROM things WINDOW w AS (PARTITION BY kind)"))
    assert named == only(select("SELECT sum(num) OVER (PARTITION BY kind) FROM things"))


def test_a_window_may_extend_a_named_one(select: Callable[[str], Select]) -> None:
    written = "SELECT sum(num) OVER (PARTITION BY kind ORDER BY id ROWS 1 PRECEDING) FROM things"
    extending = (
        "SELECT sum(num) OVER (v ROWS 1 PRECEDING) FROM things "
        "WINDOW v AS (w ORDER BY id), w AS (PARTITION BY kind)"
    )
    assert only(select(extending)) == only(select(written))


def test_windows_over_groups_hold_aggregates(select: Callable[[str], Select]) -> None:
    query = select("SELECT kind, sum(sum(num)) OVER (ORDER BY kind) FROM things GROUP BY kind")
    assert query.grouped
    assert not select("SELECT sum(num) OVER () FROM things").grouped


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("SELECT 1 FROM things WHERE rank() OVER () = 1", "WHERE cannot hold", "rank() OVER ()"),
        ("SELECT kind FROM things GROUP BY kind, rank() OVER ()", "GROUP BY cannot hold", None),
        ("SELECT 1 FROM things HAVING count(*) OVER () > 1", "HAVING cannot hold", None),
        ("SELECT 1 FROM things t JOIN people p ON rank() OVER () = 1", "ON cannot hold", None),
        ("SELECT sum(count(*) OVER ()) FROM things", "cannot stand inside an aggregate", None),
        ("SELECT sum(rank() OVER ()) OVER () FROM things", "inside another one", "rank() OVER ()"),
        ("SELECT rank() OVER (ORDER BY rank() OVER ()) FROM things", "inside another one", None),
        ("SELECT num FROM things QUALIFY num > 1", "QUALIFY needs a window function", "num > 1"),
        ("SELECT sum(num) OVER w FROM things", "there is no window w", "sum(num) OVER w"),
        (
            "SELECT 1 FROM things WINDOW w AS (), W AS () QUALIFY rank() OVER w = 1",
            "the window W is defined twice",
            None,
        ),
        (
            "SELECT sum(num) OVER (w PARTITION BY id) FROM things WINDOW w AS (ORDER BY id)",
            "the extending window has PARTITION BY",
            "(w PARTITION BY id)",
        ),
        (
            "SELECT sum(num) OVER (w ORDER BY id) FROM things WINDOW w AS (ORDER BY id)",
            "the window that it extends has ORDER BY",
            None,
        ),
        (
            "SELECT sum(num) OVER (w ORDER BY id) FROM things WINDOW w AS (ROWS 1 PRECEDING)",
            "the window that it extends has a frame",
            None,
        ),
        ("SELECT sum(num) OVER w FROM things WINDOW w AS (v), v AS (w)", "extends itself", "(v)"),
        ("SELECT sum(num) OVER (nope) FROM things", "there is no window nope", "(nope)"),
        ("SELECT lag(num) FROM things", "lag is a window function and needs OVER", "lag(num)"),
        ("SELECT rank(num) OVER () FROM things", "rank takes 0 arguments, not 1", None),
        ("SELECT lag() OVER () FROM things", "lag takes 1 to 3 arguments, not 0", None),
        ("SELECT ntile(0) OVER () FROM things", "at least 1", "0"),
        ("SELECT rank() FILTER (WHERE ok) OVER () FROM things", "rank takes no FILTER", None),
        (
            "SELECT sum(num) OVER (ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM things",
            "a frame that begins at CURRENT ROW cannot end at PRECEDING",
            "ROWS BETWEEN CURRENT ROW AND 1 PRECEDING",
        ),
        ("SELECT sum(num) OVER (ROWS 1 FOLLOWING) FROM things", "begins at FOLLOWING", None),
        ("SELECT sum(num) OVER (ROWS UNBOUNDED FOLLOWING) FROM things", "beyond its part", None),
        ("SELECT sum(num) OVER (ROWS -1 PRECEDING) FROM things", "cannot be negative", None),
        (
            "SELECT kind, sum(num) OVER () FROM things GROUP BY kind",
            "num must stand in GROUP BY",
            "num",
        ),
    ],
)
def test_errors(
    bound: Callable[[str], Statement], text: str, message: str, marked: str | None
) -> None:
    with pytest.raises(BindError) as caught:
        bound(text)
    assert message in caught.value.message
    assert caught.value.span is not None
    if marked is not None:
        assert text[caught.value.span.start : caught.value.span.stop] == marked
