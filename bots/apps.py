from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class BotsConfig(AppConfig):
    name = "bots"

    def ready(self) -> None:
        from accounts import announcements
        from bots import tasks
        from bots.domain import commands
        from bots.domain.audit.listening import listen
        from bots.models.append_only import after_migrate
        from bots.models.money import teach_sqlite

        connection_created.connect(teach_sqlite)
        post_migrate.connect(after_migrate, sender=self)
        announcements.team_changed.connect(tasks.team_changed)
        commands.on_intent(tasks.hand_over)
        listen()
