"""Whether what a person typed can be a connection: the fields the system declares, and nothing else."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from bots.models import Bot
from bots.systems.contract import BotSystem, Field, Kind
from bots.systems.errors import WrongSettings

LONGEST_FIELD = 2000
LONGEST_NAME = 100
MOST_TAGS, LONGEST_TAG = 20, 40
FASTEST_SECONDS, SLOWEST_SECONDS = 1, 24 * 3600
CONTROL_SIGNS = re.compile(r"[\x00-\x1f\x7f]")

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Typed:
    """A connection's fields, told apart: only `connection` may be shown or written down in clear."""

    connection: dict[str, str]
    secrets: dict[str, str] = field(repr=False)


def system_called(key: str) -> type[BotSystem]:
    """Raises ValidationError on `system`."""
    try:
        return Bot(system=key).system_class
    except KeyError:
        raise ValidationError({"system": f"There is no bot system {key!r}"}) from None


def typed_apart(system: type[BotSystem], given: Mapping[str, object]) -> Typed:
    """`given`: declared fields, secrets in clear among them. An empty secret is none.

    Raises ValidationError by field: unknown, not text, too long, control signs."""
    declared = {field.name: field for field in system.fields}
    errors = {
        name: problems for name, value in given.items() if (problems := wrongs(system, declared.get(name), value))
    }
    if errors:
        raise ValidationError(errors)
    texts = {name: str(value) for name, value in given.items()}
    return Typed(
        {name: text.strip() for name, text in texts.items() if not declared[name].secret},
        {name: text for name, text in texts.items() if declared[name].secret and text},
    )


def wrongs(system: type[BotSystem], declared: Field | None, value: object) -> list[str]:
    """Never quotes the value: it may be a secret typed into the wrong place."""
    if declared is None:
        return [f"{system.label} has no such field"]
    if not isinstance(value, str):
        return [f"{declared.label} must be text"]
    if len(value) > LONGEST_FIELD:
        return [f"{declared.label} is longer than {LONGEST_FIELD} signs"]
    if CONTROL_SIGNS.search(value):
        return [f"{declared.label} contains a line break or another control sign"]
    return []


def require_once(system: type[BotSystem], connection: Mapping[str, str], others: Iterable[Bot]) -> None:
    """Nobody else in the team leads to the same bot: its trades would count twice. Raises ValidationError."""
    field, identity = system.identity(connection)
    for other in others:
        if system.identity(other.connection)[1] == identity:
            raise ValidationError({field: f"{other.name} already leads there: its trades would count twice"})


def leads_to(system: type[BotSystem], connection: Mapping[str, str]) -> str:
    """What two connections to the same bot have in common; "" while the open fields have not the shape of one."""
    needed = [field.name for field in system.fields if field.required and not field.secret]
    if not all(connection.get(name) for name in needed):
        return ""
    try:
        system.check_connection(connection)
    except WrongSettings:
        return ""
    return system.identity(connection)[1]


def require_complete(system: type[BotSystem], connection: Mapping[str, str], secret_names: Collection[str]) -> None:
    """Every required field is there, and the system finds nothing wrong with their shape. Raises ValidationError."""
    there = {name for name, text in connection.items() if text} | set(secret_names)
    missing: Errors = {
        field.name: [f"{field.label} is required"]
        for field in system.fields
        if field.required and field.name not in there
    }
    if missing:
        raise ValidationError(missing)
    try:
        system.check_connection(connection)
    except WrongSettings as wrong:
        raise ValidationError({field_blamed(system, wrong): str(wrong)}) from None


def field_blamed(system: type[BotSystem], wrong: WrongSettings) -> str:
    """The field the system names, else its address."""
    names = [field.name for field in system.fields]
    told = [wrong.field, "url", "server"]
    return next((name for name in told if name in names), NON_FIELD_ERRORS)


def checked_name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ValidationError({"name": "A bot needs a name"})
    if len(name.strip()) > LONGEST_NAME or CONTROL_SIGNS.search(name):
        raise ValidationError({"name": f"A name has at most {LONGEST_NAME} signs and no line breaks"})
    return name.strip()


def checked_tags(tags: object) -> list[str]:
    """Without doubles and blanks, in the order given."""
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
        raise ValidationError({"tags": "Tags are a list of words"})
    clean = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if len(clean) > MOST_TAGS or any(len(tag) > LONGEST_TAG or CONTROL_SIGNS.search(tag) for tag in clean):
        raise ValidationError({"tags": f"At most {MOST_TAGS} tags of at most {LONGEST_TAG} signs"})
    return clean


def checked_plan(plan: object) -> dict[str, float]:
    """Seconds between two readings, by kind."""
    if not isinstance(plan, Mapping):
        raise ValidationError({"poll_plan": "The poll plan names seconds by kind of reading"})
    unknown = sorted(set(plan) - {str(kind) for kind in Kind})
    if unknown:
        raise ValidationError({"poll_plan": f"No such reading: {', '.join(map(str, unknown))}"})
    for kind, seconds in plan.items():
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not number or not FASTEST_SECONDS <= seconds <= SLOWEST_SECONDS:
            wanted = f"between {FASTEST_SECONDS} and {SLOWEST_SECONDS} seconds"
            raise ValidationError({"poll_plan": f"{kind} must lie {wanted}"})
    return {str(kind): float(seconds) for kind, seconds in plan.items()}
