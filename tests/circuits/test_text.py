"""Functions of texts over shares say what Python says of the same characters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits.like import like, parse_pattern
from tacit.executor.circuits.prefix import count_ones, prefix_or
from tacit.executor.circuits.text import (
    Text,
    byte_length,
    change_case,
    character_count,
    drop_characters,
    take_characters,
)
from tacit.executor.circuits.text_edges import join_texts, trim_end, trim_start

texts = st.lists(
    st.text(alphabet="aabc %_Zé€𝄞", max_size=6).filter(lambda s: len(s.encode()) <= 12),
    min_size=1,
    max_size=70,
)


def shared(p, values, size=12):
    codes = [int.from_bytes(v.encode().ljust(size, b"\0"), "big") for v in values]
    return Text(p.bits(codes, 8 * size), size)


def read(p, text):
    return [v.to_bytes(text.size, "big").rstrip(b"\0").decode() for v in p.values(text.planes)]


def matches(value, pattern):
    expression = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return int(re.fullmatch(expression, value, re.DOTALL) is not None)


@settings(max_examples=80, deadline=None)
@given(texts, st.text(alphabet="ab %%_é", max_size=6))
def test_like(clear, values, pattern):
    p = clear()
    flags = p.values(like(p, shared(p, values), parse_pattern(pattern)))
    assert flags == [matches(v, pattern) for v in values]


@pytest.mark.parametrize(
    "pattern", ["", "%", "%%", "a", "a%", "%a", "%a%", "a%a", "%ab%b%", "%a%a%a", "a%%c", "_%_"]
)
def test_like_patterns_of_every_shape(clear, pattern):
    p = clear()
    values = ["", "a", "aa", "aaa", "ab", "abb", "abab", "ba", "abc", "abcabcabcabc", "é", "éa"]
    flags = p.values(like(p, shared(p, values), parse_pattern(pattern)))
    assert flags == [matches(v, pattern) for v in values]


def test_an_escaped_sign_stands_for_itself(clear):
    p = clear()
    values = ["a%b", "a_b", "axb"]
    assert p.values(like(p, shared(p, values), parse_pattern("a!%b", "!"))) == [1, 0, 0]
    assert p.values(like(p, shared(p, values), parse_pattern("a!_b", "!"))) == [0, 1, 0]
    with pytest.raises(ValueError, match="escape"):
        parse_pattern("a!", "!")


def test_an_infix_takes_few_rounds(clear):
    p = clear()
    like(p, shared(p, ["special packages requests"] * 3, 40), parse_pattern("%special%requests%"))
    assert p.rounds <= 3 + 3 + 6 + 1 + 6


@settings(max_examples=60, deadline=None)
@given(texts, st.integers(0, 5), st.integers(0, 5))
def test_substrings_count_characters(clear, values, dropped, taken):
    p = clear()
    rest = drop_characters(p, shared(p, values), dropped)
    assert read(p, rest) == [v[dropped:] for v in values]
    assert read(p, take_characters(p, rest, taken)) == [v[dropped:][:taken] for v in values]


@settings(max_examples=60, deadline=None)
@given(texts)
def test_lengths_cases_and_trimming(clear, values):
    p = clear()
    text = shared(p, values)
    assert p.values(character_count(p, text)) == [len(v) for v in values]
    assert p.values(byte_length(p, text)) == [len(v.encode()) for v in values]
    upper, lower = (change_case(p, text, upper=up) for up in (True, False))
    table = {c: c - 32 for c in range(97, 123)}
    assert read(p, upper) == [v.translate(table) for v in values]
    assert read(p, lower) == [v.translate({n: c for c, n in table.items()}) for v in values]
    assert read(p, trim_start(p, text, [32])) == [v.lstrip(" ") for v in values]
    assert read(p, trim_end(p, text, [32])) == [v.rstrip(" ") for v in values]
    assert read(p, trim_start(p, text, [97, 32])) == [v.lstrip("a ") for v in values]
    assert read(p, trim_end(p, text, [97, 32])) == [v.rstrip("a ") for v in values]


@settings(max_examples=40, deadline=None)
@given(texts)
def test_joining(clear, values):
    p = clear()
    text, rows = shared(p, values), len(values)
    joined = join_texts(p, [b"<", text, b"-", "é".encode(), text, b">"], rows)
    assert read(p, joined) == [f"<{v}-é{v}>" for v in values]
    assert read(p, join_texts(p, [text, text], rows)) == [v + v for v in values]
    assert read(p, join_texts(p, [b"a", b"b"], rows)) == ["ab"] * rows


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.lists(st.integers(0, (1 << 40) - 1), min_size=1, max_size=70))
def test_prefixes_and_counts_of_planes(clear, width, xs):
    p = clear()
    xs = [x % (1 << width) for x in xs]
    counted = p.values(count_ones(p, p.bits(xs, width)))
    assert counted == [x.bit_count() for x in xs]
    found = p.values(prefix_or(p, p.bits(xs, width)))
    assert found == [(-(x & -x)) % (1 << width) for x in xs]
