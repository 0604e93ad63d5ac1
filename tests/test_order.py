from pathlib import Path

from tests.order import LONGEST


def test_what_is_begun_first_is_there():
    root = Path(__file__).parent.parent
    assert [name for name in LONGEST if not (root / name).is_file()] == []
