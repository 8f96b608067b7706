"""One flag for each of several public values: at most one is 1, in few rounds."""

from __future__ import annotations

import pytest
from tacit.executor.circuits.one_hot import one_hot


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8])
def test_the_flag_of_the_value_alone_is_1(clear, width):
    p = clear()
    words = list(range(1 << width))
    values = words[:: max(1, len(words) // 9)]
    flags = one_hot(p, p.bits(words, width), values)
    assert [p.values(flag) for flag in flags] == [[int(w == v) for w in words] for v in values]
    assert p.rounds == (width - 1).bit_length()


def test_what_runs_is_what_is_priced(clear):
    p, dry = clear(), clear(counts_only=True)
    for protocol in (p, dry):
        one_hot(protocol, protocol.constant_bits(3, 6, 100), [0, 3, 17, 63])
    assert p.cost() == dry.cost()
