"""What answers where nothing is."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_program_that_asks_for_an_unknown_path_is_told_in_json(client: Client, bob: object) -> None:
    answer = client.get("/api/v1/no-such-thing/")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "There is nothing at this path.", "code": "not_found"}


def test_a_person_gets_a_page(client: Client, bob: object) -> None:
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    assert "There is nothing here that you may see" in answer.text
