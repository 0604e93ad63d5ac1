"""The form of every benchmark's result: a table for people, JSON for machines."""

import json
import platform
import sys
from argparse import ArgumentParser
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Row:
    goal: str
    name: str
    value: float
    target: float | None
    unit: str
    ok: bool | None  # None: told, no target

    @classmethod
    def at_least(cls, goal: str, name: str, value: float, target: float, unit: str) -> "Row":
        return cls(goal, name, round(value, 3), target, unit, value >= target)

    @classmethod
    def at_most(cls, goal: str, name: str, value: float, target: float, unit: str) -> "Row":
        return cls(goal, name, round(value, 3), target, unit, value <= target)

    @classmethod
    def told(cls, name: str, value: float, unit: str) -> "Row":
        return cls("", name, round(value, 3), None, unit, None)


def finish(rows: list[Row], packages: tuple[str, ...]) -> None:
    """Print the table; write the JSON that `--json FILE` asks for."""
    parser = ArgumentParser()
    parser.add_argument("--json", type=Path)
    path = parser.parse_args(sys.argv[1:]).json
    for row in rows:
        verdict = {True: "ok", False: "MISSED", None: ""}[row.ok]
        target = "" if row.target is None else f"(target {row.target:g})"
        print(f"{row.goal:>2} {row.name:<62} {row.value:>10g} {row.unit:<24} {target} {verdict}")
    if path is not None:
        machine = f"{platform.processor() or platform.machine()}, Python {platform.python_version()}"
        versions = {package: version(package) for package in packages}
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"rows": [asdict(row) for row in rows], "machine": machine, "versions": versions}
        path.write_text(json.dumps(content, indent=1) + "\n")
