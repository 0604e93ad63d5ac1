"""A rule's parameters as people type them, checked against what its kind declares."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from bots.domain.alerts.kinds import CHOICE, RATIO, Param, RuleKind
from bots.domain.alerts.refusing import WrongValues
from bots.models.money import plain


def checked_params(kind: RuleKind, given: Mapping[str, object]) -> dict[str, str | int]:
    """Every parameter of the kind; what is not given has its default. Ratios as decimal text, the others as whole
    numbers, choices as words. Raises WrongValues."""
    wrong = {str(name)[:40]: "This kind of rule has no such parameter" for name in given if name not in names_of(kind)}
    clean: dict[str, str | int] = {}
    for param in kind.params:
        try:
            clean[param.name] = checked(param, str(given.get(param.name, param.default)).strip())
        except ValueError as problem:
            wrong[param.name] = str(problem)
    if wrong:
        raise WrongValues(wrong)
    return clean


def names_of(kind: RuleKind) -> set[str]:
    return {param.name for param in kind.params}


def checked(param: Param, text: str) -> str | int:
    """Raises ValueError with the sentence for people."""
    if param.unit == CHOICE:
        if text not in param.choices:
            raise ValueError(f"One of {', '.join(param.choices)}")
        return text
    number = number_of(text)
    whole = param.unit != RATIO
    if number is None or not param.least <= number <= param.most or (whole and number % 1):
        raise ValueError(limits_of(param))
    return int(number) if whole else str(plain(number))


def number_of(text: str) -> Decimal | None:
    try:
        number = Decimal(text) if len(text) <= 12 and text.isascii() else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def limits_of(param: Param) -> str:
    if param.unit == RATIO:
        return f"A ratio from {param.least} to {param.most} (0.05 is 5 %)"
    return f"A whole number from {param.least} to {param.most} ({param.unit})"
