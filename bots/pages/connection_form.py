"""The form of a connection, drawn from the fields its system declares. Secrets go in and never come out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import QueryDict

from bots.models import Bot

OWN_FIELDS = {"name", "tags", "team", "system", "poll_plan"}
PLAN = "plan-"  # before the kind, in the names of the form's fields


@dataclass(frozen=True)
class ShownField:
    name: str
    label: str
    value: str  # of a secret always ""
    secret: bool
    required: bool
    help: str
    placeholder: str
    is_set: bool  # a secret is stored
    errors: list[str]


@dataclass(frozen=True)
class ShownInterval:
    """How often one kind is read, in seconds: the system's own figure, and the bot's where it has one."""

    kind: str
    label: str
    usual: float
    value: str


@dataclass
class ConnectionForm:
    """What a person typed, or what is stored, and what is wrong with it."""

    system: str
    name: str = ""
    tags: str = ""  # as typed: words between commas
    team: str = ""
    connection: dict[str, str] = field(default_factory=dict)
    forget: list[str] = field(default_factory=list)
    plan: dict[str, str] | None = None  # kind -> seconds as typed, "" as usual; None: not asked about
    bot: Bot | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of_bot(cls, bot: Bot) -> Self:
        texts = {name: str(value) for name, value in bot.connection.items()}
        plan = {kind: f"{seconds:g}" for kind, seconds in bot.poll_plan.items()}
        return cls(bot.system, bot.name, ", ".join(bot.tags), bot.team.slug, texts, plan=plan, bot=bot)

    @classmethod
    def typed(cls, given: QueryDict, system: str, bot: Bot | None = None) -> Self:
        names = [declared.name for declared in Bot(system=system).fields]
        texts = {name: given.get(name, "") for name in names if name in given}
        name, tags, team = (given.get(field, "") for field in ("name", "tags", "team"))
        plan = {key.removeprefix(PLAN): str(given[key]).strip() for key in given if key.startswith(PLAN)}
        return cls(system, name, tags, team, texts, given.getlist("forget"), plan or None, bot)

    @property
    def intervals(self) -> list[ShownInterval]:
        usual, typed = Bot(system=self.system).system_class.poll_plan, self.plan or {}
        return [
            ShownInterval(str(kind), kind.replace("_", " ").capitalize(), seconds, typed.get(str(kind), ""))
            for kind, seconds in usual.items()
        ]

    @property
    def poll_plan(self) -> dict[str, float] | None:
        """What differs from the usual; None when the form did not ask. Raises ValidationError."""
        if self.plan is None:
            return None
        try:
            return {kind: float(text) for kind, text in self.plan.items() if text}
        except ValueError:
            raise ValidationError({"poll_plan": "Intervals are numbers of seconds"}) from None

    @property
    def tag_list(self) -> list[str]:
        return [tag.strip() for tag in self.tags.split(",")]

    @property
    def fields(self) -> list[ShownField]:
        stored = self.bot.sealed if self.bot else {}
        return [
            ShownField(
                name=declared.name,
                label=declared.label,
                value="" if declared.secret else self.connection.get(declared.name, ""),
                secret=declared.secret,
                required=declared.required,
                help=declared.help,
                placeholder=declared.placeholder,
                is_set=declared.name in stored,
                errors=self.errors.get(declared.name, []),
            )
            for declared in Bot(system=self.system).fields
        ]

    @property
    def other_errors(self) -> list[str]:
        """Those that belong to no field on the page."""
        drawn = {shown.name for shown in self.fields} | (OWN_FIELDS - {"system"})
        return [text for name, texts in self.errors.items() if name not in drawn for text in texts]

    def refuse(self, problem: ValidationError) -> None:
        self.errors = errors_of(problem)


def errors_of(problem: ValidationError) -> dict[str, list[str]]:
    if hasattr(problem, "error_dict"):
        return problem.message_dict
    return {NON_FIELD_ERRORS: problem.messages}


def prefilled(form: ConnectionForm, given: Mapping[str, str], connection: Mapping[str, Any]) -> ConnectionForm:
    """After a test without JavaScript: what was typed, but for the secrets, which are not kept."""
    form.name, form.tags = given.get("name", form.name), given.get("tags", form.tags)
    form.connection = {name: str(value) for name, value in connection.items()} or form.connection
    return form


def system_choices() -> Sequence[tuple[str, str]]:
    return list(Bot._meta.get_field("system").flatchoices)
