"""What every bot system must keep; systems are found by looking into the folder, so a new one is tested at once."""

import re

import pytest

from bots import systems
from bots.systems import errors
from bots.systems.addresses import AddressPolicy
from bots.systems.contract import VALUE_OF, Kind
from bots.systems.http import HttpDoor
from bots.systems.instructions import CARRIES, NEEDS, Instruction, longest_seconds

SYSTEMS = list(systems.found().values())
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{1,30}")


def below(kind: type) -> set[type]:
    return {kind}.union(*(below(child) for child in kind.__subclasses__()))


def filled(system) -> dict[str, str]:
    connection = {field.name: "s3cret" if field.secret else "alice" for field in system.fields}
    return connection | {"url": "http://127.0.0.1:9"}


@pytest.fixture
async def closed_door():
    door = HttpDoor(AddressPolicy.from_networks([]))
    yield door
    await door.aclose()


def test_systems_are_found_by_their_key():
    assert "freqtrade" in systems.found()
    assert [systems.get(key) for key in systems.found()] == SYSTEMS
    assert ("freqtrade", "Freqtrade") in systems.choices()


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_names_itself_and_its_fields(system):
    assert IDENTIFIER.fullmatch(system.key)
    assert system.label
    names = [field.name for field in system.fields]
    assert len(names) == len(set(names))
    assert "url" in names
    assert all(IDENTIFIER.fullmatch(name) for name in names)
    assert all(field.label and field.help for field in system.fields)


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_looks_like_a_secret_is_declared_as_one(system):
    telling = re.compile(r"pass|token|secret|key")
    assert [field.name for field in system.fields if telling.search(field.name) and not field.secret] == []
    assert any(field.secret for field in system.fields)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_poll_plan_says_how_often_each_kind_is_read(system):
    assert set(system.poll_plan) == set(Kind)
    assert all(5 <= seconds <= 3600 for seconds in system.poll_plan.values())
    assert system.poll_plan[Kind.STATE] <= 60


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("url", ["", "no address", "http://alice:s3cret@127.0.0.1", "file:///etc/passwd"])
async def test_an_unusable_address_is_a_wrong_setting(system, url, closed_door):
    with pytest.raises(errors.WrongSettings) as caught:
        system.open(filled(system) | {"url": url}, closed_door)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("system", SYSTEMS)
async def test_each_required_field_is_asked_for(system, closed_door):
    for field in system.fields:
        if field.required:
            with pytest.raises(errors.WrongSettings, match=field.label):
                system.open(filled(system) | {field.name: ""}, closed_door)
        else:
            system.open(filled(system) | {field.name: ""}, closed_door)


@pytest.mark.parametrize("system", SYSTEMS)
async def test_no_session_gets_around_the_door(system, closed_door):
    session = system.open(filled(system), closed_door)
    with pytest.raises(errors.AddressNotAllowed):
        await session.test()
    assert session.requests == 1


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("action", ["start", "no_such_act"])
async def test_no_command_gets_around_the_door(system, action, closed_door):
    with pytest.raises((errors.AddressNotAllowed, errors.NotOffered)) as caught:
        await system.open(filled(system), closed_door).perform(Instruction(action))
    assert caught.value.may_have_happened is False


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_session_does_not_show_its_secrets(system, closed_door):
    session = system.open(filled(system), closed_door)
    assert "s3cret" not in f"{session!r} {session}"


def test_every_kind_of_reading_has_its_value():
    assert set(VALUE_OF) == set(Kind) - {Kind.CLOSED_TRADES}


def test_what_an_action_needs_and_carries_are_fields_of_an_instruction():
    fields = set(Instruction.__struct_fields__)
    assert {name for needs in NEEDS.values() for one_of in needs for name in one_of} <= fields
    assert {name for carried in CARRIES.values() for name in carried} <= fields
    assert set(CARRIES) <= set(NEEDS)
    assert all(5 < longest_seconds(action) <= 60 for action in NEEDS)


def test_every_failure_has_a_code_of_its_own_and_says_who_must_act():
    kinds = below(errors.BotError)
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(re.fullmatch(r"[a-z_]+", kind.code) for kind in kinds)
    neither = {kind for kind in kinds if not issubclass(kind, errors.TryAgain | errors.NeedsAPerson)}
    assert neither == {errors.BotError, errors.NoSuchTrade, errors.Refused}


def test_the_tree_of_failures_is_drawn_as_it_is():
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__)) | {"BotError"}
    assert drawn == {kind.__name__ for kind in below(errors.BotError)}
