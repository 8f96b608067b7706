"""Every algorithm that an operator could run by: the price, which EXPLAIN (ALTERNATIVES) adds, and
the plan that takes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from .algorithms import options_of, with_inputs
from .cost import Cost, Link, Pricer
from .forms import assign_forms
from .intersections import ways
from .secure import Fragment, Intersection, Join, Operator, Root, children

_FEWEST_ROUNDS, _FEWEST_BYTES = 1 << 62, 1


def alternatives(
    root: Root, pricer: Pricer, link: Link, parties: Collection[str]
) -> dict[int, list[tuple[str, Cost]]]:
    """By identity of the operator: (algorithm, cost of the operator alone), the chosen one first.

    Beside the algorithms of sorts and joins there are two ways to run the chosen one: by circuits
    of the fewest rounds, and by those of the fewest bytes (adders, comparisons, divisions, batches
    of a quicksort). Operators without a choice are left out.
    """
    found: dict[int, list[tuple[str, Cost]]] = {}
    for operator in _below(root):
        chosen = pricer.operator_cost(operator)
        priced = [("as chosen", chosen)]
        for name, option in _options(operator, parties):
            if option == operator:
                priced[0] = (name, chosen)
            else:
                priced.append((name, pricer.operator_cost(option)))
        for name, worth in (
            ("fewest rounds", _FEWEST_ROUNDS),
            ("fewest bytes", _FEWEST_BYTES),
        ):
            cost = pricer.operator_cost(operator, round_worth=worth)
            if (cost.rounds, cost.sent_bytes) != (chosen.rounds, chosen.sent_bytes):
                priced.append((name, cost))
        if len(priced) > 1:
            found[id(operator)] = priced
    return found


def variants(root: Root, operator: Operator, parties: Collection[str]) -> dict[str, Root]:
    """The finished plan with one of its operators by each of its algorithms in turn, by name.

    All else stays as it was chosen, so that the operator must not be one whose rows a party has to
    know for what is above it. The plan itself is among them, where the operator has a choice.
    """
    return {
        name: assign_forms(dataclasses.replace(root, input=_with(root.input, operator, option)))
        for name, option in _options(operator, parties)
    }


def _with(below: Operator, operator: Operator, option: Operator) -> Operator:
    if below == operator:
        return option
    inputs = tuple(_with(child, operator, option) for child in children(below))
    return with_inputs(below, inputs)


def _options(operator: Operator, parties: Collection[str]) -> list[tuple[str, Operator]]:
    """All ways to run an operator of a finished plan, in which a join's build may be placed."""
    if isinstance(operator, Intersection):
        return ways(operator, parties)
    if not isinstance(operator, Join):
        return options_of(operator, parties, ())
    build = operator.build
    if not isinstance(build, Fragment) or build.placed is None:
        return options_of(dataclasses.replace(operator, by="sort"), parties, ())
    build = dataclasses.replace(build, rows=build.placed.rows, placed=None)
    given = dataclasses.replace(operator, by="sort", build=build)
    return options_of(given, parties, (build,))


def _below(operator: Operator) -> list[Operator]:
    return [one for child in children(operator) for one in (*_below(child), child)]
