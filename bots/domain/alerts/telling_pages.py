"""Open pages hear that alerts changed, with the commit."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from bots.domain.events import Changed, announce
from bots.models import Alert, BotStatus

ALERTS = "alerts"  # among what is announced of a bot


def tell_pages(alerts: Iterable[Alert]) -> None:
    """Raise the bots' seq in this transaction and announce it after the commit."""
    bots = {alert.bot.pk: alert.bot for alert in alerts if alert.bot is not None}
    if not bots:
        return
    # In one order: two writers that raise the same bots wait for each other and never in a circle.
    ids = sorted(bots)
    list(BotStatus.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    BotStatus.objects.filter(pk__in=ids).update(seq=F("seq") + 1)
    seqs = dict(BotStatus.objects.filter(pk__in=ids).values_list("pk", "seq"))
    changes = [Changed(pk, bots[pk].slug, bots[pk].team_id, (ALERTS,), seq) for pk, seq in seqs.items()]
    transaction.on_commit(lambda: announce(changes))
