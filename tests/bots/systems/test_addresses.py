"""Where bots may live, and how their addresses are spelled."""

import pytest

from bots.systems.addresses import AddressPolicy, checked_url
from bots.systems.errors import WrongSettings

EVERYTHING = AddressPolicy.from_networks(["public", "loopback", "private", "cgnat", "0.0.0.0/0", "::/0"])


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "169.254.1.1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "192.0.0.8",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "240.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:53aa:64c::1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "not an address",
    ],
)
def test_nobody_allows_these_whatever_is_configured(address):
    assert EVERYTHING.refuses(address)


@pytest.mark.parametrize(
    ("networks", "allowed", "refused"),
    [
        (
            ["public"],
            ["8.8.8.8", "2606:4700::1"],
            ["10.0.0.1", "127.0.0.1", "::1", "100.64.0.1", "fc00::1", "203.0.113.5"],
        ),
        (["private"], ["10.1.2.3", "172.31.0.1", "192.168.1.1", "fd12::1"], ["172.32.0.1", "8.8.8.8", "127.0.0.1"]),
        (["loopback"], ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"], ["10.0.0.1", "::2"]),
        (["cgnat"], ["100.64.0.1", "100.127.0.1"], ["100.63.0.1", "100.128.0.1"]),
        ([" 10.8.0.0/16 "], ["10.8.255.1", "::ffff:10.8.0.1"], ["10.9.0.1"]),
        ([], [], ["8.8.8.8", "127.0.0.1"]),
    ],
)
def test_only_the_configured_networks_are_open(networks, allowed, refused):
    policy = AddressPolicy.from_networks(networks)
    assert [address for address in allowed if policy.refuses(address)] == []
    assert [address for address in refused if not policy.refuses(address)] == []


def test_a_word_that_is_no_network_is_refused_by_name():
    with pytest.raises(WrongSettings, match="'intranet' is neither a network"):
        AddressPolicy.from_networks(["public", "intranet"])


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://bot.example.org:8080/", "http://bot.example.org:8080"),
        ("  HTTPS://Bot.Example.ORG  ", "https://bot.example.org"),
        ("https://bücher.example/bot1/", "https://xn--bcher-kva.example/bot1"),
        ("http://freqtrade_1:8080", "http://freqtrade_1:8080"),
        ("http://10.8.0.12:8080", "http://10.8.0.12:8080"),
        ("http://[FD00:0::1]:8080", "http://[fd00::1]:8080"),
        ("http://\uff11\uff12\uff17.0.0.1", "http://127.0.0.1"),
    ],
)
def test_an_address_has_one_spelling(text, url):
    assert checked_url(text) == url


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must begin with http"),
        ("bot.example.org:8080", "must begin with http"),
        ("file:///etc/passwd", "must begin with http"),
        ("gopher://10.0.0.1", "must begin with http"),
        ("http://", "names no usable host"),
        ("http://alice:s3cret@bot.example.org", "have fields of their own"),
        ("http://bot.example.org@evil.example", "have fields of their own"),
        ("http://bot.example.org/?token=s3cret", r"\? or #"),
        ("http://bot.example.org/#s3cret", r"\? or #"),
        ("http://bot.example.org\r\nX-Evil: s3cret", "a space or a sign"),
        ("http://bot.example.org/a\tb", "a space or a sign"),
        ("http://bot.example.org\\@evil.example", "a space or a sign"),
        ("http://bot\u202eexample.org", "names no usable host"),
        ("http://bot.example.org:0", "between 1 and 65535"),
        ("http://bot.example.org:65536", "cannot be read"),
        ("http://bot.example.org:port", "cannot be read"),
        ("http://[fe80::1%25eth0]", "IPv6"),
        ("http://[::1", "cannot be read"),
        ("http://" + "a" * 300, "names no usable host"),
        ("http://-bot.example.org", "names no usable host"),
        ("http://bot.example.org/../x", r"\.\."),
    ],
)
def test_an_unusable_address_is_refused_without_quoting_it(text, words):
    with pytest.raises(WrongSettings, match=words) as caught:
        checked_url(text)
    assert "s3cret" not in str(caught.value)
