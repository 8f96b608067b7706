"""The audit log is a chain: what was written cannot be changed or taken out unnoticed."""

import json
from pathlib import Path

import pytest
from tacit.executor.party.audit import AuditLog, verify_log
from tacit.query.errors import ConfigurationError, SessionError


def write(path: Path, *events: str) -> None:
    log = AuditLog(path, "mercy")
    for event in events:
        log.record(event, session="00" * 16)
    log.close()


def test_a_log_verifies_over_several_lives_of_a_node(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, "proposed", "agreed")
    write(path, "started")
    found = verify_log(path)
    assert (found.lines, found.fault) == (3, None)
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == [
        "proposed",
        "agreed",
        "started",
    ]


def test_an_empty_log_verifies(tmp_path: Path) -> None:
    write(tmp_path / "audit.jsonl")
    assert verify_log(tmp_path / "audit.jsonl").fault is None


@pytest.mark.parametrize(
    "tamper",
    [
        lambda lines: [lines[0], lines[1].replace(b"agreed", b"denied"), lines[2]],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[2]],
        lambda lines: [lines[0], lines[2], lines[1]],
        lambda lines: [lines[0], b"", lines[1], lines[2]],
        lambda lines: [lines[0], b"[]", lines[2]],
    ],
)
def test_a_change_breaks_the_chain(tmp_path: Path, tamper: object) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, "proposed", "agreed", "started")
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join(tamper(lines)) + b"\n")  # type: ignore[operator]
    assert verify_log(path).fault is not None


def test_the_last_hash_gives_a_cut_off_end_away(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, "proposed", "agreed")
    before = verify_log(path).last
    path.write_bytes(path.read_bytes().splitlines()[0] + b"\n")
    assert verify_log(path).last != before


def test_a_line_that_a_crash_cut_short_is_kept_and_the_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, "proposed", "agreed")
    path.write_bytes(path.read_bytes()[:-20])
    write(path, "started")
    found = verify_log(path)
    assert (found.lines, found.fault) == (4, None)


def test_long_lines_are_chained_too(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        log = AuditLog(path, "mercy")
        log.record("proposed", statement="x" * 200_000)
        log.close()
    assert verify_log(path).fault is None


def test_two_nodes_of_a_party_cannot_run_at_once(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", "mercy")
    with pytest.raises(ConfigurationError, match="another node of mercy is running"):
        AuditLog(tmp_path / "audit.jsonl", "mercy")
    log.close()


def test_a_full_disk_refuses_the_session_and_leaves_the_chain_whole(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, "mercy")
    log.record("proposed")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, limits[1]))
    try:
        with pytest.raises(SessionError, match="mercy cannot write its audit log"):
            log.record("agreed")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.record("agreed")
    log.close()
    assert (verify_log(path).lines, verify_log(path).fault) == (2, None)


def test_a_missing_log_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        verify_log(tmp_path / "audit.jsonl")
