"""What every rule is given besides the plan."""

from __future__ import annotations

from dataclasses import dataclass

from ..facts import Analysis
from ..known import Facts
from ..logical import Ids, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Fresh column ids, the facts derived so far, and the parties."""

    ids: Ids
    analysis: Analysis
    parties: tuple[str, ...]

    def facts(self, node: Node) -> Facts:
        return self.analysis.facts(node)
