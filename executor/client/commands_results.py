"""`tacit results`: what other parties' queries have delivered to this party."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...query.errors import UserError
from .amounts import counted
from .commands_query import add_output_arguments, form_wanted
from .opening import add_running_arguments, open_federation
from .output import write_output
from .render import render

if TYPE_CHECKING:
    from ..party.results import Received


def add_results(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command `results`."""
    parser = commands.add_parser(
        "results",
        help="list or print the results that others' queries delivered here",
        description="Without SESSION, lists the results that queries of other parties delivered "
        "to this one (REVEAL TO); with it, prints one. They are files in PARTY/results and stay "
        "until they are removed there.",
    )
    parser.add_argument(
        "session", metavar="SESSION", nargs="?", help="as listed; its first digits do"
    )
    add_running_arguments(parser)
    add_output_arguments(parser)
    parser.set_defaults(run=run, local=None)


def run(arguments: argparse.Namespace) -> int:
    """Lists the results, or writes the one that is named."""
    form = form_wanted(arguments)
    with open_federation(arguments) as federation:
        client = federation.client(arguments.party)
        received = client.results()
        if arguments.session is None:
            print(listing(received, client.party))
        else:
            table = client.result(chosen(received, arguments.session, client.party).session)
            write_output(render([table], form), arguments.output)
    return 0


def listing(received: Sequence[Received], party: str) -> str:
    """The results for people, the newest last."""
    if not received:
        return f"{party} has received no results of other parties' queries."
    return "\n".join(
        f"{about.session[:8]}  {about.at}  asked by {about.asker}  {counted(about.rows, 'row')}\n"
        f"          {' '.join(about.statement.split())}"
        for about in received
    )


def chosen(received: Sequence[Received], prefix: str, party: str) -> Received:
    """The one result whose session begins so. Errors: UserError if it is none or several."""
    found = [about for about in received if about.session.startswith(prefix.lower())]
    if not found:
        raise UserError(f"{party} holds no result of session {prefix}")
    if len(found) > 1:
        raise UserError(f"{prefix} begins {len(found)} sessions; write more of it")
    return found[0]
