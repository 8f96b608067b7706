"""`tacit measure` gives figures that a federation can plan with."""

from __future__ import annotations

import tomllib

from tacit.cli import main
from tacit.executor.client import measuring
from tacit.executor.client.local import LocalFederation, create_local
from tacit.executor.party.networks import find_network


def test_the_network_between_running_nodes_is_measured(tmp_path, example, capsys, monkeypatch):
    monkeypatch.setattr(measuring, "_ROWS", 256)
    monkeypatch.setattr(measuring, "_COMPUTATIONS", 1)
    directory = create_local(example, target=tmp_path / "federation")
    figures = tmp_path / "network.toml"
    with LocalFederation.start(directory) as nodes:
        asked = ["measure", "--federation", str(directory), "--party", nodes.parties[0]]
        assert main(asked) == 0
        printed = tomllib.loads(capsys.readouterr().out)["network"]
        assert main([*asked, "--output", str(figures)]) == 0
    assert 0 < printed["round_trip_ms"] < 1000
    assert printed["megabits_per_second"] > 1
    link = find_network(str(figures), "replicated")
    assert link.name == "measured"
    assert link.rates is not None
    assert link.round_worth(1) >= 1
