from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from bots.domain.polling.asking import PollResult
from bots.domain.polling.by_hand import poll_now
from bots.models import Bot


class Command(BaseCommand):
    help = "Ask one bot for everything now, write it, and say what came."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")

    def handle(self, slug: str, **options: object) -> None:
        bot = Bot.objects.active().filter(slug=slug).first()
        if bot is None:
            raise CommandError(f"There is no bot {slug!r}")
        result = poll_now(bot)
        if result.error is not None:
            raise CommandError(f"{slug}: {result.error} ({result.error.code})")
        self.report(result)

    def report(self, result: PollResult) -> None:
        bot, status, run = result.order.bot, result.order.status, result.order.run
        self.stdout.write(f"{bot.slug}: {status.state}, {status.mode}, {bot.system_class.label} {status.version}")
        if run is not None:
            profit = f"{run.closed_count} closed, {run.closed_profit} {run.currency} realized"
            self.stdout.write(f"trades: {status.open_count} open, {profit}")
        for kind, error in result.failed.items():
            self.stdout.write(f"no {kind}: {error} ({error.code})")
        self.stdout.write(f"{result.requests} requests in {result.seconds:.2f} s")
