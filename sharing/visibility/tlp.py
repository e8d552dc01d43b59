"""The Traffic Light Protocol 2.0 (FIRST): how far a recipient may pass on what it was shown (floor 2)."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class TLP(models.TextChoices):
    CLEAR = "CLEAR", _("TLP:CLEAR – may be published")
    GREEN = "GREEN", _("TLP:GREEN – the wider community")
    AMBER = "AMBER", _("TLP:AMBER – your organisation and its clients, who need to know")
    AMBER_STRICT = "AMBER+STRICT", _("TLP:AMBER+STRICT – your organisation only, who need to know")
    RED = "RED", _("TLP:RED – the named organisations only")


_ORDER: Final = {label: rank for rank, label in enumerate(TLP.values)}


def is_stricter(label: str, ceiling: str) -> bool:
    """Whether `label` asks for more care than a group with this ceiling has agreed to give."""
    return _ORDER[label] > _ORDER[ceiling]


# A group agrees to a ceiling; RED never goes to a group, so it is no ceiling.
CEILINGS: Final = [choice for choice in TLP.choices if choice[0] != TLP.RED]
