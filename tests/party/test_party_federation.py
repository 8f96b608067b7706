"""A federation directory is read strictly; every complaint names file and key."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tacit.executor.client.local import create_local
from tacit.executor.party.federation import (
    Address,
    Member,
    load_federation,
    read_catalog,
    write_federation,
)
from tacit.executor.party.settings import PartySettings, load_settings
from tacit.executor.transport.identity import create_identity
from tacit.query.errors import ConfigurationError

PARTIES = ("mercy", "grace", "registry")


def make(directory: Path, parties: tuple[str, ...] = PARTIES) -> Path:
    members = []
    for number, party in enumerate(parties):
        identity = create_identity(directory / party, party)
        members.append(
            Member(
                name=party,
                control=Address(host="127.0.0.1", port=7001 + 2 * number),
                data=Address(host="::1", port=7002 + 2 * number),
                certificate_pem=identity.certificate_pem,
                fingerprint=identity.fingerprint,
            )
        )
    return write_federation(directory, members)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("federation")
    make(directory)
    return directory


@pytest.fixture
def edited(written: Path, tmp_path: Path) -> Callable[[str, str], Path]:
    """Copies the federation with one change to federation.toml."""

    def edit(before: str, after: str) -> Path:
        shutil.copytree(written, tmp_path, dirs_exist_ok=True)
        path = tmp_path / "federation.toml"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))
        return tmp_path

    return edit


def test_what_is_written_is_read_back(written: Path) -> None:
    federation = load_federation(written)
    assert federation.parties == PARTIES
    assert federation.protocol == "replicated"
    assert federation.link.name == "lan"
    assert federation.index("grace") == 1
    assert federation.member("registry").control == Address(host="127.0.0.1", port=7005)
    assert str(federation.member("registry").data) == "[::1]:7006"
    assert federation.party_directory("mercy") == written / "mercy"


def test_figures_of_a_network_of_its_own_survive(edited: Callable[[str, str], Path]) -> None:
    figures = (
        '[network]\nname = "ours"\nround_trip_ms = 12.5\nmegabits_per_second = 400\n'
        "message_us = 300\n\n[[parties]]"
    )
    directory = edited("[[parties]]", figures)
    text = (directory / "federation.toml").read_text().replace('network = "lan"\n', "")
    (directory / "federation.toml").write_text(text)
    federation = load_federation(directory)
    assert federation.link.round_trip_seconds == 0.0125
    assert federation.link.bytes_per_second == 5e7
    assert federation.link.rates is not None
    assert federation.link.rates.message_seconds == pytest.approx(3e-4)
    write_federation(directory, federation.members, network=federation.link)
    assert load_federation(directory).link == federation.link


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('protocol = "replicated"', 'protocol = "shamir"', "federation.toml: protocol is"),
        ('network = "lan"', 'network = "moon"', "network is 'moon'; known are lan, loopback, wan"),
        ('network = "lan"', 'netwrk = "lan"', "netwrk is unknown"),
        ('network = "lan"', "network = {round_trip_ms = 5}", "network.megabits_per_second is miss"),
        ('network = "lan"', "network = {latency = 5}", "network.latency is unknown"),
        ('name = "mercy"', 'name = ""', r"parties\[1\].name must be a string"),
        ('name = "mercy"', 'name = "../mercy"', r"parties\[1\].name is"),
        ('name = "mercy"\n', "", r"parties\[1\].name is missing"),
        ('name = "mercy"', 'name = "clara"', "is the certificate of 'mercy', not of 'clara'"),
        ('"127.0.0.1:7001"', '"127.0.0.1"', r"parties\[1\].control must be an address"),
        ('"127.0.0.1:7001"', '"127.0.0.1:70010"', r"parties\[1\].control must be an address"),
        ('"127.0.0.1:7001"', "7001", r"parties\[1\].control must be a string"),
        ('"127.0.0.1:7003"', '"127.0.0.1:7001"', "lists the address 127.0.0.1:7001 twice"),
        ("certificates/mercy.pem", "certificates/none.pem", r"parties\[1\].certificate cannot"),
        ('fingerprint = "', 'fingerprint = "00', r"parties\[1\].fingerprint is not that of"),
        ('protocol = "replicated"', "protocol = ", "is not valid TOML"),
    ],
)
def test_a_wrong_entry_is_named(
    edited: Callable[[str, str], Path], before: str, after: str, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        load_federation(edited(before, after))


def test_a_fingerprint_may_be_written_with_colons(
    written: Path, edited: Callable[[str, str], Path]
) -> None:
    pinned = load_federation(written).member("mercy").fingerprint
    colons = ":".join(pinned[i : i + 2] for i in range(0, 64, 2)).upper()
    assert load_federation(edited(pinned, colons)).member("mercy").fingerprint == pinned


def test_the_same_party_twice_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    parts = path.read_text().split("[[parties]]")
    path.write_text("[[parties]]".join([parts[0], parts[1], parts[1], parts[2]]))
    with pytest.raises(ConfigurationError, match="lists the name mercy twice"):
        load_federation(tmp_path)


@pytest.mark.parametrize(
    ("count", "hint"),
    [(2, "a helper that holds no data"), (1, "sections of the other parties"), (4, "exactly 3")],
)
def test_another_number_of_parties_is_refused_with_advice(
    tmp_path: Path, count: int, hint: str
) -> None:
    make(tmp_path, ("mercy", "grace", "registry", "clara")[:count])
    with pytest.raises(ConfigurationError, match=rf"parties lists {count}.*{hint}"):
        load_federation(tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*federation.toml: No such file"):
        load_federation(tmp_path)
    with pytest.raises(ConfigurationError, match=r"cannot read .*catalog.sql"):
        read_catalog(tmp_path)


def test_an_unknown_party_is_told_who_there_is(written: Path) -> None:
    with pytest.raises(ConfigurationError, match="no party 'clara'; it has mercy, grace, registry"):
        load_federation(written).member("clara")


def test_settings_have_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == PartySettings()
    (tmp_path / "party.toml").write_text("peer_timeout_seconds = 5\nmax_rows = 10\nlocal = true\n")
    assert load_settings(tmp_path) == PartySettings(
        peer_timeout_seconds=5.0, max_rows=10, local=True
    )


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("peer_timeout = 5", "party.toml: peer_timeout is unknown; known are"),
        ("local = 1", "local must be true or false"),
        ("session_seconds = 0", "session_seconds must be a number of seconds above 0"),
        ("session_seconds = true", "session_seconds must be a number"),
        ("session_seconds = nan", "session_seconds must be a number"),
        ("max_rows = 1.5", "max_rows must be a positive whole number"),
        ("max_frame_bytes = -1", "max_frame_bytes must be a positive whole number"),
        ('data_directory = "nowhere"', "data_directory names .*nowhere, which is no directory"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, line: str, complaint: str) -> None:
    (tmp_path / "party.toml").write_text(line + "\n")
    with pytest.raises(ConfigurationError, match=complaint):
        load_settings(tmp_path)


def example(directory: Path, parties: tuple[str, ...]) -> Path:
    for party in parties:
        (directory / party).mkdir(parents=True)
        (directory / party / "sources.sql").write_text("")
    (directory / "catalog.sql").write_text("CREATE TABLE ...")
    return directory


def test_a_local_federation_is_made_of_an_example(tmp_path: Path) -> None:
    source = example(tmp_path / "example", PARTIES)
    (source / "grace" / "party.toml").write_text("peer_timeout_seconds = 5\n")
    (source / "grace" / "policy.toml").write_text("[tables]\n")
    target = create_local(source, target=tmp_path / "running")
    federation = load_federation(target)
    assert federation.parties == ("grace", "mercy", "registry")
    assert federation.link.name == "loopback"
    assert read_catalog(target) == "CREATE TABLE ..."
    settings = load_settings(target / "grace")
    assert settings.local
    assert settings.peer_timeout_seconds == 5
    assert settings.data_directory == (source / "grace").resolve()
    assert settings.public_directory == source.resolve()
    assert (target / "grace" / "policy.toml").exists()
    assert not (target / "mercy" / "policy.toml").exists()


def test_an_example_may_state_the_order_of_its_parties(tmp_path: Path) -> None:
    source = example(tmp_path / "example", PARTIES)
    (source / "federation.toml").write_text("".join(f'[[parties]]\nname="{p}"\n' for p in PARTIES))
    assert load_federation(create_local(source, target=tmp_path / "t")).parties == PARTIES


def test_an_example_with_two_parties_is_told_to_add_a_helper(tmp_path: Path) -> None:
    source = example(tmp_path / "example", PARTIES[:2])
    with pytest.raises(ConfigurationError, match=r"has 2 parties.*a helper without data"):
        create_local(source, target=tmp_path / "running")
