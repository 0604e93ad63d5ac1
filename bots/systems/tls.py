"""How bots are spoken to in secret: who they are is verified, whatever door leads to them."""

import ssl
from functools import lru_cache

import certifi


@lru_cache(maxsize=8)
def verifying(ca_file: str) -> ssl.SSLContext:
    """For as long as the process lives: to read a file of authorities takes longer than most bots take to answer.
    `ca_file`: "" for the usual authorities."""
    context = ssl.create_default_context(cafile=ca_file or certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
