"""What a request says of itself beside its first line."""

import pytest

from bots.systems.errors import WrongSettings
from bots.systems.headers import NO_HEADERS, basic_authorization, header_lines


def test_each_line_is_ended():
    assert header_lines("X-Name: alice", "X-Team: zürich") == b"X-Name: alice\r\nX-Team: z\xfcrich\r\n"
    assert header_lines() == NO_HEADERS


def test_a_name_and_a_password_are_carried_as_rfc_7617_has_it():
    assert basic_authorization("Aladdin", "open sesame") == b"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"


@pytest.mark.parametrize(
    "line", ["X-Name: alice\r\nX-Role: manager", "X-Name: alice\nX-Role: manager", "X-Name: a\rb", "a\0b"]
)
def test_a_header_cannot_bring_another_one(line):
    with pytest.raises(WrongSettings, match="one line"):
        header_lines(line)


def test_signs_that_no_header_may_have_are_refused():
    with pytest.raises(WrongSettings, match="Latin"):
        header_lines("X-Name: Алиса")
