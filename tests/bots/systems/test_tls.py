"""Every way a certificate can be wrong is named, and none of them is connected to."""

import asyncio
import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest

from bots.systems.addresses import AddressPolicy
from bots.systems.errors import TimedOut, TlsProblem
from bots.systems.http import HttpDoor
from bots.systems.tls import verifying
from tests.bots.systems.raw_bots import Caller, answering, http, serving


@pytest.fixture
async def trusting(authority):
    """A door that trusts the test's authority and no other."""
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=2, ca_file=str(authority.file))
    yield door
    await door.aclose()


async def refused(door, context, host="127.0.0.1"):
    async with serving(answering(http()), context) as bot:
        with pytest.raises(TlsProblem) as caught:
            await door.get(bot.url.replace("127.0.0.1", host))
        assert bot.requests == []
    return str(caught.value)


async def test_a_certificate_of_a_known_authority_is_accepted(trusting, authority):
    async with serving(answering(http(b"[]")), authority.context()) as bot:
        assert (await trusting.get(bot.url)).body == b"[]"


async def test_an_expired_certificate(trusting, authority):
    assert "its certificate has expired" in await refused(trusting, authority.context(days=-1))


async def test_a_certificate_for_another_host(trusting, authority):
    assert "its certificate is for another host name" in await refused(trusting, authority.context("bot.example.org"))


async def test_a_self_signed_certificate(trusting, authority):
    assert "its certificate is self-signed" in await refused(trusting, authority.context(self_signed=True))


async def test_a_certificate_of_an_unknown_authority(door, authority):
    words = await refused(door, authority.context())
    assert "comes from an authority this portal does not know" in words


async def test_plain_http_on_the_port_of_an_https_address(trusting):
    async def as_uvicorn_does(caller: Caller) -> None:
        await caller.reader.read(1)
        await caller.say(http(b"Invalid HTTP request received.", "400 Bad Request"))

    async with serving(as_uvicorn_does) as bot:
        with pytest.raises(TlsProblem, match="it speaks plain HTTP on this port; the address would begin with http://"):
            await trusting.get(bot.url.replace("http:", "https:"))


@pytest.mark.filterwarnings("ignore:.*TLS.*deprecated:DeprecationWarning")
async def test_nothing_older_than_tls_1_2(trusting, authority):
    context = authority.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    refusal = pytest.raises(TlsProblem, match=r"it offers no TLS of version 1\.2 or newer")
    with blocking_handshake(context) as port, refusal:
        await trusting.get(f"https://127.0.0.1:{port}")


@contextmanager
def blocking_handshake(context: ssl.SSLContext):
    """One handshake in a thread: the event loop's TLS closes before its alert is out."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def meet() -> None:
            caller, _ = listener.accept()
            with suppress(ssl.SSLError, OSError), caller, context.wrap_socket(caller, server_side=True) as secure:
                secure.recv(1)

        thread = threading.Thread(target=meet)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


async def test_a_handshake_that_does_not_end(trusting):
    async def silent_from_the_start(caller: Caller) -> None:
        await asyncio.sleep(30)

    async with serving(silent_from_the_start) as bot:
        with pytest.raises(TimedOut, match="the TLS handshake did not end"):
            await trusting.get(bot.url.replace("http:", "https:"), deadline=0.5)


def test_whoever_is_behind_an_address_is_verified_by_tls_of_version_1_2_at_least():
    assert verifying("").minimum_version is ssl.TLSVersion.TLSv1_2
    assert verifying("").verify_mode is ssl.CERT_REQUIRED
    assert verifying("").check_hostname
    assert verifying("") is verifying("")  # the file is read once


def test_the_usual_authorities_are_those_of_certifis_file(authority, monkeypatch):
    usual = verifying("")
    monkeypatch.setattr("certifi.where", lambda: str(authority.file))
    assert verifying("") is verifying(str(authority.file))
    assert verifying("") is not usual
