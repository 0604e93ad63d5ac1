"""Alice brings many bots to her team at once: each line for itself, or all of them or none."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.domain import importing
from bots.domain.audit import AuditUnavailable
from bots.domain.bot_lists import read_list
from bots.domain.bot_lists.csv_text import csv_text
from bots.domain.connections import add_bot, retire_bot
from bots.domain.importing import Result, import_bots, judged
from bots.models import AuditEntry, Bot, BotStatus, PollTurn
from tests.bots.domain.audit_acts import ALICE, audit_full

SECRET = "import-canary-77c"
HEADING = "name,url,username,password,tags\n"
TWO = HEADING + f"btc-01,http://10.0.0.1:8080,ft,{SECRET},trend\neth-01,http://10.0.0.2:8080,ft,{SECRET},\n"


def verdicts_of(team, text):
    return judged(team, read_list(text.encode()))


def results(verdicts):
    return [(verdict.line, verdict.name, verdict.result.value, verdict.sentence) for verdict in verdicts]


def test_every_good_line_becomes_a_bot_that_is_asked_at_once(alpha):
    done = import_bots(ALICE, alpha, verdicts_of(alpha, TWO))

    assert results(done) == [(2, "btc-01", "added", ""), (3, "eth-01", "added", "")]
    first = Bot.objects.get(slug="btc-01")
    assert first.connection == {"url": "http://10.0.0.1:8080", "username": "ft"}
    assert (first.team, first.tags, first.enabled) == (alpha, ["trend"], True)
    assert first.opened_connection()["password"] == SECRET
    assert BotStatus.objects.count() == PollTurn.objects.count() == 2


def test_the_audit_has_a_row_for_each_bot_and_one_for_the_import(alpha):
    import_bots(ALICE, alpha, verdicts_of(alpha, TWO + "bad,,,,\n"))

    rows = list(AuditEntry.objects.order_by("id").values_list("action", "bot", "actor", "team"))
    assert rows == [
        ("bot_added", "btc-01", "alice", "alpha"),
        ("bot_added", "eth-01", "alice", "alpha"),
        ("bots_imported", "", "alice", "alpha"),
    ]
    last = AuditEntry.objects.get(action="bots_imported")
    assert last.details == {"lines": 3, "added": 2, "already_there": 0, "refused": 1}
    assert SECRET not in str(list(AuditEntry.objects.values()))


def test_judging_writes_nothing(alpha):
    with CaptureQueriesContext(connection) as asked:
        verdicts = verdicts_of(alpha, TWO)

    assert [verdict.result for verdict in verdicts] == [Result.READY, Result.READY]
    assert [query["sql"].split()[0] for query in asked] == ["SELECT"]
    assert not Bot.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (",http://10.0.0.9:8080,ft,pw,", "A bot needs a name"),
        ("a,,ft,pw,", "Address is required"),
        ("a,http://10.0.0.1:8080,,,", "User name is required; Password is required"),
        ("a,ftp://10.0.0.1,ft,pw,", "Address: The address must begin with http:// or https://"),
        (f"a,http://u:{SECRET}@10.0.0.1,ft,pw,", "Address: User name and password have fields of their own"),
        ("a,http://10.0.0.1,f:t,pw,", "User name: A user name with a colon cannot be sent to a bot"),
        (f"a,http://10.0.0.1,ft,pw,{SECRET * 9}", "At most 20 tags of at most 40 signs"),
        (f"a,http://10.0.0.1,ft,{SECRET},b,c", "6 cells below 5 headings"),
        (f'a,http://10.0.0.1,ft,"{SECRET}\nx",', "Password contains a line break"),
    ],
)
def test_a_line_is_refused_by_the_rules_of_the_form_and_the_others_are_added(alpha, row, sentence):
    done = import_bots(ALICE, alpha, verdicts_of(alpha, TWO + row + "\n"))

    assert [verdict.result.value for verdict in done] == ["added", "added", "refused"]
    assert done[2].sentence.startswith(sentence)
    assert SECRET not in done[2].sentence
    assert Bot.objects.count() == 2


def test_an_unknown_system_field_or_plan_is_refused_without_quoting(alpha):
    text = f"- {{name: a, system: {SECRET}}}\n"
    text += f"- {{name: b, url: 'http://x', username: u, password: p, pasword: {SECRET}}}\n"
    text += "- {name: c, url: 'http://y', username: u, password: p, poll_plan: {balance: 0.1}}\n"
    done = verdicts_of(alpha, text)

    assert [verdict.sentence for verdict in done] == [
        "There is no such bot system; there is freqtrade",
        "pasword: Freqtrade has no such field",
        "poll_plan: balance must lie between 1 and 86400 seconds",
    ]


def test_a_bot_that_is_not_to_be_asked_yet_comes_with_its_own_plan_and_is_not_asked(alpha):
    text = "- {name: a, url: 'http://10.0.0.1', username: u, password: p, enabled: no, poll_plan: {balance: 300}}\n"
    import_bots(ALICE, alpha, verdicts_of(alpha, text))

    assert Bot.objects.values_list("enabled", "poll_plan").get() == (False, {"balance": 300.0})


def test_all_or_nothing_adds_none_when_one_line_is_refused(alpha):
    done = import_bots(ALICE, alpha, verdicts_of(alpha, TWO + "bad,,,,\n"), whole=True)

    assert [verdict.result.value for verdict in done] == ["ready", "ready", "refused"]
    assert not Bot.objects.exists()
    assert not AuditEntry.objects.exists()


def test_what_is_there_already_is_no_mistake_and_is_not_added_again(alpha, beta):
    import_bots(ALICE, alpha, verdicts_of(alpha, TWO))
    again = HEADING + f"other name,http://10.0.0.1:8080/,ft,,\nnew,http://10.0.0.3:8080,ft,{SECRET},\n"
    done = import_bots(ALICE, alpha, verdicts_of(alpha, again), whole=True)

    assert results(done) == [(2, "other name", "already there", "btc-01 leads there"), (3, "new", "added", "")]
    assert verdicts_of(beta, TWO)[0].result is Result.READY


def test_the_same_address_twice_in_a_list_is_one_bot(alpha):
    done = verdicts_of(alpha, TWO + f"btc-again,http://10.0.0.1:8080,ft,{SECRET},\n")

    assert results(done)[2] == (4, "btc-again", "already there", "line 2 leads there")


def test_bots_of_one_name_get_slugs_of_their_own(alpha):
    rows = "".join(f"btc,http://10.0.0.{number}:8080,ft,{SECRET},\n" for number in range(1, 4))
    import_bots(ALICE, alpha, verdicts_of(alpha, HEADING + rows))

    assert sorted(Bot.objects.values_list("slug", flat=True)) == ["btc", "btc-2", "btc-3"]


def test_a_slug_that_another_team_takes_at_the_same_moment_is_chosen_anew(alpha, beta, monkeypatch):
    typed = {"url": "http://10.0.0.9:8080", "username": "ft", "password": SECRET}
    add_bot(ALICE, beta, system="freqtrade", name="eth-01", connection=typed)
    true_choice = importing.give_free_slugs

    def late(bots):
        for bot in bots:
            bot.slug = bot.slug_stem
        monkeypatch.setattr(importing, "give_free_slugs", true_choice)

    monkeypatch.setattr(importing, "give_free_slugs", late)
    done = import_bots(ALICE, alpha, verdicts_of(alpha, TWO))

    assert [verdict.bot.slug for verdict in done] == ["btc-01", "eth-01-2"]


def test_a_bot_that_came_between_looking_and_adding_is_not_doubled(alpha):
    verdicts = verdicts_of(alpha, TWO)
    typed = {"url": "http://10.0.0.1:8080", "username": "ft", "password": SECRET}
    add_bot(ALICE, alpha, system="freqtrade", name="quicker", connection=typed)
    done = import_bots(ALICE, alpha, verdicts)

    assert results(done)[0] == (2, "btc-01", "already there", "quicker leads there")
    assert sorted(Bot.objects.values_list("slug", flat=True)) == ["eth-01", "quicker"]


def test_a_confirmed_list_is_not_added_again_even_after_its_bots_were_retired(alpha):
    verdicts = verdicts_of(alpha, TWO)
    import_bots(ALICE, alpha, verdicts)
    retire_bot(ALICE, Bot.objects.get(slug="btc-01"))
    done = import_bots(ALICE, alpha, verdicts)

    assert [verdict.sentence for verdict in done] == ["this list was imported before", "eth-01 leads there"]
    assert Bot.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_when_the_audit_cannot_be_written_nothing_was_added(alpha):
    with audit_full(), pytest.raises(AuditUnavailable):
        import_bots(ALICE, alpha, verdicts_of(alpha, TWO))

    assert not Bot.objects.exists()
    assert not AuditEntry.objects.exists()


def test_an_exported_list_of_one_team_fills_another_once_its_secrets_are_typed(alpha, beta):
    import_bots(ALICE, alpha, verdicts_of(alpha, TWO))
    exported = csv_text(list(Bot.objects.all()))
    assert SECRET not in exported
    assert [verdict.sentence for verdict in verdicts_of(beta, exported)] == ["Password is required"] * 2
    assert {verdict.result for verdict in verdicts_of(alpha, exported)} == {Result.ALREADY_THERE}

    typed = exported.replace("ft,,", "ft,let-me-in,")
    done = import_bots(ALICE, beta, verdicts_of(beta, typed), whole=True)
    assert [verdict.result.value for verdict in done] == ["added", "added"]
    assert Bot.objects.get(team=beta, name="btc-01").opened_connection()["password"] == "let-me-in"
