"""LOG_FORMAT=json: one object a line, with bot and run where the line is about one."""

import json
import logging

from portal.logs import JsonLines


def line(*arguments: object, **about: object) -> dict[str, object]:
    record = logging.LogRecord("bots.domain.mirror", logging.WARNING, "mirror.py", 1, *arguments, None)
    record.__dict__.update(about)
    return json.loads(JsonLines().format(record))


def test_a_line_about_a_run_names_bot_and_run() -> None:
    told = line("%s: run %s begins", ("majors", 2), bot="majors", run=2)
    assert (told["message"], told["bot"], told["run"], told["level"]) == (
        "majors: run 2 begins",
        "majors",
        2,
        "WARNING",
    )


def test_a_line_break_in_what_a_bot_says_makes_no_second_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "said %s", ('"}\n{"level": "forged"',), None)
    assert JsonLines().format(record).count("\n") == 0


def test_other_lines_name_none() -> None:
    assert set(line("started", ())) == {"time", "level", "logger", "message"}
