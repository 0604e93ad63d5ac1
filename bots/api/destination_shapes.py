"""The shapes of destinations of alerts and of what was delivered there."""

from typing import Any

from rest_framework import serializers
from rest_framework.serializers import BooleanField, CharField, ChoiceField, DateTimeField, IntegerField, JSONField

from bots.api.shapes import Shape, Words
from bots.domain.alerts.destinations import KINDS, LONGEST_ADDRESS, MODES, MOST_PER_HOUR, MOST_SECRET
from bots.domain.events.kinds import SEVERITIES


class DeliveryShape(Shape):
    id = IntegerField()
    what = CharField(help_text="opened, cleared, reminder, digest (many at once), test")
    alert = IntegerField(allow_null=True)
    state = CharField(
        help_text="pending (waits, or is tried again at next_try_at), claimed (a worker sends it), sent, given_up, "
        "digested (told by the digest part_of, if that is sent), dropped (not worth telling any more)"
    )
    attempts = IntegerField()
    maybe_twice = BooleanField(help_text="An attempt left and was never answered: it may have arrived twice")
    part_of = IntegerField(allow_null=True)
    digest_state = CharField(allow_null=True, help_text="state of the digest part_of: what became of this telling")
    created_at = DateTimeField()
    next_try_at = DateTimeField(allow_null=True)
    begun_at = DateTimeField(allow_null=True)
    ended_at = DateTimeField(allow_null=True)
    took_ms = IntegerField(allow_null=True)
    code = CharField(help_text='Why it failed; "" where all is well')
    words = CharField()
    asked_by = CharField(help_text="Of a test")
    counts = JSONField(help_text="Of a digest: how many alerts and bots")


class DestinationShape(Shape):
    id = IntegerField()
    team = CharField(help_text="Slug")
    kind = CharField(help_text=", ".join(KINDS))
    name = CharField()
    shown = CharField(help_text="What people know the address by; never the address")
    set_fields = Words(help_text="The sealed fields that hold something: address, secret")
    least = CharField(help_text="Alerts of this severity or a graver one")
    mode = CharField(help_text='live: of LIVE bots only; "": of all')
    enabled = BooleanField()
    most_per_hour = IntegerField(help_text="What is more comes as one digest")
    created_at = DateTimeField()
    created_by = CharField()
    last = DeliveryShape(allow_null=True, help_text="The newest telling that was tried")


class DestinationChange(serializers.Serializer[Any]):
    name = CharField(max_length=100, required=False)
    address = CharField(
        max_length=LONGEST_ADDRESS, required=False, allow_blank=True, write_only=True, help_text="Sealed, never shown"
    )
    secret = CharField(
        max_length=MOST_SECRET, required=False, allow_blank=True, write_only=True, help_text="Signs a webhook's body"
    )
    least = ChoiceField(SEVERITIES, required=False)
    mode = ChoiceField(MODES, required=False, allow_blank=True)
    enabled = BooleanField(required=False)
    most_per_hour = IntegerField(min_value=1, max_value=MOST_PER_HOUR, required=False)


class DestinationInput(DestinationChange):
    team = CharField(help_text="Slug")
    kind = CharField(max_length=8, help_text=", ".join(KINDS))
    name = CharField(max_length=100)
    address = CharField(max_length=LONGEST_ADDRESS, write_only=True, help_text="Sealed, never shown")
