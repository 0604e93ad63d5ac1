"""How often somebody may be wrong: failures counted in the database, per name and network.

Two bounds within `WINDOW`:
- `TRIES` failures of one name from one network: that name is refused from there. From elsewhere it is not, so no
  stranger can lock a person out of his own network.
- `NETWORK_TRIES` failures from one network over all names: from then on a name is refused after `CROWDED_TRIES`
  failures. Whoever sprays names gets one guess each; a person behind the same address who gives the right password at
  once still gets in.
A refused try is neither looked at nor counted, and right and wrong passwords are refused alike.
"""

import math
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import LoginFailure

WINDOW = timedelta(minutes=15)
TRIES = 10
NETWORK_TRIES = 100
CROWDED_TRIES = 1


class TooManyTries(Exception):
    """Try again after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many failed tries. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


def check(name: str, network: str) -> None:
    """Raises TooManyTries when the name is refused from this network now."""
    now = timezone.now()
    end = refused_until(failures_of(name, network, now), network, now)
    if end is not None:
        raise TooManyTries(seconds_until(end, now))


def count_failure(name: str, network: str) -> int:
    """How many tries the name has left from this network, this one counted.

    Raises TooManyTries when others, counted at the same moment, have used the tries up. The row is committed before
    the rows are counted, so of any number of tries at once at most the allowed number is answered: call it outside of
    a transaction."""
    row = LoginFailure.objects.create(name_hash=hash_of(name), network=network)
    now = timezone.now()
    failures = failures_of(name, network, now)
    limit = CROWDED_TRIES if crowded_until(network, now) else TRIES
    if len(failures) <= limit:
        return limit - len(failures)
    row.delete()
    raise TooManyTries(seconds_until(failures[limit - 1] + WINDOW, now))


def forget_failures(name: str, network: str) -> None:
    """The person has shown who he is: his own slips from this network no longer count."""
    LoginFailure.objects.filter(name_hash=hash_of(name), network=network).delete()


def forget_old() -> int:
    """Removes what no longer counts; how many rows."""
    return LoginFailure.objects.filter(at__lt=timezone.now() - WINDOW).delete()[0]


def is_crowded(network: str) -> bool:
    return crowded_until(network, timezone.now()) is not None


def hash_of(name: str) -> str:
    # As exact as names are unique: else the login of FRANK would forgive what was tried against frank.
    return salted_hmac("accounts.throttle", name.strip(), algorithm="sha256").hexdigest()


def failures_of(name: str, network: str, now: datetime) -> list[datetime]:
    """Newest first, at most one more than may be."""
    rows = LoginFailure.objects.filter(name_hash=hash_of(name), network=network, at__gt=now - WINDOW)
    return list(rows.order_by("-at").values_list("at", flat=True)[: TRIES + 1])


def crowded_until(network: str, now: datetime) -> datetime | None:
    """When the network falls below its bound again; None when it is below."""
    rows = LoginFailure.objects.filter(network=network, at__gt=now - WINDOW).order_by("-at")
    oldest_that_counts = rows.values_list("at", flat=True)[NETWORK_TRIES - 1 : NETWORK_TRIES].first()
    return oldest_that_counts + WINDOW if oldest_that_counts else None


def refused_until(failures: list[datetime], network: str, now: datetime) -> datetime | None:
    if len(failures) >= TRIES:
        return failures[TRIES - 1] + WINDOW
    calm = crowded_until(network, now) if len(failures) >= CROWDED_TRIES else None
    return min(calm, failures[CROWDED_TRIES - 1] + WINDOW) if calm else None


def seconds_until(end: datetime, now: datetime) -> int:
    return max(1, math.ceil((end - now).total_seconds()))
