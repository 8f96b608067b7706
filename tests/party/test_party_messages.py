"""Control messages are checked field by field; errors survive the way; the cause is found."""

import json

import pytest
from tacit.executor.party.failures import (
    choose_failure,
    describe_failure,
    failure_for_peers,
    restore_failure,
)
from tacit.executor.party.messages import (
    MAX_BODY_BYTES,
    Proposal,
    Usage,
    cost_body,
    decode,
    encode,
    restore_cost,
)
from tacit.planner.cost import Cost, PlanCost
from tacit.query.errors import (
    BindError,
    CancelledError,
    DataError,
    InternalError,
    PeerFailedError,
    PeerLostError,
    PeerTimeoutError,
    PeerViolationError,
    PlanMismatchError,
    PolicyError,
    SessionError,
    Span,
    TacitError,
)

PROPOSAL = Proposal(
    session="0f" * 16,
    statement="SELECT 1",
    catalog="c" * 64,
    tables="{}",
    protocol="replicated",
    version="1.0",
    seconds=2.5,
)


def test_a_message_survives_the_way() -> None:
    assert Proposal.from_body(decode(encode(PROPOSAL.body()))) == PROPOSAL


@pytest.mark.parametrize(
    "change",
    [
        {"session": "0f" * 15},
        {"session": "0F" * 16},
        {"session": "../" + "0" * 29},
        {"session": 7},
        {"statement": None},
        {"statement": "x" * 200_001},
        {"version": "x" * 513},
        {"tables": 1},
        {"seconds": -1},
        {"seconds": True},
        {"seconds": float("nan")},
        {"extra": 1},
    ],
)
def test_a_wrong_field_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SessionError):
        Proposal.from_body(PROPOSAL.body() | change)


def test_a_missing_field_is_refused() -> None:
    with pytest.raises(SessionError, match="other fields"):
        Usage.from_body({"depth": 1})


@pytest.mark.parametrize(
    "data",
    [b"[1]", b"{", b"\xff\xfe", b"[" * 100_000, b" " * (MAX_BODY_BYTES + 1)],
    ids=["list", "open", "binary", "deep", "long"],
)
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(SessionError):
        decode(data)


def test_a_predicted_cost_survives_the_way() -> None:
    part = Cost(rounds=3, sent_bytes=(1, 2, 3), messages=(4, 5, 6), expected=True)
    cost = PlanCost(total=part, operators=(part, part))
    assert restore_cost(json.loads(encode(cost_body(cost)))) == cost


@pytest.mark.parametrize(
    "error",
    [
        BindError("no column x", text="SELECT x", span=Span(7, 8), hint="did you mean y?"),
        PolicyError("grace says no"),
        PeerLostError("grace is gone", party="grace", step="join"),
        PlanMismatchError("digests differ"),
        DataError("row 3"),
    ],
)
def test_an_error_survives_the_way(error: TacitError) -> None:
    restored = restore_failure(decode(encode(describe_failure(error))))
    assert type(restored) is type(error)
    assert str(restored) == str(error)
    assert getattr(restored, "party", None) == getattr(error, "party", None)


@pytest.mark.parametrize(
    "record",
    [None, {}, {"class": "SystemExit"}, {"class": "BindError", "span": [5, 1], "text": 3}],
)
def test_a_senseless_record_is_still_an_error(record: object) -> None:
    assert isinstance(restore_failure(record), TacitError)


def test_a_peers_text_cannot_play_with_the_terminal() -> None:
    text = str(restore_failure({"class": "SessionError", "message": "a\x1b[2Jb" + "c" * 99_999}))
    assert "\x1b" not in text
    assert len(text) < 20_000


def test_peers_do_not_read_what_only_the_owner_may() -> None:
    told = failure_for_peers(DataError("visits, column cost: row 17 is 95"), "mercy", "share")
    assert isinstance(told, PeerFailedError)
    assert "17" not in str(told)
    assert told.party == "mercy"
    assert "95" not in str(failure_for_peers(InternalError("value 95"), "mercy", "share"))
    whole = failure_for_peers(DataError("row 17"), "mercy", "share", whole=True)
    assert str(whole) == "mercy failed at step 'share': row 17"
    lost = PeerLostError("grace is gone", party="grace")
    assert failure_for_peers(lost, "mercy", "share") is lost


def failed(party: str) -> PeerFailedError:
    return PeerFailedError(f"{party} failed", party=party, step="x")


@pytest.mark.parametrize(
    ("failures", "cause"),
    [
        ({"mercy": failed("grace"), "grace": failed("grace")}, "grace"),
        ({"mercy": failed("registry"), "registry": PeerLostError("", party="grace")}, "grace"),
        (
            {
                "mercy": PeerLostError("", party="registry"),
                "registry": PeerTimeoutError("", party="grace"),
            },
            "grace",
        ),
        (
            {
                "mercy": PeerTimeoutError("", party="registry"),
                "registry": PeerViolationError("", party="grace"),
            },
            "grace",
        ),
    ],
)
def test_the_failure_behind_the_others_is_found(
    failures: dict[str, TacitError], cause: str
) -> None:
    chosen = choose_failure(failures)
    assert getattr(chosen, "party", None) == cause


def test_a_partys_own_cancelling_comes_before_reports_of_it() -> None:
    failures = {"mercy": failed("grace"), "grace": CancelledError("its owner stopped it")}
    assert isinstance(choose_failure(failures), CancelledError)
