"""The examples on secret splitting: real processes, and the answers that plain arithmetic gives."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from tacit.executor.client.embedded import Answer, open_local
from tacit.query import parse

EXAMPLES = Path(__file__).parents[2] / "examples"


def statements(path: Path) -> Iterable[str]:
    return [statement.text for statement in parse(path.read_text(encoding="utf-8"))]


def rows(example: str, party: str, name: str) -> list[dict[str, str]]:
    with (EXAMPLES / example / party / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def answered(answer: Answer) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in answer.to_arrow().to_pylist()]


def test_two_millionaires_learn_who_is_richer_and_nothing_else() -> None:
    (sql,) = statements(EXAMPLES / "millionaires" / "who_is_richer.sql")
    ann, bea = (int(rows("millionaires", p, "fortune.csv")[0]["wealth"]) for p in ("ann", "bea"))
    with open_local(EXAMPLES / "millionaires") as federation:
        assert federation.parties == ("ann", "bea")
        result = federation.query(sql)
        assert answered(result) == [(ann > bea,)]
        (delivered,) = federation.results("bea")
        assert federation.result(delivered.session, as_party="bea") == result.to_arrow()


@pytest.mark.parametrize("number", [0, 1])
def test_four_banks_add_up_what_nobody_shows(number: int) -> None:
    loans = [
        (row["sector"], Decimal(row["loss"]))
        for bank in ("north", "south", "east", "west")
        for row in rows("banks", bank, "bad_loans.csv")
    ]
    sql = list(statements(EXAMPLES / "banks" / "losses.sql"))[number]
    with open_local(EXAMPLES / "banks") as federation:
        result = federation.query(sql, as_party="west")
    if number == 0:
        ((total, mean, count),) = answered(result)
        assert (total, count) == (sum(loss for _, loss in loans), len(loans))
        assert mean == pytest.approx(float(total) / count, rel=1e-9)
        return
    for sector, total, mean in answered(result):
        own = [loss for name, loss in loans if name == sector]
        assert total == sum(own)
        assert mean == pytest.approx(float(total) / len(own), rel=1e-9)
    assert [sector for sector, _, _ in answered(result)] == sorted({name for name, _ in loans})
