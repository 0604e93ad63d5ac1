"""Finds the bot systems: every folder beside this file that has a `System`."""

import importlib
import pkgutil
from functools import cache

from bots.systems.contract import BotSystem


@cache
def found() -> dict[str, type[BotSystem]]:
    """Key -> system, of every folder beside this file."""
    folders = [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]
    systems = [importlib.import_module(f"{__name__}.{name}").System for name in sorted(folders)]
    return {system.key: system for system in systems}


def get(key: str) -> type[BotSystem]:
    return found()[key]


def choices() -> list[tuple[str, str]]:
    return [(key, system.label) for key, system in found().items()]
