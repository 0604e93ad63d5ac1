"""How bots are spoken to in secret: who they are is verified, whatever door leads to them."""

import ssl
from functools import lru_cache

import certifi


def verifying(ca_file: str) -> ssl.SSLContext:
    """`ca_file`: "" for the usual authorities."""
    return trusting(ca_file or certifi.where())


@lru_cache(maxsize=8)
def trusting(ca_file: str) -> ssl.SSLContext:
    """Kept as long as the process lives: to read a file of authorities takes longer than most bots take to answer."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
