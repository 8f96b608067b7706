"""Listening, and what is said when it cannot be."""

import socket

import pytest
from tacit.executor.transport.sockets import listen
from tacit.query.errors import ConfigurationError


def test_a_taken_address_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError) as caught:
            listen("127.0.0.1", port, "tests")
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{port} for tests: Address already in use"
    )


@pytest.mark.parametrize("host", ["198.51.100.7", "nowhere.invalid"])
def test_the_address_of_another_machine_leads_to_the_setting(host: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot listen on {host}:7001.*\n.*listen_host"):
        listen(host, 7001, "tests")


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_the_sixth_version_of_ip_works_too() -> None:
    try:
        server = listen("::1", 0, "tests")
    except ConfigurationError as error:
        pytest.skip(str(error))
    with server, socket.create_connection(("::1", server.getsockname()[1])):
        pass
