"""What the documents name exists, and what exists is named."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READER = re.compile(r'(?:env\.\w+|installation_secret)\(\s*"([A-Z_]+)"')
OF_MAKE = {"PORT"}


def read(name: str) -> str:
    return (ROOT / name).read_text()


def test_configure_names_every_variable_of_the_settings_and_no_other():
    named = set(re.findall(r"^\| `([A-Z_]+)`", read("docs/configure.md"), re.M))
    assert named - OF_MAKE == set(READER.findall(read("portal/settings.py")))


@pytest.mark.parametrize(
    "document",
    ["README.md", "CONTRIBUTING.md", *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").glob("*.md"))],
)
def test_links_lead_to_files_that_are_there(document):
    links = re.findall(r"\]\(([^)#\s]+)\)", read(document))
    ours = [link for link in links if not link.startswith(("http://", "https://"))]
    assert [link for link in ours if not ((ROOT / document).parent / link).exists()] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_told_exists(document):
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    assert set(re.findall(r"`make ([a-z-]+)`", read(document))) <= targets
    assert re.findall(r"`make ([a-z-]+)`", read(document))
