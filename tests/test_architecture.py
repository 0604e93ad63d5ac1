"""The rooms of the house and the doors between them: who may import whom (ARCHITECTURE in CONTRIBUTING.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("portal", "bots", "accounts")

FACTS = {"bots.systems.contract", "bots.systems.instructions", "bots.systems.hearing", "bots.systems.errors"}
WAY_OUT = {"the way out"}
INNER = {"bots.domain", "bots.models", "accounts", "bots.tasks"}
ENTRANCES = {
    "bots.tasks",
    "bots.api",
    "bots.pages",
    "bots.live",
    "bots.gateway",
    "bots.admin",
    "bots.health",
    "bots.metrics",
    "bots.management",
}

# Room -> the rooms it may enter. A module belongs to the most specific room whose name begins its own.
DOORS: dict[str, set[str]] = {
    "bots.systems.contract": {"bots.systems.instructions", "bots.systems.hearing", "bots.systems.errors"},
    "bots.systems.instructions": set(),
    "bots.systems.hearing": {"bots.systems.contract"},
    "bots.systems.errors": set(),
    "the way out": FACTS,  # the other files of bots/systems: http and what it is made of
    "a system": FACTS | WAY_OUT,  # every folder in bots/systems: never its neighbour
    "bots.systems": FACTS | {"a system"},  # discovery only
    "bots.models": {"bots.systems", "accounts"} | FACTS | WAY_OUT,
    "bots.domain": {"bots.models", "accounts"} | FACTS,
    **dict.fromkeys(ENTRANCES, INNER),
    "bots.templatetags": INNER,
    "bots.pages": INNER | {"bots.templatetags"},
    "bots": INNER,  # apps and urls: what wires the rooms together
    "bots.simulator": set(),
    "accounts": set(),
    "portal": {"accounts", "bots"} | ENTRANCES,
}
# Rooms that are told everything in arguments: a library of the process has no place in them.
NO_PROCESS_IN = ("bots.systems", "bots.simulator")
OF_THE_PROCESS = {"django", "celery", "rest_framework", "channels"}


def room_of(module: str, root: Path) -> str | None:
    """'bots.systems.freqtrade.client' -> 'bots.systems.freqtrade': each system's folder is a room of its own."""
    parts = module.split(".")
    beside_the_contract = parts[:2] == ["bots", "systems"] and ".".join(parts[:3]) not in FACTS
    if beside_the_contract and len(parts) > 2 and (root / "bots/systems" / parts[2]).is_dir():
        return ".".join(parts[:3])
    if beside_the_contract and len(parts) > 2 and (root / "bots/systems" / f"{parts[2]}.py").is_file():
        return "the way out"
    rooms = [room for room in DOORS if (module + ".").startswith(room + ".")]
    return max(rooms, key=len, default=None)


def doors_of(room: str) -> set[str]:
    return DOORS[kind_of(room)]


def kind_of(room: str) -> str:
    return room if room in DOORS else "a system"


def imports_of(path: Path, module: str) -> Iterator[str]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            steps_up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*steps_up, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def wrong_doors(root: Path) -> Iterator[str]:
    """A sentence for every import that goes through no open door."""
    for top in OURS:
        for path in sorted((root / top).rglob("*.py")):
            if "migrations" not in path.parts:
                module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
                yield from wrong_doors_of(module, path, root)


def wrong_doors_of(module: str, path: Path, root: Path) -> Iterator[str]:
    here = room_of(module, root)
    assert here, f"{module} stands in no room"
    for name in imports_of(path, module):
        there = room_of(name, root)
        if there and there != here and kind_of(there) not in doors_of(here):
            yield f"{module} imports {name}: {here} may not enter {there}"
        if module.startswith(NO_PROCESS_IN) and name.split(".")[0] in OF_THE_PROCESS:
            yield f"{module} imports {name}: {here} is told everything in arguments"


def test_every_import_goes_through_an_open_door():
    assert list(wrong_doors(ROOT)) == []


@pytest.mark.parametrize(
    ("offender", "line", "said"),
    [
        (
            "bots/systems/freqtrade/client.py",
            "from bots.systems.other import mapping",
            "may not enter bots.systems.other",
        ),
        ("bots/systems/freqtrade/client.py", "from ..other.mapping import trade", "may not enter bots.systems.other"),
        ("bots/systems/freqtrade/client.py", "from bots.models import Bot", "may not enter bots.models"),
        ("bots/systems/http.py", "from django.conf import settings", "told everything in arguments"),
        ("bots/simulator/market.py", "from bots.systems.contract import Trade", "may not enter bots.systems.contract"),
        ("bots/simulator/market.py", "import celery", "told everything in arguments"),
        ("bots/domain/polling.py", "from bots.tasks import poll", "may not enter bots.tasks"),
        ("bots/domain/polling.py", "from bots.systems.http import HttpDoor", "may not enter the way out"),
        ("bots/models/bot.py", "from bots.domain import polling", "may not enter bots.domain"),
        ("bots/pages/fleet.py", "from bots.api import trades", "may not enter bots.api"),
        ("bots/pages/fleet.py", "from bots.systems import freqtrade", "may not enter bots.systems.freqtrade"),
        ("bots/admin.py", "from bots.systems.errors import BotError", "may not enter bots.systems.errors"),
        ("bots/health.py", "from bots.live import hub", "may not enter bots.live"),
        ("bots/management/commands/add_bot.py", "import bots.pages.fleet", "may not enter bots.pages"),
        ("bots/domain/audit.py", "from portal import keys", "may not enter portal"),
        ("accounts/api.py", "from portal.problems import problem", "may not enter portal"),
        ("accounts/api.py", "def late():\n    from bots.models import Bot", "may not enter bots.models"),
        ("portal/urls.py", "from bots.domain import polling", "may not enter bots.domain"),
    ],
)
def test_a_planted_offence_is_found_and_named(tmp_path, offender, line, said):
    for system in ("freqtrade", "other"):
        (tmp_path / "bots/systems" / system).mkdir(parents=True)
    (tmp_path / "bots/systems/http.py").touch()
    path = tmp_path / offender
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line + "\n")
    found = list(wrong_doors(tmp_path))
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("bots/domain/polling.py", "from bots.systems.contract import Trade\nfrom bots.models import Bot"),
        ("bots/tasks.py", "from bots.domain import polling"),
        ("bots/systems/freqtrade/client.py", "from bots.systems import errors\nfrom . import mapping\nimport msgspec"),
        ("portal/asgi.py", "from bots.live.door import websocket\nfrom accounts.models import User"),
    ],
)
def test_an_open_door_is_not_an_offence(tmp_path, module, line):
    (tmp_path / "bots/systems/freqtrade").mkdir(parents=True)
    path = tmp_path / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line + "\n")
    assert list(wrong_doors(tmp_path)) == []
