"""Why an act at alerts, rules or silences is not done: nothing was written."""

from bots.domain.refusing import ActRefused, WrongFields


class WrongValues(WrongFields):
    """Of a rule's parameters by their own names."""

    code = "wrong_values"


class NoLongerOpen(ActRefused):
    """The alert is cleared, the mute lifted, the window over, the rule removed."""

    code = "no_longer_open"


class ClearsByItself(ActRefused):
    """A person cannot close what is still wrong, only acknowledge or mute it."""

    code = "clears_by_itself"
