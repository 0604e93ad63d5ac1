"""Secrets are sealed with the public key (any process) and opened with the private one (workers, relays, gateway).

HPKE (RFC 9180): X25519, HKDF-SHA256, AES-256-GCM. The context (table, row, field) is bound in, so a sealed text moved
to another row or field does not open. A sealed text is "v1.<key id>.<base64>".
"""

import base64
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from django.conf import settings

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealBroken(Exception):
    """The sealed text does not open: another key, another row, or altered. A person must act."""


def key_id(public: X25519PublicKey) -> str:
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:8]


def seal(clear: str, context: str) -> str:
    public = X25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(settings.PORTAL_SEAL_KEY))
    box = SUITE.encrypt(clear.encode(), public, info=context.encode())
    return f"v1.{key_id(public)}.{base64.urlsafe_b64encode(box).decode()}"


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
