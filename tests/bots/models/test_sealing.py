"""A secret is sealed for one field of one row with a public key; only the private key opens it, only there."""

import pytest
from django.apps import apps

from accounts.models import Team
from bots.domain.rotation import fresh_private_key, name_of, public_of, use
from bots.models.sealing import SealBroken, SealedRow, open_sealed, seal, sealed_models, secret_names
from tests import builders
from tests.canary import CANARY


def test_what_was_sealed_opens_with_the_private_key() -> None:
    assert open_sealed(seal(CANARY, "bots_bot/1/password"), "bots_bot/1/password") == CANARY


def test_two_seals_of_one_secret_look_different() -> None:
    assert seal(CANARY, "here") != seal(CANARY, "here")


def test_a_process_with_the_public_key_alone_can_seal_but_not_open(settings: object) -> None:
    settings.PORTAL_SECRETS_KEYS = []
    box = seal(CANARY, "here")
    with pytest.raises(SealBroken, match="no key"):
        open_sealed(box, "here")


@pytest.mark.parametrize("context", ["bots_bot/2/password", "bots_bot/1/ws_token", "other/1/password", ""])
def test_moved_to_another_row_field_or_table_it_does_not_open(context: str) -> None:
    with pytest.raises(SealBroken, match="does not belong here"):
        open_sealed(seal(CANARY, "bots_bot/1/password"), context)


def test_an_altered_or_foreign_text_does_not_open() -> None:
    box = seal(CANARY, "here")
    for text in (
        box[:-6] + "AAAA" + box[-2:],
        box[: len(box) // 2],
        box.rpartition(".")[0] + ".",
        "hunter2",
        "v2" + box[2:],
        "",
    ):
        with pytest.raises(SealBroken) as raised:
            open_sealed(text, "here")
        assert CANARY not in str(raised.value)


def test_former_keys_open_and_the_first_one_seals(settings: object) -> None:
    old, new = fresh_private_key(), fresh_private_key()
    use([old])
    box = seal(CANARY, "here")
    use([new, old])
    assert open_sealed(box, "here") == CANARY
    assert seal(CANARY, "here").startswith(f"v1.{name_of(new)}.")
    use([new])
    with pytest.raises(SealBroken, match=name_of(old)):
        open_sealed(box, "here")


def test_another_key_of_the_same_name_does_not_open(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    box = seal(CANARY, "here")
    other = fresh_private_key()
    settings.PORTAL_SECRETS_KEYS = [other]
    monkeypatch.setattr("bots.models.sealing.key_id", lambda public: box.split(".")[1])
    with pytest.raises(SealBroken, match="does not belong here or was altered"):
        open_sealed(box, "here")
    assert public_of(other) != settings.PORTAL_SEAL_KEY


@pytest.mark.django_db
def test_a_bots_secret_survives_the_database_and_swapped_rows_do_not_open(alpha: Team) -> None:
    ours, theirs = builders.a_bot(alpha, "ours"), builders.a_bot(alpha, "theirs")
    ours.set_secret("password", CANARY)
    ours.save()
    ours.refresh_from_db()
    assert ours.opened_connection()["password"] == CANARY
    theirs.sealed = ours.sealed
    with pytest.raises(SealBroken):
        theirs.opened_secrets()


@pytest.mark.django_db
def test_an_empty_text_removes_the_secret(alpha: Team) -> None:
    bot = builders.a_bot(alpha)
    bot.set_secret("password", CANARY)
    bot.set_secret("password", "")
    assert bot.sealed == {}


def test_the_names_of_secrets_come_from_the_systems() -> None:
    assert {"password", "ws_token"} <= secret_names()
    assert not {"url", "username"} & secret_names()


def test_every_table_that_holds_sealed_texts_is_rotated() -> None:
    holding = {model for model in apps.get_models() if any(field.name == "sealed" for field in model._meta.fields)}
    assert holding == set(sealed_models())
    assert all(issubclass(model, SealedRow) for model in holding)
    assert {model.__name__ for model in holding} == {"Bot", "ConnectionTest", "Destination"}
