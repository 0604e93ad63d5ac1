"""A fresh installation gets its tables in one step; an older one goes on from where it is."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ModelState

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
    forget(ONE_STEP[1], "0013_alerts", "0014_unsure_deliveries", "0015_alert_clock")

    assert planned()[:3] == ["bots.0013_alerts", "bots.0014_unsure_deliveries", "bots.0015_alert_clock"]
