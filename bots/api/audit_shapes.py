"""The shapes of what `audit/` answers."""

from rest_framework.serializers import BooleanField, CharField, DateTimeField, IntegerField, JSONField

from bots.api.shapes import Shape


class AuditEntryShape(Shape):
    id = IntegerField()
    at = DateTimeField()
    action = CharField()
    actor = CharField(help_text='User name; "portal" for the installation itself, "" for nobody known')
    actor_id = IntegerField(allow_null=True)
    role = CharField(help_text="In the team, at that moment")
    team = CharField(help_text="Slug")
    team_id = IntegerField(allow_null=True)
    bot = CharField(help_text="Slug")
    bot_id = IntegerField(allow_null=True)
    subject = CharField(help_text="What it was done to, in words")
    address = CharField()
    client = CharField()
    session = CharField(help_text="Fingerprint of the session, or id of the token's session")
    details = JSONField()
    digest = CharField(help_text="Keyed, over this row and the digest of the one before")


class FindingShape(Shape):
    id = IntegerField(help_text="Of the row; 0 for the anchor")
    wrong = CharField()
    sentence = CharField()
    about = CharField(help_text="What the row claims to be; empty where you may not read it")


class ArchiveShape(Shape):
    first_id = IntegerField()
    last_id = IntegerField()
    at = CharField()
    file = CharField(help_text="Its name; empty where the checkpoint itself lies in an archive")
    sha256 = CharField()


class AuditReportShape(Shape):
    fine = BooleanField()
    entries = IntegerField(help_text="Read")
    head_id = IntegerField()
    head_digest = CharField()
    anchored_id = IntegerField(help_text="0: there is no anchor")
    anchored_at = CharField()
    not_anchored = IntegerField(help_text="Written since the last anchor")
    archived = ArchiveShape(
        many=True, help_text="Rows no longer in the table; their files are read by verify_audit --archives"
    )
    bad = IntegerField(help_text="Findings; the first 1,000 are listed")
    findings = FindingShape(many=True)
