"""What EXPLAIN (ALTERNATIVES) adds: the price of every algorithm that an operator could run by."""

from __future__ import annotations

from .algorithms import options_of
from .cost import Cost, Link, Pricer
from .intersections import ways
from .secure import Intersection, Operator, Root, children

_FEWEST_ROUNDS, _FEWEST_BYTES = 1 << 62, 1


def alternatives(root: Root, pricer: Pricer, link: Link) -> dict[int, list[tuple[str, Cost]]]:
    """By identity of the operator: (algorithm, cost of the operator alone), the chosen one first.

    Beside the algorithms of sorts and joins there are two ways to run the chosen one: by circuits
    of the fewest rounds, and by those of the fewest bytes (adders, comparisons, divisions, batches
    of a quicksort). Operators without a choice are left out.
    """
    found: dict[int, list[tuple[str, Cost]]] = {}
    for operator in _below(root):
        chosen = pricer.operator_cost(operator)
        priced = [("as chosen", chosen)]
        options = ways(operator) if isinstance(operator, Intersection) else options_of(operator)
        for name, option in options:
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


def _below(operator: Operator) -> list[Operator]:
    return [one for child in children(operator) for one in (*_below(child), child)]
