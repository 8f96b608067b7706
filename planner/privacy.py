"""EXPLAIN PRIVACY: what each party learns from a query, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from ..query.bound import Expression
from ..query.catalog import Catalog
from .protocol_facts import PROTOCOLS
from .scalar_strings import knows_ascii_alone
from .secure import (
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
    RevealedKey,
    Root,
    SecurePlan,
    Sort,
    Store,
    Stored,
    Window,
    children,
)


def explain_privacy(plan: SecurePlan, catalog: Catalog) -> str:
    """One line per fact: what everybody knows, then each party's own part and what it learns."""
    lines = ["Every party learns"]
    lines += [f"  - {fact}" for fact in public_facts(plan, catalog)]
    for party in plan.members:
        lines += ["", f"{party}" + (" (asks)" if party == plan.asker else "")]
        lines += [f"  - {fact}" for fact in party_facts(plan, party)]
    lines += ["", "Nobody learns anything else: no row, no intermediate value, no true row count"]
    lines += [f"of a filter or a join, {_assumption(plan)}."]
    return "\n".join(lines)


def _assumption(plan: SecurePlan) -> str:
    facts = PROTOCOLS[plan.protocol]
    return facts.committee_assumption if plan.outsiders else facts.assumption


def public_facts(plan: SecurePlan, catalog: Catalog) -> Iterator[str]:
    """What is public by contract: text, plan, catalog, and every size of the computation."""
    yield f"the SQL text, the plan ({plan.digest[:16]}) and who asks ({plan.asker})"
    yield (
        f"the catalog ({catalog.digest[:16] or 'no digest'}): tables, owners, columns, types, "
        "declared bounds, keys and row bounds"
    )
    yield _delivery(plan.root)
    yield "how long each party takes, and whether its part fails"
    for operator in _unique(plan.root):
        yield from _size(operator)
    for intersection in _intersections(plan.root):
        probe, build = intersection.reveals.probe, intersection.reveals.build
        yield (
            f"that {probe.owner} and {build.owner} each learn which of their values of "
            f"{_key_text(probe, build)} occur in the other's rows, of which there are at most "
            f"{build.values.rows:,} and {probe.values.rows:,}"
        )
    if any(_quick(operator) for operator in _unique(plan.root)):
        yield (
            "comparison bits of the quicksort, opened on rows in a fresh secret order: they "
            "describe a uniformly random permutation, whatever the data"
        )
    if any(isinstance(o, Join) and o.check_unique for o in _unique(plan.root)):
        yield (
            "one bit: whether a key that spans owners has duplicates (the query then fails, and "
            "reveals nothing)"
        )
    for rows in sorted(
        {o.rows for o in _unique(plan.root) if isinstance(o, Expand) and o.overflow}
    ):
        yield (
            f"one bit: whether the pairs of a join fit the {row_count(rows)} that the plan states "
            "(the query fails if not, and reveals nothing)"
        )
    if any(isinstance(o, Join) and o.by == "cuckoo" for o in _unique(plan.root)):
        yield (
            "a random key, drawn for this run: by it owners put rows into the bins of a table of "
            "shares; which bins are filled or read is not opened"
        )
    if any(isinstance(o, Fragment) and o.keyed for o in _unique(plan.root)):
        yield (
            "a random key, drawn for this run: owners share hashes under it of texts that are "
            "only compared; no hash is opened"
        )
    yield from _checked(plan.root)


def _checked(root: Operator) -> Iterator[str]:
    """The one bit that a check opens, for each reason."""
    messages = {o.message for o in _unique(root) if isinstance(o, Check)}
    for message in sorted(messages):
        yield f"one bit: whether {message} (the query then fails, and reveals nothing)"
    if any(knows_ascii_alone(e) for o in _unique(root) for e in _expressions(o)):
        yield (
            "one bit: whether UPPER or LOWER met a letter beyond ASCII (the query then fails, and "
            "reveals nothing)"
        )


def _expressions(operator: Operator) -> tuple[Expression, ...]:
    match operator:
        case Filter(predicate=predicate):
            return (predicate,)
        case Product(predicate=predicate):
            return () if predicate is None else (predicate,)
        case Check(condition=condition):
            return (condition,)
        case Project(expressions=expressions):
            return expressions
        case _:
            return ()


def party_facts(plan: SecurePlan, party: str) -> Iterator[str]:
    """What a party does with its own data, and what it learns in its roles."""
    fragments = [o for o in _unique(plan.root) if isinstance(o, Fragment) and o.owner == party]
    for fragment in fragments:
        yield f"runs alone, on its own and public tables: {fragment.sql}"
        if fragment.held:
            continue
        columns = sum(form != "clear" for form in fragment.forms)
        where = "padded to" if fragment.placed is None else "at the places of their keys among"
        yield (
            f"shares {columns} column{'s' if columns != 1 else ''} of it, {where} "
            f"{row_count(fragment.rows)}; how many rows are real stays its own"
        )
    for intersection in _intersections(plan.root):
        yield from _revealed(intersection, party)
    if not fragments:
        yield "gives no data"
    outside = party in plan.outsiders
    for stored in (o for o in _unique(plan.root) if isinstance(o, Stored) and not outside):
        yield f"reads its shares of the shared table {stored.table}, uniformly random to it"
    if outside:
        yield "takes no part in the computation, and sees nothing of it"
    else:
        yield "computes on shares, which are uniformly random to it"
    if isinstance(plan.root, Store) and outside:
        yield "keeps what is public of the result, and learns nothing else of it"
    elif isinstance(plan.root, Store):
        yield "keeps its shares of the result, and learns nothing of it, not how many rows it has"
    else:
        yield from _result(plan.root, party)


def _intersections(root: Root) -> list[Intersection]:
    return list(dict.fromkeys(o for o in _unique(root) if isinstance(o, Intersection)))


def _key_text(key: RevealedKey, other: RevealedKey) -> str:
    """The columns' names, with the other table's where they differ."""
    own, theirs = ", ".join(key.columns), ", ".join(other.columns)
    return own if own == theirs else f"{own} (there {theirs})"


def _revealed(intersection: Intersection, party: str) -> Iterator[str]:
    """What a join whose matching keys are revealed tells one of its owners."""
    reveals = intersection.reveals
    for own, other in ((reveals.probe, reveals.build), (reveals.build, reveals.probe)):
        if own.owner == party:
            yield (
                f"learns which of its values of {_key_text(own, other)} in {own.table} occur in "
                f"{other.owner}'s rows of {other.table}, whatever the query's conditions, and so "
                f"how many; {other.owner} learns which of its own occur here"
            )
            yield (
                f"learns nothing of {other.owner}'s other values, not how many there are (at most "
                f"{other.values.rows:,}), nor which rows the query's conditions keep there"
            )
            yield (
                f"shares its part of the {row_count(intersection.rows)} of the join, with its "
                "conditions' outcome"
            )


def _delivery(root: Root) -> str:
    if isinstance(root, Store):
        return (
            "who receives the result: nobody learns anything; it stays shared as the table "
            f"{root.table.name}, whose columns, bounds, keys and row bound are public"
        )
    return f"who receives the result: {', '.join(root.recipients)}"


def _result(root: Reveal, party: str) -> Iterator[str]:
    if party not in root.recipients:
        yield "learns nothing of the result, not even how many rows it has"
        return
    names = ", ".join(column.name for column in root.columns)
    yield f"receives the result: {names}, and so the number of its rows (at most {root.rows:,})"
    if root.shuffle:
        yield "receives the rows in a uniformly random order"
    else:
        yield "the order of the rows follows from the rows and ORDER BY; it tells nothing more"


def _size(operator: Operator) -> Iterator[str]:
    """The public size that an operator works on."""
    rows = f"{operator.rows:,}"
    match operator:
        case Fragment() if not operator.held:
            most = operator.rows if operator.placed is None else operator.placed.rows
            yield f"that {operator.owner} gives at most {row_count(most)}"
        case Stored():
            yield f"that the shared table {operator.table} has at most {row_count(operator.rows)}"
        case Join() | Intersection():
            yield f"the size of a join ({operator.kind}): {rows} rows"
        case Product():
            yield f"the size of a join of all pairs ({operator.kind}): {rows} rows"
        case Expand():
            yield f"the stated bound on a join of repeated keys: {rows} rows"
        case Attach():
            yield f"the size of a join with one row ({operator.kind}): {rows} rows"
        case Aggregate() if operator.keys:
            yield f"the bound on a grouping: {rows} rows"
        case AlignedSum():
            yield f"the number of possible groups: {rows}"
        case Sort():
            yield f"the size of a sort: {operator.input.rows:,} rows, of which {rows} stay"
        case Window():
            yield f"the size of a window: {rows} rows"
        case Concat():
            yield f"the size of a union: {rows} rows"
        case _:
            return


def _quick(operator: Operator) -> bool:
    match operator:
        case Join():
            return operator.by == "sort" and operator.sort == "quick"
        case Expand() | Window():
            return operator.sort == "quick"
        case Sort():
            return operator.sort in ("quick", "select")
        case Aggregate():
            distinct = any(spec.function.endswith("_distinct") for spec in operator.aggregates)
            return operator.sort == "quick" and (bool(operator.keys) or distinct)
        case _:
            return False


def _unique(operator: Operator) -> Iterator[Operator]:
    """Every operator of the plan, inputs first."""
    for child in children(operator):
        yield from _unique(child)
    yield operator


def row_count(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
