"""Commands and the Python interface on real nodes: processes of their own, over TLS."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import tacit
from pyarrow import parquet
from tacit.cli import main

COUNTS = "SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward ORDER BY ward"
JOINED = (
    "SELECT p.sex, COUNT(*) AS n, SUM(v.cost) AS cost FROM visits v"
    " JOIN patients p ON v.patient_id = p.patient_id GROUP BY p.sex ORDER BY p.sex"
)


def run(running, *arguments):
    return main(["run", "--federation", str(running), "--party", "mercy", *map(str, arguments)])


def test_a_query_prints_a_table(running, capfd):
    assert run(running, "-c", JOINED) == 0
    assert capfd.readouterr().out.splitlines() == [
        "sex | n | cost",
        "----+---+-------",
        "F   | 3 | 360.50",
        "M   | 1 |   NULL",
    ]


def test_statements_of_a_file_run_one_after_the_other(running, capfd, tmp_path):
    path = tmp_path / "queries.sql"
    path.write_text(f"-- two questions\n{COUNTS};\n\n{JOINED};\n")
    assert run(running, path, "--format", "csv", "--timing") == 0
    captured = capfd.readouterr()
    assert captured.out == (
        '"ward","n"\n"eye",3\n"heart",2\n\n"sex","n","cost"\n"F",3,360.50\n"M",1,\n'
    )
    assert captured.err.count("rounds") == 2


def test_the_first_error_stops_with_its_place(running, capfd, tmp_path):
    path = tmp_path / "queries.sql"
    path.write_text(f"{COUNTS};\nSELECT wart\nFROM visits;\n{JOINED};\n")
    assert run(running, path) == 1
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "(line 2, column 8)" in captured.err
    assert "statement 2 of 3 (line 2); nothing has run" in captured.err
    assert "ward" in captured.err


def test_json_and_parquet_files(running, tmp_path):
    assert run(running, "-c", COUNTS, "--format", "json", "--output", tmp_path / "a.json") == 0
    assert json.loads((tmp_path / "a.json").read_text()) == [
        {"ward": "eye", "n": 3},
        {"ward": "heart", "n": 2},
    ]
    output = tmp_path / "a.parquet"
    assert run(running, "-c", COUNTS, "--format", "parquet", "--output", output) == 0
    assert parquet.read_table(output).to_pydict() == {"ward": ["eye", "heart"], "n": [3, 2]}


def test_the_suffix_of_the_output_says_its_form(running, tmp_path):
    assert run(running, "-c", COUNTS, "--output", tmp_path / "a.json") == 0
    assert json.loads((tmp_path / "a.json").read_text())[0] == {"ward": "eye", "n": 3}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-c", "SELECT 1; SELECT 2", "--output", "a.parquet"], "there are 2 queries"),
        (["-c", "SELECT 1", "--output", "none/a.csv"], "there is no directory none"),
        (["-c", "SELECT 1", "--output", "/"], "it is a directory"),
    ],
)
def test_an_answer_that_can_go_nowhere_is_told_before_it_is_asked_for(
    running, capfd, arguments, words
):
    assert run(running, *arguments) == 1
    assert words in capfd.readouterr().err


def test_a_full_disk_ends_with_1(running, capfd):
    assert run(running, "-c", COUNTS, "--output", "/dev/full") == 1
    assert "cannot write the answer to /dev/full: No space left" in capfd.readouterr().err


def test_a_full_standard_output_ends_with_1(running):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(running, "-c", COUNTS), check=False, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"tacit: cannot write the answer to the standard output: No spa")
    assert done.stderr.count(b"\n") == 1


def test_an_answer_for_others_prints_nothing_here(running, capfd):
    assert run(running, "-c", f"{COUNTS} REVEAL TO grace") == 0
    captured = capfd.readouterr()
    assert captured.out == ""
    session = re.fullmatch(r"The answer went to grace, as the result (\w{8})\.\n", captured.err)[1]
    door = ("--federation", str(running), "--party", "grace")
    assert main(["results", *door]) == 0
    listed = capfd.readouterr().out
    assert f"{session}  " in listed
    assert "asked by mercy  2 rows" in listed
    assert main(["results", session, *door, "--format", "csv"]) == 0
    assert capfd.readouterr().out == '"ward","n"\n"eye",3\n"heart",2\n'
    assert main(["results", "ffff", *door]) == 1
    assert "grace holds no result of session ffff" in capfd.readouterr().err


def test_what_is_not_supported_is_refused_by_name(running, capfd):
    assert run(running, "-c", "SELECT 1 WITH PRIVACY (epsilon = 1)") == 1
    complaint = capfd.readouterr().err
    assert "^" in complaint
    assert "hint" in complaint


def test_ctrl_c_cancels_at_every_node_and_the_next_query_runs(running, endless, capfd):
    process = subprocess.Popen(command(running, "-c", endless), stderr=subprocess.PIPE)
    time.sleep(3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert process.wait(20) == 130
    assert time.monotonic() - started < 10
    assert b"tacit: cancelled" in process.communicate()[1]
    assert run(running, "-c", COUNTS) == 0


def test_up_runs_until_it_is_told_to_stop(example):
    process = subprocess.Popen(
        [sys.executable, "-m", "tacit.cli", "up", str(example)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "running: grace, mercy, registry\n"
        words = process.stdout.readline().split()
        directory = Path(words[words.index("--federation") + 1])
        with tacit.connect(directory, "grace") as federation:
            assert federation.query(COUNTS).to_arrow()["n"].to_pylist() == [3, 2]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stdout.close()
    assert not directory.exists()


def test_up_makes_addresses_where_a_federation_file_names_the_protocol_alone():
    millionaires = Path(__file__).parents[2] / "examples" / "millionaires"
    process = subprocess.Popen(
        [sys.executable, "-m", "tacit.cli", "up", str(millionaires)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "running: ann, bea\n"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stdout.close()


def test_a_dead_party_ends_with_3(example, capfd):
    process = subprocess.Popen(
        [sys.executable, "-m", "tacit.cli", "up", str(example)], stdout=subprocess.PIPE, text=True
    )
    try:
        process.stdout.readline()
        words = process.stdout.readline().split()
        directory = Path(words[words.index("--federation") + 1])
        os.kill(node_of("registry", process.pid), signal.SIGKILL)
        codes = {
            main(["run", "--federation", str(directory), "--party", name, "-c", COUNTS])
            for name in ("grace", "mercy")
        }
        assert codes == {3}
        assert "registry" in capfd.readouterr().err
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stdout.close()


def test_frames_and_files_in_python(tmp_path):
    patients = tmp_path / "patients.csv"
    patients.write_text("patient_id,sex\n1,F\n2,M\n3,F\n")
    visits = pd.DataFrame({"patient_id": [1, 1, 2, 7], "cost": [10, 20, 30, 40]})
    with tacit.local(
        {"mercy": {"visits": visits}, "registry": {"patients": patients}},
        catalog="""
            CREATE TABLE visits (patient_id BIGINT CHECK (patient_id BETWEEN 1 AND 99),
                cost BIGINT CHECK (cost BETWEEN 0 AND 1000)) OWNED BY mercy ROWS 10;
            CREATE TABLE patients (
                patient_id BIGINT CHECK (patient_id BETWEEN 1 AND 99) PRIMARY KEY,
                sex VARCHAR(1) CHECK (sex IN ('F', 'M'))) OWNED BY registry ROWS 10;
        """,
    ) as federation:
        answer = federation.query(
            "SELECT p.sex, SUM(v.cost) AS cost FROM visits v, patients p"
            " WHERE v.patient_id = p.patient_id GROUP BY p.sex ORDER BY 1"
        )
        frame = answer.to_pandas()
        assert frame["sex"].tolist() == ["F", "M"]
        assert [int(cost) for cost in frame["cost"]] == [30, 30]
        assert set(federation.parties) == {"mercy", "registry", "helper"}
        assert answer.rounds == answer.predicted.total.rounds or answer.predicted.total.expected
        elsewhere = federation.query("SELECT COUNT(*) AS n FROM visits REVEAL TO registry")
        (received,) = federation.results("registry")
        assert (received.session, received.asker) == (elsewhere.session, "mercy")
        fetched = federation.result(received.session, as_party="registry")
        assert [int(count) for count in fetched["n"].to_pylist()] == [4]
        assert elsewhere.recipients == ("registry",)
        with pytest.raises(tacit.UserError, match="the answer went to registry"):
            elsewhere.to_arrow()
        with pytest.raises(tacit.UserError, match="there is no party 'mars'"):
            federation.query("SELECT 1", as_party="mars")
    with pytest.raises(tacit.UserError, match="is closed"):
        federation.query("SELECT COUNT(*) FROM visits")


def test_a_catalog_is_proposed_from_the_parts_of_a_table_in_text_files(example):
    files = {party: {"visits": example / party / "visits.csv"} for party in ("mercy", "grace")}
    with tacit.local(files) as federation:
        assert "OWNED BY mercy, grace ROWS 3;" in federation.catalog_sql
        answer = federation.query("SELECT COUNT(*) AS n FROM visits").to_arrow()
        assert int(answer["n"][0].as_py()) == 5


def test_a_catalog_is_proposed_from_the_data():
    mercy = pa.table({"cost": [10, 20]})
    grace = pd.DataFrame({"cost": [500, 1000, 2000]})
    with tacit.local({"mercy": {"visits": mercy}, "grace": {"visits": grace}}) as federation:
        assert "OWNED BY mercy, grace ROWS 3;" in federation.catalog_sql
        answer = federation.query("SELECT SUM(cost) AS cost FROM visits").to_arrow()
        assert int(answer["cost"][0].as_py()) == 3530


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({}, "at least one table"),
        ({"mercy": {"visits": 3}}, "table visits of mercy is a int"),
        ({"mercy": {"visits": "no/such/file.csv"}}, "there is no file"),
        ({"Mercy!": {"visits": pa.table({"a": [1]})}}, "is no name for a party"),
        ({"mercy": {"select *": pa.table({"a": [1]})}}, "is no name for a table"),
    ],
)
def test_tables_that_do_not_fit_are_refused(tables, words):
    with pytest.raises(tacit.UserError, match=words):
        tacit.local(tables)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_behind_by_a_signal(example, tmp_path, number):
    inherited = signal.signal(number, signal.SIG_DFL)  # what nohup ignores is ignored by children
    process = subprocess.Popen(
        [sys.executable, "-m", "tacit.cli", "up", str(example)],
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    signal.signal(number, inherited)
    with process:
        process.stdout.readline()
        assert list(tmp_path.iterdir()) != []
        process.send_signal(number)
        assert process.wait(20) == 0
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_behind_by_a_program_that_closes_nothing(tmp_path):
    program = (
        "import tacit, pyarrow as pa\n"
        "federation = tacit.local({'mercy': {'visits': pa.table({'cost': [1, 2]})}})\n"
        "print(federation.query('SELECT SUM(cost) AS cost FROM visits').to_arrow()['cost'])\n"
        "raise ValueError\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 1
    assert b"3" in done.stdout
    assert list(tmp_path.iterdir()) == []


def command(running, *arguments):
    return [
        *(sys.executable, "-m", "tacit.cli", "run"),
        *("--federation", str(running), "--party", "mercy", *arguments),
    ]


def node_of(party, parent):
    """The process id of the node that `parent` runs for a party."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in listed}
    return next(pid for pid, words in commands.items() if party in words)
