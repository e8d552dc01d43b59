"""How near is near, as the hub's administrators have set it (floor 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.selectors import Also
from accounts.services import require_oversight
from hub.audit.services import record
from hub.errors import Invalid, Problem
from hub.words import LEAVE_OUT, problem_in
from sharing import signal_types
from sharing.matching.models import Rematch
from sharing.matching.rematches import start_rematch

# Videos are compared by shares of frames, and each sharing group sets its own: see shares.py. Here a distance is the
# percentage of frames that have no near frame, and any share at all is within the scale.
SHARE_SCALE: Final = 99


class NearThresholdQuerySet(models.QuerySet["NearThreshold"]):
    def visible_to(self, actor: Actor) -> NearThresholdQuerySet:
        """For the hub's administrators. Members read the figures, without reasons, in the catalogue of signal types."""
        return self if actor.oversees else self.none()


class NearThreshold(models.Model):
    """A threshold that was set, instead of the default of its signal type."""

    signal_type = models.CharField(_("signal type"), max_length=20, unique=True)
    threshold = models.PositiveSmallIntegerField(
        _("threshold in bits"),
        help_text=_("Two hashes match when at most so many of their bits differ. 0: equal hashes only."),
    )
    reason = models.CharField(_("reason"), max_length=500)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("set by")
    )
    set_at = models.DateTimeField(_("set"), db_default=Now())

    objects = NearThresholdQuerySet.as_manager()

    class Meta:
        verbose_name = _("near threshold")
        verbose_name_plural = _("near thresholds")
        ordering = ["signal_type"]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="near_threshold_has_reason")]

    def __str__(self) -> str:
        known = self.signal_type in signal_types.NEAR
        return gettext(signal_types.get(self.signal_type).title) if known else self.signal_type


# What `thresholds_for` needs, to be answered in the query of the key that a request brings.
WITH_THRESHOLDS: Final = Also(
    "thresholds", "(SELECT jsonb_object_agg(signal_type, threshold) FROM sharing_nearthreshold)"
)


def thresholds() -> dict[str, int]:
    """The threshold of every signal type, in bits; 0 where only identity counts. One query: ask once for a piece of
    work, not for each row."""
    return _in_force(dict(NearThreshold.objects.values_list("signal_type", "threshold")))


def thresholds_for(actor: Actor) -> dict[str, int]:
    """As thresholds, and without a query where the actor's key has brought them."""
    if WITH_THRESHOLDS.name not in actor.remembered:
        return thresholds()
    return _in_force(actor.remembered[WITH_THRESHOLDS.name] or {})


def _in_force(stored: Mapping[str, int]) -> dict[str, int]:
    # The index is exact up to the type's own limit and no further, whatever is stored.
    return _DEFAULTS | {name: min(bits, _RULES[name].max_threshold) for name, bits in stored.items() if name in _RULES}


_RULES: Final = {name: near for name in signal_types.NEAR if (near := signal_types.get(name).near)}
_DEFAULTS: Final = (
    dict.fromkeys(signal_types.NAMES, 0)
    | {item.name: SHARE_SCALE for item in signal_types.ALL if item.parts}
    | {name: rule.default_threshold for name, rule in _RULES.items()}
)


def set_threshold(*, actor: Actor, signal_type: str, threshold: int, reason: str) -> NearThreshold:
    """Let values of a type match within so many bits from now on, for a reason.

    From 0 to the limit of the type; `default_of` puts it back. Stored signals that hold the type are matched again.
    """
    require_oversight(actor)
    problems = _problems(signal_type, threshold, reason)
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        stored = NearThreshold.objects.select_for_update().filter(signal_type=signal_type).first()
        before = stored.threshold if stored else default_of(signal_type)
        threshold_set, _created = NearThreshold.objects.update_or_create(
            signal_type=signal_type,
            defaults={"threshold": threshold, "reason": reason.strip(), "set_by": actor.user, "set_at": Now()},
        )
        record(
            actor=actor,
            action="threshold.set",
            object_type="near_threshold",
            object_id=signal_type,
            reason=reason.strip(),
            before=before,
            threshold=threshold,
        )
        if threshold != before:
            # Frames are never sent by themselves: the signals are those that hold a video.
            held = next((item.name for item in signal_types.ALL if item.parts == signal_type), signal_type)
            start_rematch(actor=actor, reason=reason, cause=Rematch.Cause.THRESHOLD, signal_type=held)
    return threshold_set


def default_of(signal_type: str) -> int:
    """The threshold that a type has when nobody has set one."""
    near = signal_types.get(signal_type).near if signal_type in signal_types.NEAR else None
    return near.default_threshold if near else 0


def _problems(signal_type: str, threshold: int, reason: str) -> list[Problem]:
    near = signal_types.get(signal_type).near if signal_type in signal_types.NEAR else None
    if near is None:
        mend = f"Use one of: {', '.join(signal_types.NEAR)}."
        return [Problem("/signal_type", "no_near_matches", "Values of this type match by identity only.", mend)]
    problems = []
    if not 0 <= threshold <= near.max_threshold:
        mend = f"Use a whole number from 0 to {near.max_threshold}."
        problems.append(Problem("/threshold", "out_of_range", "The type does not allow this threshold.", mend))
    if not reason.strip():
        problems.append(Problem("/reason", "required", "A threshold needs a reason.", "Say why it is changed."))
    elif found := problem_in(reason, "/reason", LEAVE_OUT):
        problems.append(found)
    return problems
