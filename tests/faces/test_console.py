"""The console takes lines and writes answers; it needs neither a terminal nor a federation."""

import io
import signal
import threading
import time
from types import SimpleNamespace

import pyarrow as pa
import pytest
from tacit.executor.client.console import Console
from tacit.executor.client.meta_commands import COMMANDS
from tacit.executor.client.watching import ProgressLine, ask, progress_text, statistics_text
from tacit.executor.party.results import Received
from tacit.query import load_catalog
from tacit.query.errors import CancelledError, PeerLostError, PolicyError, SqlError

CATALOG = """
CREATE TABLE visits (
    patient_id BIGINT CHECK (patient_id BETWEEN 1 AND 999) REFERENCES patients,
    cost DECIMAL(9,2) NOT NULL CHECK (cost BETWEEN 0 AND 1000)
) OWNED BY mercy, grace ROWS 2000;
CREATE TABLE patients (
    patient_id BIGINT CHECK (patient_id BETWEEN 1 AND 999) PRIMARY KEY,
    sex VARCHAR(1) CHECK (sex IN ('F', 'M'))
) OWNED BY registry ROWS 100;
"""


def result(table, recipients=("mercy",)):
    return SimpleNamespace(
        table=table,
        recipients=recipients,
        rounds=12,
        sent_bytes=(1000, 2000, 500),
        seconds=0.25,
        session_id="0123456789abcdef" * 2,
        message="",
    )


def delivered(session):
    return Received(
        session=session,
        asker="grace",
        statement="SELECT 7 AS n\nREVEAL TO mercy",
        at="2026-01-02 03:04:05+00:00",
        rows=1,
    )


class FakeClient:
    """Answers every question with the question itself."""

    party = "mercy"

    def __init__(self):
        self.asked = []
        self.received = []
        self.cancelled = threading.Event()

    def query(self, sql, *, progress=None):
        self.asked.append(sql)
        if "hidden" in sql:
            return result(None, ("grace", "registry"))
        if "forbidden" in sql:
            raise PolicyError("the policy of grace does not allow queries on table visits")
        if "endless" in sql:
            try:
                time.sleep(20)
            except KeyboardInterrupt:
                self.cancelled.set()
                raise
        name = "explain" if sql.startswith("EXPLAIN") else "n"
        return result(pa.table({name: pa.array([sql, "line 2"] if name == "explain" else [7])}))

    def check(self, sql):
        pass

    def results(self):
        return tuple(self.received)

    def result(self, session_id):
        return pa.table({"n": [7]})

    def catalog(self):
        return load_catalog(CATALOG, parties=("mercy", "grace", "registry"))


@pytest.fixture
def client():
    return FakeClient()


@pytest.fixture
def console(client):
    out = io.StringIO()
    return Console(client, out=out, progress=ProgressLine(out, live=False))


def written(console, line):
    """What the console writes in reply to a line."""
    out = console._out
    out.seek(0)
    out.truncate()
    console.execute(line)
    return out.getvalue()


def test_an_answer_is_a_table_and_its_size(console):
    assert written(console, "SELECT 7 AS n;") == "n\n-\n7\n(1 row)\n"


def test_statements_run_one_after_the_other(console, client):
    written(console, "SELECT 1 AS a; SELECT 2 AS b;")
    assert [sql.rstrip(";").strip() for sql in client.asked] == ["SELECT 1 AS a", "SELECT 2 AS b"]


def test_an_error_is_shown_and_the_conversation_goes_on(console):
    assert written(console, "SELECT cost FROM forbidden;").startswith("error: the policy of grace")
    assert "(1 row)" in written(console, "SELECT 7 AS n;")


def test_a_syntax_error_marks_the_place(console, client):
    shown = written(console, "SELECT FROM FROM;")
    assert "^" in shown
    assert client.asked == []


def test_an_answer_for_others_says_who_received_it(console):
    shown = written(console, "SELECT 1 AS hidden REVEAL TO grace, registry;")
    assert shown == "The answer went to grace, registry, as the result 01234567.\n"


def test_results_of_others_are_listed_and_shown(console, client):
    assert written(console, r"\results") == (
        "mercy has received no results of other parties' queries.\n"
    )
    client.received = [delivered("0a" * 16), delivered("0b" * 16)]
    assert written(console, r"\results").splitlines()[:2] == [
        "0a0a0a0a  2026-01-02 03:04:05+00:00  asked by grace  1 row",
        "          SELECT 7 AS n REVEAL TO mercy",
    ]
    assert "7\n(1 row)" in written(console, r"\results 0a0a")
    assert written(console, r"\results 0") == "error: 0 begins 2 sessions; write more of it\n"
    assert "mercy holds no result of session ff" in written(console, r"\results ff")


def test_another_party_may_ask_where_all_are_one_persons(client):
    other = FakeClient()
    other.party = "grace"
    console = Console(
        client,
        out=io.StringIO(),
        progress=ProgressLine(io.StringIO()),
        open_client={"grace": other}.get,
    )
    assert written(console, r"\as grace") == "You ask as grace.\n"
    written(console, "SELECT 1 AS a;")
    assert (len(client.asked), len(other.asked)) == (0, 1)


def test_nobody_else_may_ask_at_one_partys_node(console):
    assert written(console, r"\as grace") == "error: only mercy can ask here\n"
    assert written(console, r"\as") == "You ask as mercy.\n"


def test_timing_can_be_turned_on_and_off(console):
    assert written(console, r"\timing") == "Timing is on.\n"
    assert "12 rounds, 3.5 kB sent by all parties together, 0.25 s" in written(
        console, "SELECT 7 AS n;"
    )
    assert written(console, r"\timing") == "Timing is off.\n"


def test_d_lists_tables_and_columns(console):
    assert written(console, r"\d").splitlines() == [
        "table     owned by      rows at most",
        "visits    mercy, grace  2,000",
        "patients  registry      100",
    ]
    shown = written(console, r"\d PATIENTS;")
    assert "primary key" in shown
    assert "'F', 'M'" in shown
    assert "1 to 999" in shown
    assert "0.00 to 1000.00" in written(console, r"\d visits")
    assert "references patients" in written(console, r"\d visits")


def test_d_suggests_a_name(console):
    assert "did you mean patients?" in written(console, r"\d patient")


@pytest.mark.parametrize(
    ("command", "how"), [(r"\explain", "EXPLAIN"), (r"\privacy", "EXPLAIN PRIVACY")]
)
def test_explain_takes_a_query_or_the_last_one(console, command, how):
    assert "there is no last query" in written(console, command)
    assert written(console, f"{command} SELECT 1 AS a;") == f"{how} SELECT 1 AS a\nline 2\n"
    written(console, "SELECT 2 AS b;")
    assert written(console, command) == f"{how} SELECT 2 AS b\nline 2\n"


def test_o_sends_answers_to_a_file_until_it_is_taken_back(console, tmp_path):
    path = tmp_path / "answers.csv"
    assert written(console, rf"\o {path}") == f"Answers go to {path}.\n"
    assert written(console, "SELECT 7 AS n;") == ""
    written(console, "SELECT 8 AS n;")
    assert path.read_text() == '"n"\n7\n\n"n"\n7\n'
    assert written(console, r"\o") == "Answers are shown here.\n"
    assert "(1 row)" in written(console, "SELECT 7 AS n;")


def test_o_complains_at_once_about_a_file_it_cannot_write(console, tmp_path):
    shown = written(console, rf"\o {tmp_path}/none/answers.csv")
    assert "No such file or directory" in shown
    assert "(1 row)" in written(console, "SELECT 7 AS n;")


def test_help_lists_every_command(console):
    shown = written(console, r"\?")
    assert all(command.name in shown and command.help in shown for command in COMMANDS.values())


def test_q_ends(console):
    written(console, r"\q")
    assert console.done


def test_an_unknown_command_points_to_the_list(console):
    assert written(console, r"\x") == "error: there is no command \\x; \\? lists them\n"


def test_ctrl_c_cancels_the_query_at_the_nodes(client):
    main = threading.main_thread().ident
    timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(CancelledError):
        ask(client, "SELECT endless")
    assert client.cancelled.is_set()
    timer.join()


def test_what_a_query_raises_reaches_the_one_who_asked(client):
    def lost(sql, progress=None):
        raise PeerLostError("grace left", party="grace", step="join")

    client.query = lost
    with pytest.raises(PeerLostError) as raised:
        ask(client, "SELECT 1")
    assert raised.value.party == "grace"


PROGRESS = SimpleNamespace(
    state="running",
    step="Join inner",
    step_number=3,
    steps=7,
    rounds=40,
    sent_bytes=1_500_000,
    predicted_rounds=200,
    predicted_bytes=9_000_000,
    seconds=1.5,
)


def test_progress_shows_stage_rounds_and_bytes_beside_the_prediction():
    assert progress_text(PROGRESS) == "[3/7] Join inner  40 of 200 rounds  1.5 MB of 9.0 MB  1.50 s"


def test_the_progress_line_is_redrawn_in_place_and_taken_away():
    out = io.StringIO()
    line = ProgressLine(out, live=True)
    line(PROGRESS)
    line(PROGRESS)  # too soon after the first
    assert out.getvalue().count("Join inner") == 1
    line.clear()
    assert out.getvalue().endswith("\r\x1b[K")


def test_there_is_no_progress_line_without_a_terminal():
    out = io.StringIO()
    line = ProgressLine(out)
    line(PROGRESS)
    line.clear()
    assert out.getvalue() == ""


def test_statistics_of_an_answer_elsewhere_have_no_rows():
    assert "row" not in statistics_text(result(None)).replace("rounds", "")


def test_errors_keep_their_place_in_a_file():
    from tacit.executor.client.copying import relocated
    from tacit.query.errors import Span

    text = "SELECT 1;\n\nSELECT x\nFROM t;\n"
    statement = "SELECT x\nFROM t"
    error = SqlError("there is no table t", text=statement, span=Span(14, 15))
    moved = relocated(error, statement, text.index(statement), text)
    assert "(line 4, column 6)" in str(moved)


def test_a_file_of_statements_runs(console, client, tmp_path):
    path = tmp_path / "script.sql"
    path.write_text("SELECT 1;\nSELECT 2;\n")
    written(console, rf"\i {path}")
    assert client.asked == ["SELECT 1", "SELECT 2"]
    path.write_text("SELECT 1;\nSELECT forbidden;\nSELECT 3;\n")
    told = written(console, rf"\i {path}")
    assert "does not allow queries" in told
    assert "statement 2 of 3 (line 2); statement 1 is done" in told
    assert r"\i needs the name of a file" in written(console, r"\i")
    assert "cannot read" in written(console, rf"\i {tmp_path / 'nothing'}")
