"""The form of every benchmark's result: a table for people, JSON for machines."""

import json
import os
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

    def line(self) -> str:
        verdict = {True: "ok", False: "MISSED", None: ""}[self.ok]
        target = "" if self.target is None else f"(target {self.target:g})"
        return f"{self.goal:>2} {self.name:<62} {self.value:>10g} {self.unit:<24} {target} {verdict}"

    @classmethod
    def told(cls, name: str, value: float, unit: str) -> "Row":
        return cls("", name, round(value, 3), None, unit, None)


def processor() -> str:
    """Its name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def finish(rows: list[Row], packages: tuple[str, ...]) -> None:
    """Print the table; write the JSON that `--json FILE` asks for."""
    parser = ArgumentParser()
    parser.add_argument("--json", type=Path)
    path = parser.parse_args(sys.argv[1:]).json
    for row in rows:
        print(row.line())
    machine = f"{processor()} x {os.cpu_count()}, {platform.system()}, Python {platform.python_version()}"
    versions = {package: version(package) for package in packages}
    print(f"   {machine}, load {os.getloadavg()[0]:.1f}; {', '.join(f'{name} {of}' for name, of in versions.items())}")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"rows": [asdict(row) for row in rows], "machine": machine, "versions": versions}
        path.write_text(json.dumps(content, indent=1) + "\n")
