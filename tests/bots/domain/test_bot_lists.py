"""Lists of bots as Alice writes them in a spreadsheet or an editor."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.domain.bot_lists import MOST_LINES, Unreadable, read_list
from bots.domain.bot_lists.csv_text import FORMULA, csv_text, with_apostrophe, without_apostrophe
from bots.domain.bot_lists.yaml_text import yaml_text
from bots.models import Bot

SECRET = "list-canary-5d1"
CSV = f"name,url,username,password\nbtc-01,http://10.0.0.1:8080,freqtrader,{SECRET}\n"
YAML = "bots:\n- name: btc-01\n  connection:\n    url: http://10.0.0.1:8080\n    username: freqtrader\n"
YAML += f"    password: {SECRET}\n"
CONNECTION = {"url": "http://10.0.0.1:8080", "username": "freqtrader", "password": SECRET}


def lines_of(text, filename=""):
    return read_list(text.encode(), filename)


def only(text, filename=""):
    (line,) = lines_of(text, filename)
    return line


@pytest.mark.parametrize(("text", "number"), [(CSV, 2), (YAML, 2)])
def test_the_same_bot_is_read_from_either_format(text, number):
    line = only(text)

    assert (line.number, line.facts.name, line.facts.system, line.errors) == (number, "btc-01", "freqtrade", {})
    assert dict(line.facts.connection) == CONNECTION
    assert (line.facts.tags, line.facts.enabled) == ((), True)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_spreadsheet_of_any_country_is_understood(separator):
    line = only("\ufeff" + CSV.replace(",", separator).replace("\n", "\r\n"))

    assert dict(line.facts.connection) == CONNECTION


def test_a_yaml_list_needs_no_heading_and_may_be_flat():
    line = only(f"# ours\n- name: btc-01\n  url: http://10.0.0.1:8080\n  username: freqtrader\n  password: {SECRET}\n")

    assert (line.number, dict(line.facts.connection)) == (2, CONNECTION)


def test_the_ending_of_the_file_decides_before_its_first_line():
    assert only("name\n- no yaml\n", "bots.csv").facts.name == "- no yaml"
    with pytest.raises(Unreadable, match="YAML"):
        lines_of(CSV, "bots.yml")


@pytest.mark.parametrize("password", ["0123", "yes", "1e5", "null-ish", "2024-01-01", "0x1F", "3.10"])
def test_a_password_in_yaml_is_text_whatever_it_looks_like(password):
    assert only(f"- name: a\n  password: {password}\n").facts.connection["password"] == password


@pytest.mark.parametrize("nothing", ["", "~", "null"])
def test_nothing_in_yaml_is_nothing_unless_it_is_quoted(nothing):
    assert "password" not in only(f"- name: a\n  password: {nothing}\n").facts.connection
    assert only("- name: a\n  password: 'null'\n").facts.connection["password"] == "null"


def test_tags_plan_and_whether_it_is_asked_are_read_from_both():
    csv_line = only('name,tags,enabled,poll_plan\na,"trend, ""x, y""",no,balance=300 logs=600\n')
    yaml_line = only("- {name: a, tags: [trend, 'x, y'], enabled: false, poll_plan: {balance: 300, logs: 600}}\n")

    assert csv_line.facts == yaml_line.facts
    assert csv_line.facts.tags == ("trend", "x, y")
    assert (csv_line.facts.enabled, csv_line.facts.poll_plan) == (False, {"balance": 300, "logs": 600})


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [("a,,perhaps", "enabled"), ("a,balance,", "poll_plan"), ('a,,,"x"', "row"), ('a,,no,"""x', None)],
)
def test_what_is_not_understood_is_said_of_its_line(cells, wrong):
    text = f"name,poll_plan,enabled\n{cells}\nb,,\n"
    if wrong is None:
        with pytest.raises(Unreadable, match="Line 2 cannot be read as CSV"):
            lines_of(text)
        return
    first, second = lines_of(text)

    assert (set(first.errors), second.errors) == ({wrong}, {})


def test_rows_are_numbered_as_the_editor_numbers_them():
    lines = lines_of('name,tags\n\na,"one,\ntwo"\n\nb,\n')

    assert [(line.number, line.facts.name) for line in lines] == [(3, "a"), (6, "b")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        ("name,url\n", "names no bot"),
        (";", "names no bot"),
        ("# nothing\n", "unknown: number 1"),
        ("bots: []\n", "names no bot"),
        (f"btc-01,http://10.0.0.1:8080,{SECRET}\n", "unknown: number 1, 2, 3"),
        (f"name,pasword\na,{SECRET}\n", "unknown: number 2"),
        ("name,name\na,b\n", "twice"),
        (f"- name: [{SECRET}\n", "Line 2 cannot be read as YAML"),
        (f"bots:\n- name: '{SECRET}\n", "cannot be read as YAML"),
        (f"- &a {SECRET}\n- *a\n", "anchors"),
        ("- !!python/object/apply:os.system ['true']\n", "tags are not read"),
        ("- {a: {b: {c: {d: {e: f}}}}}\n", "list of bots"),
        ("{}\n", "list of bots"),
        (f"{{{SECRET}: 1}}\n", "list of bots"),
        ("bots: {a: b}\n", "list of bots"),
        ("bots: [a: b]\nmore: 1\n", "Beside the bots"),
        ("--- []\n--- []\n", "list of bots"),
        ("- a: [[b]]\n", "list of bots"),
        ("- a: {b: [c]}\n", "list of bots"),
        ("[" * 100_000, "list of bots"),
        ("- a: b\x00\n", "cannot be read as YAML"),
    ],
)
def test_a_list_that_is_none_is_refused_in_words_that_quote_nothing(text, sentence):
    with pytest.raises(Unreadable, match=sentence) as refused:
        lines_of(text, "" if not text.startswith("---") else "a.yaml")

    assert SECRET not in str(refused.value)


def test_what_is_no_text_or_too_large_is_refused():
    with pytest.raises(Unreadable, match="UTF-8"):
        read_list(b"name\n\xff\xfe")
    with pytest.raises(Unreadable, match="1024 kB"):
        read_list(b"name\n" + b"a\n" * 600_000)
    for text in ("name\n" + "a\n" * (MOST_LINES + 1), "- name: a\n" * (MOST_LINES + 1)):
        with pytest.raises(Unreadable, match="at most 2000 bots"):
            lines_of(text)
    assert len(lines_of("name\n" + "a\n" * MOST_LINES)) == MOST_LINES


@pytest.mark.parametrize(("text", "errors"), [("- 7\n", {"row"}), ("- {a: 1, a: 2}\n", {"row"}), ("- [a]\n", {"row"})])
def test_an_entry_that_is_no_bot_is_refused_alone(text, errors):
    first, second = lines_of(text + "- name: b\n")

    assert (set(first.errors), second.facts.name) == (errors, "b")


def test_a_secret_is_read_exactly_as_it_stands():
    line = only("name,username,password\n'=a,'=b, '=c \n")

    assert (line.facts.name, line.facts.connection) == ("=a", {"username": "=b", "password": " '=c "})


@pytest.mark.parametrize("sign", FORMULA)
def test_no_cell_of_an_export_begins_a_formula(sign):
    hostile = f"{sign}cmd|'/c calc'!A1"
    tags = [hostile.strip()]  # a tag has no control signs
    bot = Bot(system="freqtrade", name=hostile, tags=tags, connection={"url": hostile, "username": "a"})
    exported = csv_text([bot])

    assert with_apostrophe(hostile) == "'" + hostile
    line = read_list(exported.encode(), "a.csv")[0]
    assert (line.facts.name, line.facts.tags, line.facts.connection["url"]) == (hostile, tuple(tags), hostile)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20).map(str.strip)


@given(words.filter(bool), st.lists(words.filter(bool), max_size=4), words, words)
def test_what_was_exported_is_read_again_as_it_was(name, tags, url, username):
    bot = Bot(system="freqtrade", name=name, tags=tags, enabled=False, poll_plan={"balance": 300.5})
    bot.connection = {"url": url, "username": username}
    for filename, text in (("a.csv", csv_text([bot])), ("a.yaml", yaml_text([bot]))):
        facts = read_list(text.encode(), filename)[0].facts
        assert (facts.name, list(facts.tags), facts.enabled) == (name, tags, False)
        assert facts.poll_plan == {"balance": 300.5}
        assert dict(facts.connection) == {key: word for key, word in bot.connection.items() if word}


@given(st.text(max_size=40))
def test_an_apostrophe_comes_off_exactly_where_it_was_put(cell):
    assert without_apostrophe(with_apostrophe(cell)) == cell
    assert not with_apostrophe(cell).startswith(FORMULA)


@given(st.text(max_size=60))
def test_no_text_brings_the_reading_down(text):
    for filename in ("a.csv", "a.yaml"):
        with suppress(Unreadable):
            read_list(text.encode("utf-8", "replace"), filename)
