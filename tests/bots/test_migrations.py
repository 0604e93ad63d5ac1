"""A fresh installation gets its tables in one step; an older one goes on from where it is."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ModelState

from accounts.models import Team
from bots.models import Bot
from tests.builders import a_bot

LAST_OF_THE_SINGLE_STEPS = ("bots", "0015_alert_clock")
ONE_STEP = ("bots", "0001_squashed_0015_alert_clock")


def tables_after(step: tuple[str, str], *, single_steps: bool) -> dict[tuple[str, str], ModelState]:
    loader = MigrationLoader(None, replace_migrations=not single_steps)
    return {key: model for key, model in loader.project_state(step).models.items() if key[0] == "bots"}


def columns(model: ModelState) -> list[tuple[str, object]]:
    """In their order in the table."""
    return [(name, field.deconstruct()[1:]) for name, field in model.fields.items()]


def rules(model: ModelState) -> dict[str, object]:
    return {name: value for name, value in model.options.items() if value or name not in ("indexes", "constraints")}


def planned() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{step.app_label}.{step.name}" for step, _ in plan]


def forget(*names: str) -> None:
    """As if these steps had not been taken."""
    MigrationRecorder.Migration.objects.using("default").filter(app="bots", name__in=names).delete()


def test_the_one_step_makes_the_tables_that_the_single_steps_make() -> None:
    one = tables_after(ONE_STEP, single_steps=False)
    single = tables_after(LAST_OF_THE_SINGLE_STEPS, single_steps=True)

    assert list(one) == list(single)
    assert len(one) == 29
    for name, model in single.items():
        assert columns(one[name]) == columns(model), name
        assert rules(one[name]) == rules(model), name


@pytest.mark.django_db
def test_an_installation_that_took_the_single_steps_has_nothing_left_to_do() -> None:
    forget(ONE_STEP[1])

    assert planned() == []


@pytest.mark.django_db
def test_an_installation_halfway_takes_the_single_steps_that_are_left() -> None:
    first = ["0013_alerts", "0014_unsure_deliveries", "0015_alert_clock", "0016_no_count", "0017_lines_by_relay"]
    left = [*first, "0018_poll_durations"]
    forget(ONE_STEP[1], *left)

    assert planned() == [f"bots.{name}" for name in left]


def test_an_interval_chosen_for_the_count_goes_and_the_others_stay(alpha: Team) -> None:
    chosen, usual = a_bot(alpha, "chosen"), a_bot(alpha, "usual")
    Bot.objects.filter(pk=chosen.pk).update(poll_plan={"count": 30, "balance": 300})

    import_module("bots.migrations.0016_no_count").forget_counts(apps, None)

    plans = dict(Bot.objects.values_list("pk", "poll_plan"))
    assert plans == {chosen.pk: {"balance": 300}, usual.pk: {}}
