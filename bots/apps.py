from django.apps import AppConfig
from django.db.backends.signals import connection_created


class BotsConfig(AppConfig):
    name = "bots"

    def ready(self) -> None:
        from bots.models.money import teach_sqlite

        connection_created.connect(teach_sqlite)
