"""A secret that can be recognised, and a search for it in all that the portal keeps."""

from django.apps import apps

CANARY = "canary-7f3e9c51d2-secret"


def tables_that_hold(text: str) -> list[str]:
    """The tables in which some row contains the text in clear."""
    return [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if any(text in repr(row) for row in model._base_manager.values_list())
    ]
