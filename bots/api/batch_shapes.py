"""The shapes of batches: one wish for many bots."""

from typing import Any

from rest_framework import serializers
from rest_framework.serializers import BooleanField, CharField, DateTimeField, FloatField, IntegerField, JSONField

from bots.api.command_shapes import CommandShape
from bots.api.shapes import Shape, Words
from bots.models import CommandBatch

KINDS = (CommandBatch.BULK, CommandBatch.PAUSE_ALL, CommandBatch.EXIT_ALL)
KIND_HELP = "pause_all and exit_all are the kill switch: every bot of the team; bulk: the bots or the tag you name"


class LeftOutShape(Shape):
    bot = CharField(help_text="Slug")
    code = CharField()
    sentence = CharField()


class BatchShape(Shape):
    id = IntegerField()
    team = CharField(help_text="Slug")
    kind = CharField(help_text=KIND_HELP)
    action = CharField()
    params = JSONField()
    reason = CharField()
    requested_by = CharField(help_text="User name")
    requested_at = DateTimeField()
    stopped_at = DateTimeField(allow_null=True)
    stopped_by = CharField()
    bots = IntegerField(help_text="Chosen")
    by_state = JSONField(help_text="State: number of commands")
    unsent = IntegerField(help_text="What stopping would end")
    repeatable = IntegerField(help_text="Refused, expired or left out: what repeating would ask again")
    ended = BooleanField(help_text="Nothing waits, is to be sent or is sent without an answer")
    left_out = LeftOutShape(many=True, help_text="Bots that got no command, and why")
    post_check = JSONField(
        help_text="Of a pause or an exit of everything, once all has ended: `sentence`, `bots`, `bots_done`, "
        "`open_trades_left`, `left`, `unknown` (not read since), `as_of`"
    )
    checked_at = DateTimeField(allow_null=True)


class BatchDetailShape(BatchShape):
    commands = CommandShape(many=True)


class PreviewTradeShape(Shape):
    trade_id = CharField()
    pair = CharField()
    side = CharField()
    amount = CharField(allow_null=True)
    profit_abs = CharField(allow_null=True)
    profit_ratio = CharField(allow_null=True)
    currency = CharField()


class PreviewLineShape(Shape):
    bot = CharField(help_text="Slug")
    name = CharField()
    mode = CharField()
    live = BooleanField(help_text="Also where the bot is not known to be dry")
    state = CharField()
    age_seconds = FloatField(allow_null=True)
    possible = BooleanField()
    code = CharField(help_text="Why it is not possible")
    sentence = CharField()
    note = CharField()
    waits = BooleanField(help_text="For a second person")
    trades = PreviewTradeShape(many=True, help_text="Open trades that an exit of everything would close")


class PreviewShape(Shape):
    bots = IntegerField()
    possible = IntegerField()
    live = IntegerField(help_text="Of the possible ones")
    type_to_confirm = Words(help_text="One of these must be given as `typed`; empty: nothing")
    lines = PreviewLineShape(many=True, help_text="LIVE ones first")


class ChoiceInput(serializers.Serializer[Any]):
    """Which bots: `bots` (slugs) or `tag` for kind bulk; the kill switch takes every bot of the team."""

    team = CharField(max_length=100, help_text="Slug")
    kind = serializers.ChoiceField(KINDS, default=CommandBatch.BULK, help_text=KIND_HELP)
    bots = serializers.ListField(child=CharField(max_length=120), required=False, max_length=500)
    tag = CharField(max_length=40, required=False)
    action = CharField(max_length=40, required=False, help_text="Of kind bulk")
    params = JSONField(required=False, default=dict)


class BatchInput(ChoiceInput):
    reason = CharField(max_length=500, required=False, allow_blank=True, default="")
    typed = CharField(
        max_length=150, required=False, allow_blank=True, default="", help_text="The team's name, where LIVE bots exit"
    )


class RepeatInput(serializers.Serializer[Any]):
    reason = CharField(max_length=500, required=False, allow_blank=True, default="")
    typed = CharField(max_length=150, required=False, allow_blank=True, default="")


class ApprovedShape(Shape):
    approved = IntegerField()
    refused = JSONField(help_text="Slug: sentence")
