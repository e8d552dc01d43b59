"""Members who do everything at once that changes what others see."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import OperationalError, transaction
from django.utils import timezone
from rest_framework.utils.encoders import JSONEncoder

from accounts.actor import Actor
from accounts.models import Organisation
from accounts.services import set_status
from hub.errors import HubError
from sharing.api.serializers.signals import SignalOut
from sharing.feeds.models import PastAudience
from sharing.feeds.services import note_expired
from sharing.signals.models import Share, Signal, SignalIndicator, is_live
from sharing.signals.selectors import with_details
from sharing.signals.services import retract_signal, submit_signal, update_signal
from sharing.visibility.models import GroupPermission, SharingGroup
from sharing.visibility.selectors import contributable_groups
from sharing.visibility.services import grant_access, revoke_access, set_group_status
from tests import factories

LONGEST_SOON = 0.8  # seconds
VALUES = [("sha256", f"{number:064x}") for number in range(30)] + [("md5", f"{number:032x}") for number in range(30)]


@dataclass
class World:
    """Writers may share with every group at first; the last group is one that no reader ever gets into."""

    operator: Actor = field(default_factory=factories.make_operator)
    writers: list[Organisation] = field(default_factory=list)
    readers: list[Organisation] = field(default_factory=list)
    groups: list[SharingGroup] = field(default_factory=list)
    hidden: SharingGroup = field(default_factory=lambda: factories.make_group("hidden"))
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    # Some signals expire by the clock, within LONGEST_SOON.
    by_the_clock: bool = True

    @classmethod
    def made(cls, dice: random.Random, *, by_the_clock: bool = True) -> World:
        world = cls(by_the_clock=by_the_clock)
        world.groups = [factories.make_group(f"g{number}") for number in range(4)]
        for number in range(3):
            writer = factories.make_organisation(f"writer-{number}")
            world.writers.append(writer)
            for group in (*world.groups, world.hidden):
                factories.give(writer, group)
        for number in range(3):
            reader = factories.make_organisation(f"reader-{number}")
            world.readers.append(reader)
            for group in dice.sample(world.groups, 2):
                factories.give(reader, group, "contribute")
        for organisation in (*world.writers, *world.readers):
            world.keys[organisation.slug] = factories.make_client(organisation)[1]
        return world

    def act(self, dice: random.Random, *, lingers: bool = False) -> None:
        """Something, at random. Some transactions stay open for a while, so that ids commit out of order."""
        deeds = [deed for deed, weight in _DEEDS for _ in range(weight)]
        deed = dice.choice(deeds)
        try:
            with transaction.atomic():
                deed(self, dice)
                if lingers and dice.random() < 0.3:
                    time.sleep(dice.random() * 0.03)
        except (HubError, OperationalError):
            pass  # somebody else was first, or a dead-lock was broken: nothing was stored

    def begin(self, organisation: Organisation, group: str) -> None:
        """Who narrows its feed to a group must see it at first."""
        chosen = next(one for one in self.groups if one.slug == group)
        set_group_status(actor=self.operator, sharing_group=chosen, status="active", reason="Asked.")
        self.let_all_in()
        grant_access(
            actor=self.operator, sharing_group=chosen, organisation=organisation,
            permission=GroupPermission.VIEW, reason="Agreed.",
        )  # fmt: skip

    def let_all_in(self) -> None:
        for organisation in self.readers:
            set_status(actor=self.operator, organisation=organisation, status="active", reason="Asked.")

    def never_shown_to(self, organisation: Organisation) -> set[str]:
        """Signals of the hidden group alone: the reader must not even hear that they were."""
        elsewhere = Share.objects.exclude(sharing_group=self.hidden).values("signal")
        past = PastAudience.objects.exclude(sharing_group_id=self.hidden.pk).values("signal_id")
        others = Signal.objects.exclude(organisation=organisation).exclude(pk__in=elsewhere).exclude(pk__in=past)
        named = others.filter(grants__group=organisation.group)
        return {str(uuid) for uuid in others.exclude(pk__in=named.values("pk")).values_list("uuid", flat=True)}

    def actor(self, organisation: Organisation) -> Actor:
        return factories.actor_for(organisation)

    def expected(
        self, organisation: Organisation, types: tuple[str, ...] = (), group: str = ""
    ) -> dict[str, dict[str, Any]]:
        """What the reader's copy must be: the rule of visibility, and the API's own serializer."""
        actor = self.actor(organisation)
        signals = Signal.objects.visible_to(actor).filter(is_live()).exclude(tlp="RED").exclude(subject_role="victim")
        if types:
            signals = signals.filter(indicators__signal_type__in=types).distinct()
        if group:
            visible = SharingGroup.objects.visible_to(actor).filter(slug=group)
            signals = signals.filter(pk__in=Share.objects.filter(sharing_group__in=visible).values("signal"))
        shown = SignalOut(with_details(signals, actor), many=True, context={"actor": actor}).data
        return {str(row["id"]): _plain(row) for row in shown}


def _plain(row: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(row, cls=JSONEncoder))
    return plain


def _audience(world: World, dice: random.Random, organisation: Organisation) -> dict[str, Any]:
    open_to = list(contributable_groups(world.actor(organisation)).order_by("pk"))
    groups = dice.sample(open_to, min(len(open_to), dice.randint(1, 3)))
    named = [reader.slug for reader in world.readers if dice.random() < 0.15]
    red = bool(named) and dice.random() < 0.15
    return {
        "sharing_groups": () if red else tuple(group.slug for group in groups),
        "named_organisations": tuple(named),
        "tlp": "RED" if red else dice.choice(["GREEN", "AMBER"]),
        "subject_role": "victim" if dice.random() < 0.1 else "unknown",
    }


def _content(world: World, dice: random.Random) -> dict[str, Any]:
    soon = timezone.now() + timedelta(seconds=LONGEST_SOON * dice.random())
    return {
        "summary": f"Version {dice.random()}",
        "expires_at": soon if world.by_the_clock and dice.random() < 0.15 else timezone.now() + timedelta(days=30),
        "indicators": dice.sample(VALUES, dice.randint(1, 3)),
    }


def submit(world: World, dice: random.Random) -> None:
    """New, or again under the same reference."""
    organisation = dice.choice([*world.writers, *world.writers, *world.readers])
    item = factories.signal_input(
        external_id=f"{organisation.slug}-{dice.randint(1, 40)}",
        **_audience(world, dice, organisation), **_content(world, dice),
    )  # fmt: skip
    submit_signal(actor=world.actor(organisation), item=item)


def _some(dice: random.Random) -> Signal | None:
    newest = list(Signal.objects.order_by("-pk")[:40])
    return dice.choice(newest) if newest else None


def change(world: World, dice: random.Random) -> None:
    changes: dict[str, Any]
    if signal := _some(dice):
        changes = dice.choice([{"summary": f"Changed {dice.random()}"}, _audience(world, dice, signal.organisation)])
        if dice.random() < 0.5:
            changes["expires_at"] = timezone.now() + timedelta(days=30)
        update_signal(actor=world.actor(signal.organisation), uuid=signal.uuid, changes=changes)


def retract(world: World, dice: random.Random) -> None:
    if (signal := _some(dice)) and dice.random() < 0.5:
        retract_signal(actor=world.actor(signal.organisation), uuid=signal.uuid, reason="A mistake.")


def expire(_world: World, dice: random.Random) -> None:
    if (signal := _some(dice)) and dice.random() < 0.5:
        Signal.objects.filter(pk=signal.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        note_expired()


def part_by_hand(_world: World, dice: random.Random) -> None:
    """A share or an indicator taken away without the services: the database must notice by itself."""
    if signal := _some(dice):
        model = dice.choice([Share, SignalIndicator])
        model.objects.filter(pk__in=model.objects.filter(signal=signal).values("pk")[:1]).delete()


def grant(world: World, dice: random.Random) -> None:
    grant_access(
        actor=world.operator, sharing_group=dice.choice(world.groups), organisation=dice.choice(world.readers),
        permission=dice.choice([GroupPermission.VIEW, GroupPermission.CONTRIBUTE]), reason="Agreed.",
    )  # fmt: skip


def revoke(world: World, dice: random.Random) -> None:
    revoke_access(
        actor=world.operator, sharing_group=dice.choice(world.groups), organisation=dice.choice(world.readers),
        permission=GroupPermission.VIEW, reason="Left.",
    )  # fmt: skip


def turn(world: World, dice: random.Random) -> None:
    status = dice.choice(["closed", "active", "active"])
    set_group_status(actor=world.operator, sharing_group=dice.choice(world.groups), status=status, reason="Asked.")


def suspend(world: World, dice: random.Random) -> None:
    status = dice.choice(["suspended", "active", "active", "active"])
    set_status(actor=world.operator, organisation=dice.choice(world.readers), status=status, reason="Asked.")


_DEEDS: list[tuple[Callable[[World, random.Random], None], int]] = [
    (submit, 10), (change, 5), (retract, 2), (expire, 2), (part_by_hand, 1),
    (grant, 2), (revoke, 2), (turn, 1), (suspend, 1),
]  # fmt: skip
