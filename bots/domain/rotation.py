"""Rotating the keys: every secret that an older key sealed is sealed anew with the current one."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.conf import settings
from django.db import transaction

from bots.domain.audit import Act, Actor, append
from bots.models.sealing import SealBroken, SealedRow, is_current, key_id, sealed_models


class KeysDoNotFit(Exception):
    """The keys this process was given cannot rotate anything; the sentence says what to set."""


@dataclass
class Rotation:
    """`rows` and `fields` sealed anew; `current` fields needed nothing; `broken` names the rows that did not open."""

    rows: int = 0
    fields: int = 0
    current: int = 0
    broken: list[str] = field(default_factory=list)


def reseal_everything(actor: Actor) -> Rotation:
    """Row by row, each in its own transaction: stopped in the middle, the next run goes on. Raises KeysDoNotFit."""
    require_fitting_keys()
    rotation = Rotation()
    for model in sealed_models():
        for pk in list(model._base_manager.order_by("pk").values_list("pk", flat=True)):
            reseal_row(model, pk, rotation)
    if rotation.rows:
        details = {"rows": rotation.rows, "sealed_fields": rotation.fields, "broken_count": len(rotation.broken)}
        with transaction.atomic():
            append(Act("keys_rotated", actor, f"key {name_of(settings.PORTAL_SECRETS_KEYS[0])}", details=details))
    return rotation


def reseal_row(model: type[SealedRow], pk: int, rotation: Rotation) -> None:
    with transaction.atomic():
        row = model._base_manager.select_for_update(no_key=True).filter(pk=pk).first()
        if row is None:  # forgotten meanwhile
            return
        before = len(row.sealed)
        try:
            anew = row.reseal()
        except SealBroken as broken:
            rotation.broken.append(f"{row} ({broken})")
            return
        if anew:
            row.save(update_fields=["sealed"])
            rotation.rows += 1
        rotation.fields += anew
        rotation.current += before - anew


def is_everything_current() -> bool:
    return all(
        is_current(text)
        for model in sealed_models()
        for sealed in model._base_manager.values_list("sealed", flat=True)
        for text in sealed.values()
    )


def require_fitting_keys() -> None:
    if not settings.PORTAL_SECRETS_KEYS:
        raise KeysDoNotFit("PORTAL_SECRETS_KEY is not set here: rotate where a worker runs, with its environment")
    if public_of(settings.PORTAL_SECRETS_KEYS[0]) != settings.PORTAL_SEAL_KEY:
        raise KeysDoNotFit(
            "PORTAL_SEAL_KEY does not belong to the first key of PORTAL_SECRETS_KEY: put the new private key first and"
            f" set PORTAL_SEAL_KEY={public_of(settings.PORTAL_SECRETS_KEYS[0])} in every process"
        )


def fresh_private_key() -> str:
    return base64.urlsafe_b64encode(X25519PrivateKey.generate().private_bytes_raw()).decode()


def public_of(private: str) -> str:
    return base64.urlsafe_b64encode(opened(private).public_key().public_bytes_raw()).decode()


def name_of(private: str) -> str:
    return key_id(opened(private).public_key())


def opened(private: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(private))


def use(private_keys: Iterable[str]) -> None:
    """In this process, from now on: seal with the first, open with all."""
    settings.PORTAL_SECRETS_KEYS = list(private_keys)
    settings.PORTAL_SEAL_KEY = public_of(settings.PORTAL_SECRETS_KEYS[0])
