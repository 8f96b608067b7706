"""EXPLAIN ANALYZE: what was predicted beside what was measured."""

from __future__ import annotations

from .cost import Link, Measured, PlanCost
from .explain import seconds_text
from .secure import SecurePlan


def explain_analyze(
    plan: SecurePlan, predicted: PlanCost, measured: Measured, seconds: float, link: Link
) -> str:
    """Rounds, bytes, messages and time of the whole query.

    What is predicted of the processor is that of the busiest party, without its own database.
    """
    expected, taken = predicted.total, measured.cost
    about = "~" if expected.expected else ""
    rows = [
        ("", "predicted", "measured"),
        ("rounds", f"{about}{expected.rounds:,}", f"{taken.rounds:,}"),
    ]
    for what, told, counted in (
        ("bytes sent by", expected.sent_bytes, taken.sent_bytes),
        ("messages of", expected.messages, taken.messages),
    ):
        rows += [
            (f"{what} {party}", f"{about}{_at(told, index):,}", f"{_at(counted, index):,}")
            for index, party in enumerate(plan.members)
        ]
    busy = max(measured.busy_seconds, default=0.0)
    rows.append(("processor", seconds_text(link.busy_seconds(expected)), seconds_text(busy)))
    rows.append(
        (f"time on {link.name}", seconds_text(link.query_seconds(expected)), seconds_text(seconds))
    )
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows]
    if about:
        lines.append("~ an expectation: the quicksort's sizes are random")
    return "\n".join(lines)


def _at(values: tuple[int, ...], index: int) -> int:
    return values[index] if index < len(values) else 0
