"""The number of open trades is no reading of its own any more; an interval that somebody chose for it goes."""

from django.db import migrations


def forget_counts(apps, schema_editor):
    bots = apps.get_model("bots", "Bot")
    for bot in bots.objects.filter(poll_plan__has_key="count"):
        del bot.poll_plan["count"]
        bot.save(update_fields=["poll_plan"])


class Migration(migrations.Migration):

    dependencies = [("bots", "0015_alert_clock")]

    operations = [migrations.RunPython(forget_counts, migrations.RunPython.noop)]
