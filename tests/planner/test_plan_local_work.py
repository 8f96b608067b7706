"""What a whole query takes beside its computation: the session, and what owners do alone."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from tacit.executor.operators.pricing import DryRunPricer
from tacit.planner.cost import LINKS, SESSION_TRIPS, Cost, Rates
from tacit.planner.local_work import local_cells
from tacit.planner.memory import every_operator
from tacit.planner.secure import Fragment

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "rates.py"


def test_cells_are_those_of_the_owner_that_has_most(hospital: Any) -> None:
    """mercy reads 60 labs of two columns and shares both; the others read 100 patients of one."""
    plan = hospital.plan(
        "SELECT sum(l.value) AS s FROM labs l JOIN patients p ON l.patient_id = p.patient_id"
    )
    fragments = [o for o in every_operator(plan.root) if isinstance(o, Fragment)]
    assert {(f.owner, f.scanned) for f in fragments} == {("mercy", 120), ("registry", 100)}
    assert local_cells(plan.root) == (120, 120)
    total = DryRunPricer(hospital.parties).plan_cost(plan).total
    assert (total.scanned_cells, total.entered_cells) == (120, 120)


def test_a_query_takes_its_session_and_its_owners_work_as_well() -> None:
    cost = Cost(rounds=10, sent_bytes=(10**6,) * 3, messages=(20,) * 3, gates=100)
    for name, link in LINKS.items():
        rates = link.running("replicated").rates
        assert rates is not None, name
        session = SESSION_TRIPS * link.round_trip_seconds + link.crowding * rates.session_seconds
        assert link.query_seconds(cost) == pytest.approx(link.seconds(cost) + session)
        alone = Cost(rounds=0, sent_bytes=(), messages=(), scanned_cells=10**6, entered_cells=10**5)
        owners = 1e6 * rates.scanned_cell_seconds + 1e5 * rates.entered_cell_seconds
        assert link.query_seconds(alone) == pytest.approx(session + link.crowding * owners)
        assert link.seconds(alone) == 0


def test_rates_are_found_again_from_what_they_predict() -> None:
    rates = Rates(
        message_seconds=3e-4,
        gate_seconds=5e-5,
        byte_seconds=6e-9,
        moved_byte_seconds=3e-8,
        waking_seconds=1e-4,
        session_seconds=0.04,
        scanned_cell_seconds=2e-8,
        entered_cell_seconds=0.0,
    )
    script = runpy.run_path(str(SCRIPT))
    link = script["dataclasses"].replace(LINKS["loopback"], rates=rates)
    figures = []
    for i in range(1, 30):
        cost = Cost(
            rounds=i * i % 97,
            sent_bytes=(10**5 * (i % 7), 10**5 * i, 3),
            messages=(7, 11 * i % 64, 5 * i % 23),
            gates=1000 * (i % 5),
            moved_bytes=10**5 * (i * i % 31),
            scanned_cells=10**5 * (i % 11),
            entered_cells=10**4 * (i % 13),
        )
        line = {
            "seconds": link.query_seconds(cost),
            "busy_seconds": link.busy_seconds(cost),
            "predicted": script["dataclasses"].asdict(cost),
        }
        figures.append(script["figures_of"](json.loads(json.dumps(line))))
    found = script["fitted"](figures, LINKS["loopback"].running("replicated"))
    assert found.crowding == pytest.approx(link.crowding)
    for field in script["dataclasses"].fields(Rates):
        expected = getattr(rates, field.name)
        assert getattr(found.rates, field.name) == pytest.approx(expected, rel=1e-3, abs=1e-12)
