"""Small functions and small files: half of the functions under 9 lines, nine of ten under 31, no file over 400."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MEDIAN, NINE_OF_TEN, FILE = 8, 30, 400


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository (git's list, so that no installed package is measured)."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.exists() and "migrations" not in path.parts]


def function_sizes(source: str) -> list[int]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return sorted(node.end_lineno - node.lineno + 1 for node in nodes if node.end_lineno)


def share(sizes: list[int], part: float) -> int:
    return sizes[min(len(sizes) - 1, int(len(sizes) * part))]


@pytest.fixture(scope="module")
def production():
    return tracked("portal/*.py", "accounts/*.py", "bots/*.py")


def test_functions_are_small(production):
    sizes = sorted(size for path in production for size in function_sizes(path.read_text()))
    print(f"\n{len(sizes)} functions: p50 {share(sizes, 0.5)}, p90 {share(sizes, 0.9)}, longest {sizes[-1]} lines")
    assert share(sizes, 0.5) <= MEDIAN
    assert share(sizes, 0.9) <= NINE_OF_TEN


def test_files_are_small(production):
    others = tracked("tests/*.py", "templates/*", "static/css/*", "static/js/*")
    lengths = {path.relative_to(ROOT).as_posix(): path.read_text().count("\n") for path in [*production, *others]}
    assert {name: length for name, length in lengths.items() if length > FILE} == {}


def test_a_long_function_is_measured_with_its_signature():
    assert function_sizes("def short():\n    pass\n\ndef longer(\n    a,\n):\n    return a\n") == [2, 4]
