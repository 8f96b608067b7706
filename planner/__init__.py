"""Planning: bound query -> logical plan -> rewrite rules -> secure plan.

Names are loaded on first use: whoever needs only the plan's data types pays for nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .analyze import explain_analyze
    from .explain import explain_plan
    from .plan import plan_query
    from .privacy import explain_privacy

__all__ = ["explain_analyze", "explain_plan", "explain_privacy", "plan_query"]

_HOMES = {
    "explain_analyze": ".analyze",
    "explain_plan": ".explain",
    "explain_privacy": ".privacy",
    "plan_query": ".plan",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
