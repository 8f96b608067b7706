"""The prompt, driven through a pseudo-terminal as a person would."""

import os
import sys

import pexpect
import pytest


@pytest.fixture
def terminal(running, tmp_path):
    """A prompt of the party mercy on running nodes."""
    environment = os.environ | {
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "XDG_STATE_HOME": str(tmp_path),
    }
    child = pexpect.spawn(
        sys.executable,
        ["-m", "tacit.cli", "repl", "--federation", str(running), "--party", "mercy"],
        env=environment,
        dimensions=(40, 120),
        timeout=30,
        encoding="utf-8",
    )
    child.expect("mercy.*>")
    yield child
    child.close(force=True)


def test_a_conversation(terminal, endless, tmp_path):
    terminal.send("SELECT COUNT(war\t")
    terminal.expect("d")
    terminal.send(") AS found FROM vis\t")
    terminal.expect("its")
    terminal.send(";\r")
    terminal.expect(r"\s5\s")
    terminal.expect(r"\(1 row\)")

    terminal.send(f"{endless};\r")
    terminal.expect("rounds")  # the progress line
    terminal.send("\x03")
    terminal.expect("error: .*cancelled")

    terminal.send("SELECT COUNT(*)\r")  # not finished: the next line continues it
    terminal.expect(r"\.\.\.")
    terminal.send("AS again FROM visits;\r")
    terminal.expect("again")
    terminal.expect(r"\(1 row\)")

    terminal.send("\\d\r")
    terminal.expect("wards +public")

    terminal.send("\\q\r")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    history = tmp_path / "tacit" / "history"
    assert "COUNT(ward)" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0
