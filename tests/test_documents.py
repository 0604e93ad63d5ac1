"""What the documents name exists, and what exists is named."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bots.models.sealing import secret_names

ROOT = Path(__file__).resolve().parent.parent
READER = re.compile(r'(?:env\.\w+|installation_secret)\(\s*"([A-Z_]+)"')
OF_MAKE = {"PORT"}
# Which settings module: said by manage.py itself; and Celery's own, which we set.
OF_DJANGO = {"DJANGO_SETTINGS_MODULE", "CELERY_SKIP_CHECKS"}
GETTERS = {"os.environ.get", "os.getenv", "os.environ.pop"}
HOLE = "\0"


def read(name: str) -> str:
    return (ROOT / name).read_text()


def named_in_configure() -> set[str]:
    """The variables of the tables' first column; a row may name several."""
    firsts = re.findall(r"^\| (`[A-Z_]+`[^|]*) \|", read("docs/configure.md"), re.M)
    return {name for first in firsts for name in re.findall(r"`([A-Z_]+)`", first)}


def test_configure_names_every_variable_of_the_settings_and_of_the_commands_and_no_other():
    of_settings = set(READER.findall(read("portal/settings.py")))
    assert named_in_configure() - OF_MAKE == of_settings | read_elsewhere() | secrets_of_bots()


def read_elsewhere() -> set[str]:
    """What the rest of the code asks of the environment by its name."""
    sources = [path for room in ("portal", "accounts", "bots") for path in (ROOT / room).rglob("*.py")]
    asked = {name for path in sources for name in asked_of_the_environment(path.read_text())}
    return {name for name in asked if name.isidentifier()} - OF_DJANGO


def asked_of_the_environment(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in GETTERS:
            yield template(node.args[0], {})
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            yield template(node.slice, {})
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "os.environ":
            yield template(node.left, {})


def secrets_of_bots() -> set[str]:
    """`add_bot` reads BOT_<field>: the one name that is put together."""
    folder = ROOT / "bots/management/commands/add_bot.py"
    assert f"BOT_{HOLE}" in set(asked_of_the_environment(folder.read_text()))
    return {f"BOT_{name.upper()}" for name in secret_names()}


def test_a_reading_is_found_in_whichever_words_it_is_written():
    words = 'os.environ.get("A")\nos.environ["B"]\n"C" in os.environ\nos.getenv("D", "")\nos.environ.get(f"E_{x}")'
    assert set(asked_of_the_environment(words)) == {"A", "B", "C", "D", f"E_{HOLE}"}


@pytest.mark.parametrize(
    "document",
    ["README.md", "CONTRIBUTING.md", *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").glob("*.md"))],
)
def test_links_lead_to_files_that_are_there(document):
    links = re.findall(r"\]\(([^)#\s]+)\)", read(document))
    ours = [link for link in links if not link.startswith(("http://", "https://"))]
    assert [link for link in ours if not ((ROOT / document).parent / link).exists()] == []


def test_every_test_that_a_document_names_exists():
    named = [
        (file, test)
        for document in (ROOT / "docs").glob("*.md")
        for file, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", document.read_text())
    ]
    assert len(named) > 15
    assert [pair for pair in named if f"def {pair[1]}(" not in read(pair[0])] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_told_exists(document):
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    assert set(re.findall(r"`make ([a-z-]+)`", read(document))) <= targets
    assert re.findall(r"`make ([a-z-]+)`", read(document))


def template(node: ast.expr, names: dict[str, ast.expr]) -> str:
    """The text with a hole for what is only known when it is said."""
    if isinstance(node, ast.Name) and node.id in names:
        return template(names[node.id], names)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else HOLE


def complaints(source: str) -> Iterator[tuple[str, str]]:
    """What doctor's lines are about and what they say, where a person may have to act."""
    for function in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)):
        assigned = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
        names = {node.targets[0].id: node.value for node in assigned if isinstance(node.targets[0], ast.Name)}
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == "Line" and template(call.args[0], {}) != "ok":
                yield template(call.args[1], {}), template(call.args[2], names)


def quoted() -> list[tuple[str, str]]:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", read("docs/troubleshooting.md"), re.M)
    return [
        (about, re.sub(r"\bN\b|\.\.\.", HOLE, words)) for about, said in rows for words in re.findall("`([^`]+)`", said)
    ]


def rows_for(about: str, said: str) -> list[str]:
    abouts = {about, "(any)"} if about != HOLE else {"(any)"}
    return [words for row, words in quoted() if row in abouts and words in said]


def test_every_complaint_of_doctor_has_its_row():
    said = list(complaints(read("bots/management/examination.py")))
    assert len(said) > 20
    # A system check and what the audit raises speak for themselves; see the next test for the audit's.
    spoken_elsewhere = {("checks", f"{HOLE}: {HOLE}"), ("anchor", HOLE)}
    assert [line for line in said if line not in spoken_elsewhere and not rows_for(*line)] == []


def test_what_the_audit_says_of_its_anchor_has_its_row():
    raised = [node for node in ast.walk(ast.parse(read("bots/domain/audit/anchor.py"))) if isinstance(node, ast.Raise)]
    said = [template(node.exc.args[0], {}) for node in raised if isinstance(node.exc, ast.Call)]
    assert len(said) == 2
    assert [words for words in said if not rows_for("anchor", words)] == []


def test_every_row_of_the_troubleshooting_quotes_what_doctor_says():
    said = list(complaints(read("bots/management/examination.py")))
    named = {about for about, _ in said}
    raised = read("bots/domain/audit/anchor.py")
    unsaid = [
        (about, words)
        for about, words in quoted()
        if about in named and not any(words in text for _, text in said) and words.split(HOLE)[0] not in raised
    ]
    assert unsaid == []
