"""How many identifiers an organisation may have evaluated in a day, and who is told of what is unusual (floor 1).

Whoever may ask for tokens can try guesses; what is left is to bound how many, and to let a person see it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from accounts.actor import Actor
from accounts.identifier_use import IdentifierAlert, IdentifierDay
from accounts.models import Organisation
from accounts.services import require_oversight
from hub.audit.services import record
from hub.audit.tallies import tally
from hub.errors import NotPermitted, UsedUp
from hub.words import require_no_identifier

# What is usual is the mean of the days with any in this span, and unknown while these are fewer than that.
_LOOKED_BACK: Final = 28
_FEWEST_DAYS: Final = 5
# Below this a day is not worth an alert, however unusual.
_WORTH_A_LOOK: Final = 1_000
# One statement: two requests at once can't both take the last of a quota.
_COUNT: Final = f"""
INSERT INTO accounts_identifierday AS held (organisation_id, day, identifiers, refused, usual)
SELECT %(organisation)s, %(day)s, %(number)s, 0, (
       SELECT avg(identifiers)::bigint FROM accounts_identifierday
        WHERE organisation_id = %(organisation)s AND identifiers > 0
          AND day >= %(day)s - {_LOOKED_BACK} AND day < %(day)s
       HAVING count(*) >= {_FEWEST_DAYS})
 WHERE %(number)s <= %(quota)s
    ON CONFLICT (organisation_id, day) DO UPDATE SET identifiers = held.identifiers + excluded.identifiers
 WHERE held.identifiers + excluded.identifiers <= %(quota)s
RETURNING identifiers, usual
"""  # noqa: S608 - constants


def quota_of(organisation: Organisation) -> int:
    """Identifiers a day."""
    default: int = settings.IDENTIFIERS_PER_DAY
    return default if organisation.identifiers_per_day is None else organisation.identifiers_per_day


def used_today(organisation: Organisation) -> int:
    day = IdentifierDay.objects.filter(organisation=organisation, day=_today()).first()
    return day.identifiers if day else 0


def count_identifiers(*, actor: Actor, number: int, how: str) -> None:
    """Count so many against today's quota of the actor's organisation, before they are evaluated. All or none.

    `how` names the audit's sum: "evaluated" or "sent_plain". Raises UsedUp, and then nothing may be evaluated. Call it
    outside of a transaction: what was evaluated stays counted whatever becomes of the rest.
    """
    organisation = actor.organisation
    if organisation is None:
        raise NotPermitted
    if not number:
        return
    today, quota = _today(), quota_of(organisation)
    wanted: dict[str, int | date] = {"organisation": organisation.pk, "day": today, "number": number, "quota": quota}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, wanted)
            row = cursor.fetchone()
        if row is not None:
            _alert_where_crossed(organisation, today, quota, before=row[0] - number, after=row[0], usual=row[1])
        else:
            _note_refusal(organisation, today, quota, number)
    if row is None:
        tally(actor=actor, action="identifiers.refused", items=number)
        raise UsedUp(_said(quota, number), retry_after=_seconds_left())
    tally(actor=actor, action=f"identifiers.{how}", items=number)


def _said(quota: int, number: int) -> str:
    if number > quota:
        return (
            f"Your organisation may have {quota} identifiers evaluated in a day, and this request has {number}. "
            "Send fewer at once, or ask the hub's administrators for a higher quota."
        )
    return (
        f"With this request your organisation would pass its quota of {quota} identifiers evaluated in a day (UTC). "
        "Go on tomorrow, send fewer, or ask the hub's administrators for a higher quota."
    )


def _note_refusal(organisation: Organisation, today: date, quota: int, number: int) -> None:
    held, _created = IdentifierDay.objects.get_or_create(organisation=organisation, day=today)
    IdentifierDay.objects.filter(pk=held.pk).update(refused=F("refused") + number)
    _alert(
        organisation, today, IdentifierAlert.Cause.USED_UP, identifiers=held.identifiers, quota=quota, usual=held.usual
    )


def _alert_where_crossed(
    organisation: Organisation, today: date, quota: int, *, before: int, after: int, usual: int | None
) -> None:
    """Each mark is crossed once a day, so the requests before and after it cost nothing."""
    marks = {IdentifierAlert.Cause.SHARE: settings.IDENTIFIERS_ALERT_SHARE * quota}
    if usual is not None:
        marks[IdentifierAlert.Cause.UNUSUAL] = max(_WORTH_A_LOOK, settings.IDENTIFIERS_ALERT_TIMES_USUAL * usual)
    for cause, mark in marks.items():
        if before < mark <= after:
            _alert(organisation, today, cause, identifiers=after, quota=quota, usual=usual)


def _alert(organisation: Organisation, day: date, cause: str, **figures: int | None) -> None:
    alert = IdentifierAlert(organisation=organisation, day=day, cause=cause, **figures)
    IdentifierAlert.objects.bulk_create([alert], ignore_conflicts=True)


def acknowledge_alert(*, actor: Actor, alert: IdentifierAlert, reason: str) -> None:
    """A person has looked into it; `reason` says with what result. Doing it twice changes nothing."""
    require_oversight(actor)
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        open_still = IdentifierAlert.objects.filter(pk=alert.pk, acknowledged_at=None)
        if open_still.update(acknowledged_at=Now(), acknowledged_by=actor.user):
            record(
                actor=actor,
                action="identifier_alert.acknowledged",
                object_type="identifier_alert",
                object_id=alert.pk,
                reason=reason,
                organisation=str(alert.organisation.uuid),
                day=alert.day.isoformat(),
                cause=alert.cause,
            )


def allow_plain_identifiers(*, actor: Actor, organisation: Organisation, allowed: bool, reason: str) -> None:
    """Let an organisation send identifiers in plain, or only as tokens from now on."""
    require_oversight(actor)
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        Organisation.objects.filter(pk=organisation.pk).update(plain_identifiers=allowed)
        record(
            actor=actor,
            action="organisation.plain_identifiers_allowed" if allowed else "organisation.plain_identifiers_refused",
            object_type="organisation",
            object_id=organisation.uuid,
            reason=reason,
        )


def _today() -> date:
    return timezone.now().astimezone(UTC).date()


def _seconds_left() -> int:
    now = timezone.now().astimezone(UTC)
    midnight = datetime.combine(now.date() + timedelta(days=1), time.min, UTC)
    return max(1, int((midnight - now).total_seconds()) + 1)
