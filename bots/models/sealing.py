"""Secrets are sealed with the public key (any process) and opened with the private one (workers, relays, gateway).

HPKE (RFC 9180): X25519, HKDF-SHA256, AES-256-GCM. The context (table, row, field) is bound in, so a sealed text moved
to another row or field does not open. A sealed text is "v1.<key id>.<base64>".
"""

import base64
import hashlib
import uuid
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from bots import systems

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealBroken(Exception):
    """The sealed text does not open: another key, another row, or altered. A person must act."""


class SealedRow(models.Model):
    """A row that holds secrets. Its own uuid, made before the insert, is bound into each of them."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    sealed = models.JSONField(default=dict, editable=False, help_text="Secret fields: name -> sealed text")

    class Meta:
        abstract = True

    def set_secret(self, name: str, clear: str) -> None:
        """Seal the field for this row. An empty text removes it."""
        if clear:
            self.sealed = {**self.sealed, name: seal(clear, self.seal_context(name))}
        else:
            self.sealed = {key: value for key, value in self.sealed.items() if key != name}

    def seal_context(self, name: str) -> str:
        return f"{self._meta.db_table}/{self.uuid}/{name}"

    def opened_secrets(self) -> dict[str, str]:
        """In clear. Only where PORTAL_SECRETS_KEY is held; raises SealBroken for a wrong key or a swapped row."""
        return {name: open_sealed(text, self.seal_context(name)) for name, text in self.sealed.items()}

    def reseal(self) -> int:
        """Seal with the current key what an older one sealed; how many fields changed. Raises SealBroken."""
        old = {name: text for name, text in self.sealed.items() if not is_current(text)}
        for name, text in old.items():
            self.set_secret(name, open_sealed(text, self.seal_context(name)))
        return len(old)


def sealed_models() -> Iterator[type[SealedRow]]:
    """Every table that holds secrets; rotating the keys must visit them all."""
    return (model for model in apps.get_models() if issubclass(model, SealedRow))


def secret_names() -> frozenset[str]:
    """The names of every field that some bot system declares secret."""
    return frozenset(field.name for system in systems.found().values() for field in system.fields if field.secret)


def key_id(public: X25519PublicKey) -> str:
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:8]


def seal(clear: str, context: str) -> str:
    public = X25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(settings.PORTAL_SEAL_KEY))
    box = SUITE.encrypt(clear.encode(), public, info=context.encode())
    return f"v1.{key_id(public)}.{base64.urlsafe_b64encode(box).decode()}"


def is_current(text: str) -> bool:
    """Whether the text was sealed with the key this process seals with."""
    public = X25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(settings.PORTAL_SEAL_KEY))
    return text.startswith(f"v1.{key_id(public)}.")


def require_private_key() -> None:
    """For processes that speak to bots. Raises ImproperlyConfigured where not one password could be opened."""
    if not settings.PORTAL_SECRETS_KEYS:
        raise ImproperlyConfigured(
            "PORTAL_SECRETS_KEY is not set: workers, relays and the gateway open the bots' passwords with it"
        )


def open_sealed(text: str, context: str) -> str:
    """Raises SealBroken, saying why; never returns anything but the clear text."""
    version, _, rest = text.partition(".")
    name, _, box = rest.partition(".")
    if version != "v1":
        raise SealBroken(f"{context}: not a sealed text of this portal")
    try:
        return SUITE.decrypt(base64.urlsafe_b64decode(box), private_key(name), info=context.encode()).decode()
    except (InvalidTag, ValueError):
        raise SealBroken(f"{context}: the sealed text does not belong here or was altered") from None


def private_key(name: str) -> X25519PrivateKey:
    for encoded in settings.PORTAL_SECRETS_KEYS:
        private = X25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(encoded))
        if key_id(private.public_key()) == name:
            return private
    raise SealBroken(f"no key {name} in PORTAL_SECRETS_KEY of this process")
