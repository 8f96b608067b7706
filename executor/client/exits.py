"""How a command ends: one clear message on standard error, and an exit code that says whose fault.

  0  done
  1  the query, the data, a file or a policy is at fault
  2  wrong usage of the command line
  3  a peer or the session failed
130  cancelled by Ctrl-C
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable

from ...query.errors import CancelledError, PolicyError, TacitError, UserError, told


class UsageError(UserError):
    """The command line's arguments do not go together."""


def guarded(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Runs a command and turns what it raises into a message and an exit code.

    With TACIT_DEBUG=1 in the environment, errors keep their traceback.
    """
    if os.environ.get("TACIT_DEBUG") == "1":
        return run(arguments)
    try:
        return run(arguments)
    except KeyboardInterrupt:
        return _complain("cancelled", 130)
    except BrokenPipeError:
        _forget_output()
        return 1
    except TacitError as error:
        return _complain(told(error), exit_code(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}", 1)


def ending_signals() -> tuple[signal.Signals, ...]:
    """The signals that ask a command to end: the hang-up of its terminal too, but under nohup."""
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        return (signal.SIGTERM,)
    return signal.SIGTERM, signal.SIGHUP


def exit_code(error: TacitError) -> int:
    """The exit code that an error stands for."""
    if isinstance(error, CancelledError):
        return 130
    if isinstance(error, UsageError):
        return 2
    return 1 if isinstance(error, (UserError, PolicyError)) else 3


def _complain(message: str, code: int) -> int:
    try:
        sys.stdout.flush()
    except OSError:
        _forget_output()
    print(f"tacit: {message}", file=sys.stderr)
    return code


def _forget_output() -> None:
    """Points standard output to nowhere, so that leaving does not fail to flush it again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
