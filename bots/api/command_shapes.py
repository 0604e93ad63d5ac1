"""The shapes of commands, batches and the rules about them. Money and rates are decimal strings."""

from typing import Any

from rest_framework import serializers
from rest_framework.serializers import CharField, DateTimeField, IntegerField, JSONField

from bots.api.shapes import Shape, Words


class CommandShape(Shape):
    id = IntegerField()
    state = CharField(
        help_text="waiting (for a second person), intent (to be sent within 60 s), sent, done (the bot accepted), "
        "refused, unknown (its answer was lost; the bot is being read), closed (unknown, closed by a person), "
        "cancelled, expired (never sent)"
    )
    code = CharField(
        help_text="Why it ended so: trade_changed, not_sent_unreachable, bot_refused, no_effect, lost_answer, expired, "
        'declined ...; "" where all is well'
    )
    bot = CharField(help_text="Slug")
    team = CharField(help_text="Slug")
    mode = CharField(help_text="live or dry, when it was asked")
    action = CharField()
    params = JSONField(help_text="As asked, in canonical words")
    reason = CharField()
    trade = IntegerField(allow_null=True, help_text="The portal's id of the trade it is about")
    requested_by = CharField(help_text="User name")
    role = CharField(help_text="Of that person at that moment")
    requested_at = DateTimeField()
    address = CharField()
    client = CharField()
    session = CharField(help_text="Fingerprint of the session, or id of the token's session")
    before = JSONField(help_text="What was confirmed: pair, side, amount, open_ms, profit ... with `as_of`, its age")
    insists_on = IntegerField(allow_null=True, help_text="The command that this one repeats on purpose")
    batch = IntegerField(allow_null=True)
    expires_at = DateTimeField(help_text="Not approved, or not sent, by then it never will be")
    approved_by = CharField(help_text='"" unless a second person approved it')
    approved_at = DateTimeField(allow_null=True)
    sent_at = DateTimeField(allow_null=True)
    answered_at = DateTimeField(allow_null=True)
    ended_at = DateTimeField(allow_null=True)
    effect = CharField(help_text='What it brought at the bot: pending, filled, partly, cancelled, none; "" not known')
    outcome = JSONField(help_text="`sentence` for people, `words` of the bot, `effect`, `fill` of an exit ...")
    remark = CharField(help_text="Of the person who closed or declined it")
    closed_by = CharField()
    offers = Words(help_text="What you may do with it now: cancel, approve, decline, close")


class CommandInput(serializers.Serializer[Any]):
    """`params` depend on the action; of exits `{"trade_id", "amount"?, "order_type"?, "price"?, "expected"?}`.

    `expected` is what you saw: pair, side, amount, open_date of a trade; of the bot, with any action, mode (live, dry).
    """

    action = CharField(max_length=40)
    params = JSONField(required=False, default=dict)
    reason = CharField(max_length=500, required=False, allow_blank=True, default="")
    insists_on = IntegerField(required=False, allow_null=True, default=None, min_value=1)


class RemarkInput(serializers.Serializer[Any]):
    remark = CharField(max_length=500, required=False, allow_blank=True, default="")


class FourEyesShape(Shape):
    team = CharField()
    actions = Words(help_text="On LIVE bots these wait for a second person")
    wait_minutes = IntegerField(help_text="Not approved by then, a command expires")
    possible_actions = Words()


class FourEyesInput(serializers.Serializer[Any]):
    actions = serializers.ListField(child=CharField(max_length=40), max_length=40)
    wait_minutes = IntegerField(required=False, default=10)
