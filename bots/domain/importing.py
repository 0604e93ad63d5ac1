"""Adding many bots at once: every line judged as the form would judge it, then all good ones added together.

Judging seals the secrets and writes nothing. Adding is one transaction: each bot with its rows and its audit row, and
one more for the import; or, when that fails, nothing.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction

from accounts.models import Team
from bots.domain.audit import Act, Actor, append_together
from bots.domain.bot_lists import Line
from bots.domain.connection_fields import leads_to, typed_apart
from bots.domain.connections import SLUG_TRIES, bot_added, one_at_a_time, shaped
from bots.domain.events import Changed, announce
from bots.models import Bot, BotStatus, PollTurn

Place = tuple[str, str]  # a system, and what two connections to the same bot have in common
NAME_SHOWN = 100


class Result(StrEnum):
    READY = "ready"
    ADDED = "added"
    ALREADY_THERE = "already there"
    REFUSED = "refused"


@dataclass(frozen=True)
class Verdict:
    """What became, or would become, of a line. `bot`: as it is to be added, while the result is ready or added."""

    line: int
    name: str
    result: Result
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)  # label of the field, or "" -> sentences
    bot: Bot | None = None

    @property
    def sentence(self) -> str:
        return "; ".join(
            f"{label}: {text}" if label else text for label, texts in self.errors.items() for text in texts
        )

    def already(self, sentence: str) -> "Verdict":
        return replace(self, result=Result.ALREADY_THERE, errors={"": [sentence]}, bot=None)


def judged(team: Team, lines: Iterable[Line]) -> list[Verdict]:
    """What would become of each line now. Nothing is written."""
    there = places_of(team)
    verdicts = []
    for line in lines:
        verdict, place = judge(team, line, there)
        if verdict.result is Result.READY:
            there[place] = f"line {line.number}"
        verdicts.append(verdict)
    return verdicts


def places_of(team: Team) -> dict[Place, str]:
    """Where the team's bots lead, and their names."""
    return {place_of(bot): bot.name for bot in Bot.objects.active().filter(team=team)}


def place_of(bot: Bot) -> Place:
    return bot.system, leads_to(bot.system_class, bot.connection)


def judge(team: Team, line: Line, there: Mapping[Place, str]) -> tuple[Verdict, Place]:
    """That a bot is there already is said before its missing secrets are: a list that was exported has none."""
    facts, place = line.facts, ("", "")
    verdict = Verdict(line.number, facts.name.strip()[:NAME_SHOWN], Result.READY)
    try:
        if line.errors:
            raise ValidationError(line.errors)
        system = known_system(facts.system)
        place = (
            facts.system,
            leads_to(system.system_class, typed_apart(system.system_class, facts.connection).connection),
        )
        if place[1] and place in there:
            return verdict.already(f"{there[place]} leads there"), place
        bot = shaped(
            team,
            system=facts.system,
            name=facts.name,
            connection=facts.connection,
            tags=facts.tags,
            poll_plan=facts.poll_plan,
        )
    except ValidationError as problem:
        return replace(verdict, result=Result.REFUSED, errors=labelled(problem, facts.system)), place
    bot.enabled = facts.enabled
    return replace(verdict, bot=bot), place


def known_system(key: str) -> Bot:
    """Raises ValidationError, which does not quote the word: it may be a secret in the wrong column."""
    labels = dict(Bot._meta.get_field("system").flatchoices)
    if key not in labels:
        raise ValidationError({"system": f"There is no such bot system; there is {', '.join(labels)}"})
    return Bot(system=key)


def labelled(problem: ValidationError, system: str) -> dict[str, list[str]]:
    """The sentences by the field's label, where they do not name it themselves."""
    fields = Bot(system=system).fields if system in dict(Bot._meta.get_field("system").flatchoices) else ()
    labels = {declared.name: declared.label for declared in fields} | {NON_FIELD_ERRORS: "", "row": ""}
    found: dict[str, list[str]] = {}
    for name, sentences in problem.message_dict.items():
        label = labels.get(name, name)
        found.setdefault("" if any(label in text for text in sentences) else label, []).extend(sentences)
    return found


def import_bots(actor: Actor, team: Team, verdicts: Sequence[Verdict], *, whole: bool = False) -> list[Verdict]:
    """Add what is ready, and say what became of each line. `whole`: nothing, unless every line is good.

    A bot that came to the team since the verdicts were made is not added again. Raises AuditUnavailable, and then
    nothing was added."""
    if whole and any(verdict.result is Result.REFUSED for verdict in verdicts):
        return list(verdicts)
    with transaction.atomic():
        one_at_a_time(team.pk)
        final = judged_again(team, verdicts)
        bots = [verdict.bot for verdict in final if verdict.result is Result.READY and verdict.bot is not None]
        if bots:
            insert_together(bots)
            append_together([*(bot_added(actor, bot) for bot in bots), imported(actor, team, final)])
    return [replace(each, result=Result.ADDED) if each.result is Result.READY else each for each in final]


def insert_together(bots: Sequence[Bot]) -> None:
    """The bots with all their rows, in a few statements: everybody who writes is waiting on SQLite."""
    insert_with_free_slugs(bots)
    BotStatus.objects.bulk_create([BotStatus(bot=bot, seq=1) for bot in bots])
    PollTurn.objects.bulk_create([PollTurn(bot=bot) for bot in bots])
    changed = [Changed(bot.pk, bot.slug, bot.team_id, ("connection", "state"), 1) for bot in bots]
    transaction.on_commit(lambda: announce(changed))


def insert_with_free_slugs(bots: Sequence[Bot]) -> None:
    """Another team may take one of the slugs at the same moment: then all are chosen anew."""
    for _ in range(SLUG_TRIES):
        give_free_slugs(bots)
        try:
            with transaction.atomic():
                Bot.objects.bulk_create(bots)
        except IntegrityError:
            if not Bot.objects.filter(slug__in=[bot.slug for bot in bots]).exists():
                raise
        else:
            return
    raise ValidationError("Too many bots of these names are being added at once; try again")


def give_free_slugs(bots: Sequence[Bot]) -> None:
    taken = set(Bot.objects.values_list("slug", flat=True))
    for bot in bots:
        bot.slug = bot.slug_beside(taken)
        taken.add(bot.slug)


def judged_again(team: Team, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """With the team's other bots as they are now: what was ready may be there already, retired since or not."""
    there = places_of(team)
    used = set(
        Bot.objects.filter(uuid__in=[each.bot.uuid for each in verdicts if each.bot]).values_list("uuid", flat=True)
    )
    return [judge_again(verdict, there, used) for verdict in verdicts]


def judge_again(verdict: Verdict, there: Mapping[Place, str], used: set[uuid.UUID]) -> Verdict:
    if verdict.bot is None:
        return verdict
    place = place_of(verdict.bot)
    if place in there:
        return verdict.already(f"{there[place]} leads there")
    return verdict.already("this list was imported before") if verdict.bot.uuid in used else verdict


def imported(actor: Actor, team: Team, verdicts: Sequence[Verdict]) -> Act:
    results = [verdict.result for verdict in verdicts]
    counts = {
        "lines": len(results),
        "added": results.count(Result.READY),
        "already_there": results.count(Result.ALREADY_THERE),
        "refused": results.count(Result.REFUSED),
    }
    return Act("bots_imported", actor, team.name, team.slug, team.pk, details=counts)


def counted(verdicts: Sequence[Verdict]) -> dict[Result, int]:
    """How many lines have each result; none left out, so that a sentence can be made of it."""
    results = [verdict.result for verdict in verdicts]
    return {result: results.count(result) for result in Result}
