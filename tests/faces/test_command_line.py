"""The command line says clearly what is wrong, and its exit code says whose fault it is."""

import json

import pytest
from tacit.cli import main
from tacit.executor.client.exits import exit_code
from tacit.executor.party.audit import AuditLog
from tacit.query import errors


def outcome(capsys, *arguments):
    """Exit code, standard output and standard error of one command."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as ended:
        code = ended.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["fly"], "invalid choice"),
        (["run"], "one of the arguments"),
        (["run", "-c", "SELECT 1"], "say which federation"),
        (["run", "-c", "SELECT 1", "--federation", "."], "needs --party"),
        (
            ["run", "-c", "SELECT 1", "--federation", ".", "--party", "a", "--network", "wan"],
            "--network goes with --local",
        ),
        (["run", "-c", "SELECT 1", "--federation", ".", "--local", "."], "not allowed with"),
        (["run", "-c", "SELECT 1", "--local", ".", "--format", "xml"], "invalid choice"),
    ],
)
def test_wrong_usage_ends_with_2(capsys, arguments, words):
    code, _, complaint = outcome(capsys, *arguments)
    assert code == 2
    assert words in complaint


def test_version(capsys):
    code, text, _ = outcome(capsys, "--version")
    assert code == 0
    assert text.startswith("tacit 0.")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file or directory"),
        (b"", "there is no statement to run"),
        (b"-- nothing\n;", "there is no statement to run"),
        (b"SELECT '\xff'", "is not UTF-8 text"),
        (b"SELECT 1;\nSELEC 2;", "(line 2, column"),
    ],
)
def test_a_file_that_cannot_run_ends_with_1(capsys, tmp_path, example, content, words):
    path = tmp_path / "query.sql"
    if content is not None:
        path.write_bytes(content)
    code, shown, complaint = outcome(capsys, "run", path, "--local", example)
    assert (code, shown) == (1, "")
    assert words in complaint
    assert complaint.startswith("tacit: ")
    assert "Traceback" not in complaint


def test_a_directory_that_is_no_federation_ends_with_1(capsys, tmp_path):
    code, _, complaint = outcome(capsys, "run", "-c", "SELECT 1", "--local", tmp_path)
    assert code == 1
    assert "holds no catalog.sql" in complaint
    code, _, complaint = outcome(capsys, "up", tmp_path)
    assert code == 1
    assert "holds neither federation.toml nor catalog.sql" in complaint


def test_debugging_shows_the_traceback(tmp_path, monkeypatch):
    monkeypatch.setenv("TACIT_DEBUG", "1")
    with pytest.raises(errors.ConfigurationError):
        main(["up", str(tmp_path)])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.BindError("x"), 1),
        (errors.DataError("x"), 1),
        (errors.PolicyError("x"), 1),
        (errors.PeerLostError("x"), 3),
        (errors.PlanMismatchError("x"), 3),
        (errors.InternalError("x"), 3),
        (errors.CancelledError("x"), 130),
    ],
)
def test_the_exit_code_says_whose_fault_it_is(error, code):
    assert exit_code(error) == code


def test_describe_proposes_a_table(capsys, example):
    code, text, _ = outcome(
        capsys, "describe", example / "registry" / "patients.csv", "--owner", "registry"
    )
    assert code == 0
    assert "CREATE TABLE patients (" in text
    assert "OWNED BY registry" in text


def test_describe_of_a_missing_file_ends_with_1(capsys, tmp_path):
    assert outcome(capsys, "describe", tmp_path / "none.csv")[0] == 1


def test_init_makes_a_party_once(capsys, tmp_path):
    code, text, _ = outcome(
        capsys, "init", tmp_path, "--party", "mercy", "--host", "mercy.example", "--port", "7011"
    )
    assert code == 0
    assert 'control = "mercy.example:7011"' in text
    assert 'data = "mercy.example:7012"' in text
    key = (tmp_path / "mercy" / "key.pem").read_bytes()
    assert (tmp_path / "mercy" / "key.pem").stat().st_mode & 0o777 == 0o600
    assert outcome(capsys, "init", tmp_path, "--party", "mercy")[0] == 1
    assert (tmp_path / "mercy" / "key.pem").read_bytes() == key


def test_three_parties_that_init_made_are_a_federation(capsys, tmp_path):
    from tacit.executor.party.federation import load_federation

    sections = []
    for number, party in enumerate(("mercy", "grace", "registry")):
        _, text, _ = outcome(
            capsys, "init", tmp_path, "--party", party, "--port", 7001 + 10 * number
        )
        sections.append(text[text.index("[[parties]]") :])
    (tmp_path / "federation.toml").write_text("\n".join(sections))
    assert load_federation(tmp_path).parties == ("mercy", "grace", "registry")


def test_init_local_writes_a_directory_to_fill_in(capsys, tmp_path):
    code, text, _ = outcome(capsys, "init", tmp_path / "try", "--local", "a, b,c")
    assert code == 0
    assert "tacit repl --local" in text
    assert (tmp_path / "try" / "catalog.sql").is_file()
    assert (tmp_path / "try" / "b" / "sources.sql").is_file()
    assert outcome(capsys, "init", tmp_path, "--local", "a,../b")[0] == 1
    code, _, complaint = outcome(capsys, "init", tmp_path / "many", "--local", "a,b,c,d")
    assert (code, "exactly 3 parties, not 4" in complaint) == (1, True)
    code, _, complaint = outcome(capsys, "init", tmp_path / "twice", "--local", "a,b,a")
    assert (code, "a is named twice" in complaint) == (1, True)
    assert not (tmp_path / "many").exists()


def test_init_local_fills_up_with_helpers(capsys, tmp_path):
    code, text, _ = outcome(capsys, "init", tmp_path / "two", "--local", "a,b")
    assert code == 0
    assert text.startswith("helper joins as a helper that owns no data.")
    assert (tmp_path / "two" / "helper" / "sources.sql").is_file()


@pytest.mark.parametrize("port", [0, 65535, 99999, -1])
def test_init_refuses_a_port_that_cannot_be(capsys, tmp_path, port):
    code, _, complaint = outcome(capsys, "init", tmp_path, "--party", "a", f"--port={port}")
    assert (code, f"port {port} cannot be used" in complaint) == (1, True)
    assert not (tmp_path / "a").exists()


def test_a_wrong_catalog_is_told_whole(capsys, tmp_path):
    assert outcome(capsys, "init", tmp_path / "x", "--local", "a,b")[0] == 0
    (tmp_path / "x" / "catalog.sql").write_text("CREATE TABL t (x INT) OWNED BY a ROWS 1;")
    code, _, complaint = outcome(capsys, "run", "--local", tmp_path / "x", "-c", "SELECT 1")
    assert code == 1
    assert "the node of a did not start: " in complaint
    assert "line 1: CREATE TABL t" in complaint


def test_audit_verifies_and_shows_a_log(capsys, tmp_path):
    log = AuditLog(tmp_path / "audit.jsonl", "mercy")
    log.record("proposed", session="5e55", asker="grace")
    log.record("finished", session="5e55", rounds=12)
    log.close()
    code, text, _ = outcome(capsys, "audit", "verify", tmp_path)
    assert code == 0
    assert text.startswith("2 lines, unbroken")
    code, text, _ = outcome(capsys, "audit", "show", tmp_path / "audit.jsonl")
    assert code == 0
    assert 'proposed      session="5e55"  asker="grace"' in text
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    first = json.loads(lines[0]) | {"asker": "nobody"}
    (tmp_path / "audit.jsonl").write_text("\n".join([json.dumps(first), lines[1], ""]))
    code, _, complaint = outcome(capsys, "audit", "verify", tmp_path)
    assert code == 1
    assert "the log is broken: line 2" in complaint


def test_init_local_of_two_who_trust_nobody_runs(capsys, tmp_path):
    code, text, _ = outcome(
        capsys, "init", tmp_path / "two", "--local", "a,b", "--protocol", "additive"
    )
    assert code == 0
    assert "helper" not in text
    (tmp_path / "two" / "a" / "t.csv").write_text("x\n1\n2\n")
    (tmp_path / "two" / "a" / "sources.sql").write_text("ATTACH 't.csv' AS t;")
    (tmp_path / "two" / "catalog.sql").write_text(
        "CREATE TABLE t (x INTEGER CHECK (x BETWEEN 0 AND 9)) OWNED BY a ROWS 3;"
    )
    sql = "SELECT sum(x) AS total FROM t REVEAL TO b"
    assert outcome(capsys, "run", "--local", tmp_path / "two", "-c", sql)[0] == 0
    arguments = ("--local", "a,b,c,d,e,f", "--protocol", "additive")
    code, _, complaint = outcome(capsys, "init", tmp_path / "six", *arguments)
    assert (code, "additive runs between 2 to 5 parties, not 6" in complaint) == (1, True)
