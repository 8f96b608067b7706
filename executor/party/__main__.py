"""`python -m tacit.executor.party DIRECTORY [PARTY]`: runs one party's node as this process."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ...query.errors import TacitError
from .node import run_node


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a node until it is told to stop; its exit code.

    One line of JSON on standard output says that it is ready. With --watch-stdin it stops when
    standard input ends, so that it does not outlive the process that started it.
    """
    arguments = _parser().parse_args(argv)
    directory, party = arguments.directory, arguments.party
    if party is None:
        directory, party = directory.resolve().parent, directory.resolve().name
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="tacit: %(message)s")
    stop = threading.Event()
    if arguments.watch_stdin:
        threading.Thread(target=_watch_stdin, args=(stop,), daemon=True).start()
    lean = _WithoutPandas()
    sys.meta_path.insert(0, lean)
    try:
        run_node(directory, party, ready=_print_line, stop=stop)
    except TacitError as error:
        print(f"tacit: {error}", file=sys.stderr)
        return 1
    finally:
        sys.meta_path.remove(lean)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tacit.executor.party", description="Runs one party's node."
    )
    parser.add_argument(
        "directory", type=Path, help="the federation directory; without PARTY, the party's own"
    )
    parser.add_argument("party", nargs="?", help="the party's name")
    parser.add_argument("--watch-stdin", action="store_true", help="stop when stdin ends")
    return parser


def _print_line(line: str) -> None:
    print(line, flush=True)


def _watch_stdin(stop: threading.Event) -> None:
    # Not through sys.stdin: a daemon thread in it would crash the interpreter's shutdown.
    while os.read(0, 4096):
        pass
    stop.set()


class _WithoutPandas:
    """Makes `import pandas` fail: Arrow loads it, if it can, with the first array that it makes.

    A node has no use for it, and the first query need not wait for it.
    """

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("a node runs without pandas", name=name)


if __name__ == "__main__":
    sys.exit(main())
