"""Runs a secure plan at one party, in lockstep with the others.

First the key of hashes, if there are any; then every fragment at its owner, all of them shared in
one round; then the operators from the leaves to the root, side by side if the plan says so; then
the failure flags are opened; then the result is revealed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from ...connectors.source import TableSource
from ...planner.secure import (
    Aggregate,
    AlignedSum,
    Attach,
    Check,
    Concat,
    Expand,
    Filter,
    Fragment,
    Intersection,
    Join,
    Operator,
    Product,
    Project,
    Reveal,
    SecurePlan,
    Sort,
    Stored,
    Window,
)
from ...planner.visibility import known_after
from ...query.errors import InternalError, SessionError
from ..sharing.lanes import Work
from ..sharing.protocol import SharingProtocol
from ..sharing.spilling import Spill
from .aggregate import aggregate
from .attach import attach
from .check import check_rows
from .expand import expand
from .fragment import OwnedRows, draw_run_key, encode_rows, run_fragment, share_fragments
from .intersection import intersection
from .join import join
from .order import sort_rows
from .product import product
from .reveal import reveal
from .rows import aligned_sum, concat, filter_rows, in_encoding, project
from .schedule import Schedule, post_order
from .stored import Shelf, read_stored, store
from .table import Execution, SecretTable, encoding_of_column
from .waiting import Waiting
from .window import window

Watch = Callable[[int, str], None]
"""Called before each step with its number and a short text; may raise to stop the run."""


def run_plan(
    plan: SecurePlan,
    *,
    protocol: SharingProtocol,
    party: str,
    source: TableSource | None,
    watch: Watch,
    shelf: Shelf | None = None,
    spill: Spill | None = None,
) -> pa.Table | None:
    """Runs the plan; returns the result at its recipients and None elsewhere.

    An outsider runs it over a protocol of its own kind (sharing/outsider.py): what lies between its
    fragments and its result is a dry run there.

    `shelf`: this party's shares of shared tables, which the plan may read or add to. `spill`: where
    relations wait, if this party's memory is to be spared.

    Errors: DataError at an owner whose data break the catalog's promises; SessionError at every
    party if a failure flag opens; whatever the channel raises.
    """
    runner = Runner(plan, protocol, watch, shelf, spill)
    tables = runner.share(party, source)
    return runner.finish(tables)


def _is_held(operator: Operator) -> bool:
    """Whether its rows stay with their owner until the operator above asks for them."""
    return isinstance(operator, Fragment) and operator.held


class Runner:
    """One execution of a plan; pricing drives it step by step."""

    def __init__(
        self,
        plan: SecurePlan,
        protocol: SharingProtocol,
        watch: Watch,
        shelf: Shelf | None = None,
        spill: Spill | None = None,
    ) -> None:
        self.plan = plan
        self.protocol = protocol
        protocol.round_worth = plan.round_worth
        protocol.spill = spill
        self.waiting = Waiting(spill)
        self.execution = Execution(protocol)
        self.watch = watch
        self.shelf = shelf
        self.operators = list(post_order(plan.root))
        self.schedule = Schedule(self.operators, side_by_side=plan.side_by_side)
        self.held: dict[Fragment, pa.Table] = {}

    def share(self, party: str | None, source: TableSource | None) -> dict[int, SecretTable]:
        """Runs this party's fragments and shares everybody's but those that are held.

        Keys: positions in `operators`. Without a party (a price is taken) nobody's are run.
        """
        fragments = [o for o in self.operators if isinstance(o, Fragment)]
        positions = [p for p in self.schedule.places if isinstance(self.operators[p], Fragment)]
        items: list[tuple[Fragment, int, OwnedRows | None]] = []
        owners = [self.plan.members.index(fragment.owner) for fragment in fragments]
        cuckoo = any(isinstance(o, Join) and o.by == "cuckoo" for o in self.operators)
        run_key = draw_run_key(self.protocol, fragments, owners, tables=cuckoo)
        self.execution.run_key = run_key
        for position in positions:
            fragment = self.operators[position]
            if not isinstance(fragment, Fragment):
                raise InternalError("a fragment was expected")
            owned = None
            if fragment.owner == party:
                self.watch(position, "local fragment")
                owned = self._owned(fragment, source, run_key)
            if fragment.held:
                continue
            items.append((fragment, self.plan.members.index(fragment.owner), owned))
        self.watch(positions[-1] if positions else 0, "share")
        tables = share_fragments(self.protocol, items)
        shared = [position for position in positions if not _is_held(self.operators[position])]
        self.waiting.settle(tables)
        return dict(zip(shared, tables, strict=True))

    def _owned(
        self, fragment: Fragment, source: TableSource | None, run_key: bytes | None
    ) -> OwnedRows | None:
        """This party's rows of a fragment, ready to be shared; None where they stay here."""
        if source is None:
            raise InternalError("a party without a source owns a fragment")
        table = run_fragment(fragment, source, run_key)
        if fragment.held:
            self.held[fragment] = table
            return None
        return encode_rows(fragment, table, run_key=run_key, spill=self.protocol.spill)

    def finish(self, tables: dict[int, SecretTable]) -> pa.Table | None:
        """Runs everything above the fragments; an operator that occurs twice runs once.

        Each runs in a lane of its own, whose number is one more than its position.
        """
        schedule = self.schedule
        result: list[pa.Table | None] = []

        def run_one(position: int) -> None:
            inputs = schedule.take(position)
            if position == len(self.operators) - 1:
                result.append(self._give_out(inputs[0]))
            else:
                schedule.put(position, self._produce(position, inputs, tables))

        def ready() -> list[tuple[int, Work]]:
            return [(position + 1, partial(run_one, position)) for position in schedule.start()]

        self.protocol.side_by_side(ready)
        return result[0]

    def _produce(
        self, position: int, inputs: list[SecretTable], shared: dict[int, SecretTable]
    ) -> SecretTable:
        """The relation that an operator below the root makes."""
        operator = self.operators[position]
        if _is_held(operator):
            return SecretTable(operator.rows, {}, self.protocol.constant_bits(0, 1, operator.rows))
        if isinstance(operator, Fragment):
            return shared.pop(position)
        self.watch(position, type(operator).__name__.lower())
        made = self.apply(operator, inputs)
        self.waiting.settle([made])
        return made

    def _give_out(self, table: SecretTable) -> pa.Table | None:
        """The root's work: the check of the failure flags, and what is revealed or kept."""
        root = self.plan.root
        self.watch(len(self.operators) - 1, type(root).__name__.lower())
        self.check_failures()
        if isinstance(root, Reveal):
            return self.reveal(root, table)
        outsiders = [self.plan.members.index(name) for name in self.plan.outsiders]
        store(self.protocol, root, table, self.shelf, outsiders)
        return None

    def apply(self, operator: Operator, inputs: list[SecretTable]) -> SecretTable:
        """Runs one operator and puts its columns under the encodings that the plan states."""
        table = self._applied(operator, inputs)
        for column in operator.columns:
            secret = table.columns[column.id]
            if secret.deferred is None and secret.encoding != column.encoding:
                target = encoding_of_column(column)
                table.columns[column.id] = in_encoding(self.protocol, secret, target)
        given = [self._visible(below) for below in inputs]
        assert known_after(operator, given) == self._visible(table), "the plan knows what is known"
        return table

    def _visible(self, table: SecretTable) -> dict[int, str]:
        """The parties that know columns in clear, by column id."""
        known = {i: column.known for i, column in table.columns.items()}
        return {i: self.plan.members[k.owner] for i, k in known.items() if k is not None}

    def _applied(self, operator: Operator, inputs: list[SecretTable]) -> SecretTable:
        p = self.protocol
        match operator:
            case Stored():
                return read_stored(p, operator, self.shelf)
            case Concat():
                return concat(p, operator, inputs)
            case AlignedSum():
                return aligned_sum(p, operator, inputs)
            case Filter():
                return filter_rows(self.execution, operator, inputs[0])
            case Check():
                return check_rows(self.execution, operator, inputs[0])
            case Project():
                return project(self.execution, operator, inputs[0])
            case Join():
                return join(self.execution, operator, inputs[0], inputs[1])
            case Intersection():
                members, sides = self.plan.members, (operator.probe, operator.build)
                one, other = (members.index(fragment.owner) for fragment in sides)
                return intersection(p, operator, (one, other), self.held)
            case Expand():
                return expand(self.execution, operator, inputs[0], inputs[1])
            case Product():
                return product(self.execution, operator, inputs[0], inputs[1])
            case Attach():
                return attach(p, operator, inputs[0], inputs[1])
            case Aggregate():
                return aggregate(p, operator, inputs[0])
            case Sort():
                return sort_rows(p, operator, inputs[0])
            case Window():
                return window(p, operator, inputs[0])
            case _:
                raise InternalError(f"a plan holds {type(operator).__name__} below its root")

    def check_failures(self) -> None:
        """Opens the failure flags, one bit each."""
        failures = self.execution.failures
        if not failures:
            return
        opened = self.protocol.open([failure.flag for failure in failures])
        for failure, planes in zip(failures, opened or [], strict=opened is not None):
            if int(planes[0, 0]) & 1:
                raise SessionError(failure.message)

    def reveal(self, root: Reveal, table: SecretTable) -> pa.Table | None:
        """Opens the result to the plan's recipients."""
        recipients = [self.plan.members.index(name) for name in root.recipients]
        return reveal(self.protocol, root, table, recipients)
