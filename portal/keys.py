"""The keys of an installation: read from the environment, or made once beside the embedded database."""

import base64
import hashlib
import logging
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

log = logging.getLogger(__name__)


def private_directory(directory: Path) -> None:
    """There, and nobody else's business (mode 700) when it is ours to say so."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if directory.stat().st_uid == os.getuid():
        directory.chmod(0o700)


def kept(directory: Path, name: str, content: str) -> str:
    """The key file's content; written first (mode 600) when there is none. Two starting at once agree."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / name
    if not path.exists():
        fresh = directory / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        fresh.touch(mode=0o600)
        fresh.write_text(content)
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


def new_private_key() -> str:
    return base64.urlsafe_b64encode(X25519PrivateKey.generate().private_bytes_raw()).decode()


def public_key_of(private: str) -> str:
    """The public half (base64) of a private X25519 key (base64)."""
    key = X25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(private))
    return base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode()


def derived(secret: str, purpose: str) -> bytes:
    """A 32-byte key for one purpose, so that no two uses share a key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())


def name_of(key: bytes) -> str:
    """A short name for a key that says nothing about it."""
    return hashlib.sha256(b"name of " + key).hexdigest()[:8]


def tell_if_spare(private_keys: list[str], process: str) -> None:
    """For processes that open no password: a key that they do not hold they cannot lose."""
    if private_keys:
        log.warning(
            "PORTAL_SECRETS_KEY is given to %s, which needs it nowhere: take it away (docs/configure.md)", process
        )
