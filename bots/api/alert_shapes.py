"""The shapes of alerts, their rules, mutes and maintenance windows."""

from typing import Any

from rest_framework import serializers
from rest_framework.serializers import BooleanField, CharField, DateTimeField, IntegerField, JSONField

from bots.api.shapes import Shape, Words
from bots.domain.alerts import KINDS
from bots.domain.events.kinds import SEVERITIES

PARAMS_HELP = "What the kind declares (`alert-rules/kinds/`); ratios as decimal strings: 0.05 is 5 %"


class AlertShape(Shape):
    id = IntegerField()
    state = CharField(help_text="open, acknowledged, cleared")
    kind = CharField(help_text=", ".join(KINDS))
    severity = CharField(help_text=", ".join(SEVERITIES))
    team = CharField(help_text="Slug")
    bot = CharField(allow_null=True, help_text="Slug; null: the portal itself")
    rule = IntegerField(allow_null=True, help_text="null: it was removed")
    mode = CharField(help_text='live or dry when it opened; "" of the portal')
    text = CharField(help_text="Goes on from the bot's name")
    detail = CharField()
    data = JSONField(help_text="`figure`, `limit`, `unit` (ratio, minutes, hours, times), `currency`, `as_of`")  # type: ignore[assignment]
    since = DateTimeField(help_text="The thing itself")
    opened_at = DateTimeField(help_text="Found then")
    last_at = DateTimeField(help_text="Last seen to be so; of events the last one")
    times = IntegerField(help_text="Events that told of it")
    silent = CharField(help_text='Why nobody is told: muted, maintenance, safe_mode; "" somebody is')
    announced_at = DateTimeField(allow_null=True, help_text="Handed to the destinations")
    acknowledged_at = DateTimeField(allow_null=True)
    acknowledged_by = CharField()
    remark = CharField()
    cleared_at = DateTimeField(allow_null=True)
    cleared_by = CharField(help_text='"" by itself')
    cleared_why = CharField()
    may_close = BooleanField(help_text="It tells of events; what is still so clears by itself")


class AlertRemarkInput(serializers.Serializer[Any]):
    remark = CharField(max_length=500, required=False, allow_blank=True, default="")


class AlertRuleShape(Shape):
    id = IntegerField()
    team = CharField(help_text="Slug")
    kind = CharField()
    name = CharField()
    enabled = BooleanField()
    severity = CharField()
    params = JSONField(help_text=PARAMS_HELP)
    bot = CharField(help_text='Slug; "" not one bot')
    tag = CharField(help_text='"" with `bot` "": all bots of the team')
    mode = CharField(help_text='live, or "" for both')
    remind_hours = IntegerField(allow_null=True, help_text="null: never told again")
    changed_at = DateTimeField()


class AlertRuleChange(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    name = CharField(max_length=100, allow_blank=True, required=False)
    enabled = BooleanField(required=False)
    severity = CharField(max_length=8, allow_blank=True, required=False)
    params = JSONField(required=False, help_text=PARAMS_HELP + "; of a change, those given replace theirs")
    bot = CharField(max_length=120, allow_blank=True, required=False)
    tag = CharField(max_length=60, allow_blank=True, required=False)
    mode = CharField(max_length=4, allow_blank=True, required=False)
    remind_hours = IntegerField(allow_null=True, required=False)

    def validate_params(self, value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise serializers.ValidationError("An object: name and value of each parameter")
        return value


class AlertRuleInput(AlertRuleChange):
    team = CharField(max_length=100)
    kind = CharField(max_length=24)


class ParamShape(Shape):
    name = CharField()
    label = CharField()  # type: ignore[assignment]
    unit = CharField(help_text="minutes, hours, times, ratio, choice")
    default = CharField()
    least = CharField(help_text='"" of a choice')
    most = CharField()
    choices = Words()


class RuleKindShape(Shape):
    kind = CharField()
    label = CharField()  # type: ignore[assignment]
    sentence = CharField()
    severity = CharField()
    lasting = BooleanField(help_text="false: it tells of events")
    of_portal = BooleanField()
    params = ParamShape(many=True)


class MuteShape(Shape):
    id = IntegerField()
    team = CharField()
    rule = IntegerField(allow_null=True, help_text="null: every rule")
    bot = CharField(allow_null=True, help_text="Slug; null: every bot")
    until = DateTimeField()
    reason = CharField()
    muted_by = CharField()
    created_at = DateTimeField()


class MuteInput(serializers.Serializer[Any]):
    team = CharField(max_length=100)
    rule = IntegerField(required=False, allow_null=True, default=None)
    bot = CharField(max_length=120, required=False, allow_blank=True, default="")
    until = DateTimeField()
    reason = CharField(max_length=300, required=False, allow_blank=True, default="")


class MaintenanceShape(Shape):
    id = IntegerField()
    team = CharField()
    bot = CharField(allow_null=True, help_text="Slug; null: all of the team's")
    starts_at = DateTimeField()
    ends_at = DateTimeField()
    reason = CharField()
    planned_by = CharField()
    created_at = DateTimeField()


class MaintenanceInput(serializers.Serializer[Any]):
    team = CharField(max_length=100)
    bot = CharField(max_length=120, required=False, allow_blank=True, default="")
    starts_at = DateTimeField(required=False, help_text="Now, when left out")
    ends_at = DateTimeField()
    reason = CharField(max_length=300, required=False, allow_blank=True, default="")
