"""Values as rows are written with them: the same text as the ORM would write."""

from decimal import Decimal

import pytest

from bots.models.money import exact
from bots.models.values import money_text

SPELLINGS = ["0", "-0", "0.0", "1", "1.0", "10", "1E+2", "-0.5", "0.10", "1e-18", "1e-19", "123.456", "-0.0", "1e19"]


@pytest.mark.parametrize("spelling", [*SPELLINGS, "99999999999999999999.999999999999999999", "0.1234567890123456789"])
def test_money_is_written_as_its_field_spells_it(spelling):
    assert money_text(Decimal(spelling)) == format(exact(Decimal(spelling)), "f")


@pytest.mark.parametrize("spelling", ["NaN", "Infinity", "1e20", "100000000000000000000"])
def test_what_no_money_field_takes_is_not_written(spelling):
    with pytest.raises(ValueError, match="not a finite number"):
        money_text(Decimal(spelling))
