"""Re-matching in the admin and from the command line."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.actor import Actor
from hub.audit.models import AuditEntry
from sharing.admin.rematches import time_left
from sharing.management.commands import rematch as command
from sharing.matching.models import Match, Rematch
from tests import factories
from tests.matching.working import work_off

pytestmark = pytest.mark.django_db
PAGES = "/admin/sharing/rematch/"
MD5 = "900150983cd24fb0d6963f7d28e17f72"


@pytest.fixture
def unmatched(db: None) -> None:
    group = factories.make_group("watch")
    for slug in ("alpha", "beta"):
        organisation = factories.make_organisation(slug)
        factories.give(organisation, group)
        factories.submit(organisation, group, indicators=[("md5", MD5)], summary="A secret summary")


def test_an_administrator_starts_it_and_sees_how_far_it_is(admin: Client, operator: Actor, unmatched: None) -> None:
    answer = admin.post(f"{PAGES}add/", {"signal_type": "md5", "reason": "A new rule."}, follow=True)
    assert answer.redirect_chain[-1][0] == PAGES
    rematch = Rematch.objects.get()
    assert (rematch.signal_type, rematch.reason, rematch.requested_by) == ("md5", "A new rule.", operator.user)
    page = admin.get(PAGES).content.decode()
    assert "with MD5" in page and "Waiting" in page and "not begun" in page
    work_off("rematch.step")
    for address in (PAGES, f"{PAGES}{rematch.pk}/change/"):
        page = admin.get(address).content.decode()
        assert "2 of 2 (100 %)" in page and "Finished" in page
        assert '<progress value="100" max="100"' in page
        assert "secret" not in page
    assert Match.objects.count() == 2
    entry = AuditEntry.objects.get(action="rematch.started")
    assert (entry.object_id, entry.reason, entry.user_id) == (str(rematch.uuid), "A new rule.", operator.user_id)


@pytest.mark.parametrize(
    "form", [{"reason": ""}, {"reason": " "}, {"reason": "x", "signal_type": "nonsense"}, {"reason": "a@example.org"}]
)
def test_what_makes_no_sense_is_not_started(admin: Client, form: dict[str, str]) -> None:
    page = admin.post(f"{PAGES}add/", form)
    assert page.status_code == 200
    assert "errornote" in page.content.decode()
    assert not Rematch.objects.exists()


def test_it_is_cancelled_with_a_reason_and_not_changed(admin: Client, unmatched: None) -> None:
    admin.post(f"{PAGES}add/", {"reason": "A new rule."})
    rematch = Rematch.objects.get()
    change = f"{PAGES}{rematch.pk}/change/"
    assert admin.post(change, {"reason": "Another."}).status_code == 403
    assert "Cancel" in admin.get(change).content.decode()
    admin.post(f"{PAGES}{rematch.pk}/cancel/", {"confirm": "yes", "reason": "Not now."})
    work_off("rematch.step")
    rematch.refresh_from_db()
    assert (rematch.state, rematch.done) == (Rematch.State.CANCELLED, 0)
    assert AuditEntry.objects.get(action="rematch.cancelled").reason == "Not now."
    again = admin.post(f"{PAGES}{rematch.pk}/cancel/", {"confirm": "yes", "reason": "Again."}, follow=True)
    assert "no longer possible" in again.content.decode()


def test_what_the_hub_began_by_itself_says_for_whom(admin: Client) -> None:
    group, joining = factories.make_group("watch", name="Trafficking watch"), factories.make_organisation("joining")
    factories.submit(joining, named_organisations=(factories.make_organisation().slug,))
    factories.give(joining, group)
    work_off("visibility.gained")
    rematch = Rematch.objects.get()
    page = admin.get(f"{PAGES}{rematch.pk}/change/").content.decode()
    assert "those of Joining, for itself" in page and "Trafficking watch" in page and "began this by itself" in page


def test_the_time_left_follows_the_pace_so_far() -> None:
    begun = timezone.now() - timedelta(minutes=10)
    half = Rematch(state=Rematch.State.RUNNING, total=300, done=100, started_at=begun)
    left = time_left(half)
    assert left is not None and abs(left - timedelta(minutes=20)) < timedelta(seconds=5)
    assert time_left(Rematch(state=Rematch.State.RUNNING, total=300, done=0, started_at=begun)) is None
    assert time_left(Rematch(state=Rematch.State.FINISHED, total=300, done=300, started_at=begun)) is None


def test_the_command_starts_it_in_the_name_of_an_administrator(operator: Actor, unmatched: None) -> None:
    assert operator.user is not None
    out = StringIO()
    call_command("rematch", "--by", operator.user.email, "--reason", "A new rule.", "--type", "md5", stdout=out)
    rematch = Rematch.objects.get()
    assert str(rematch.uuid) in out.getvalue()
    assert (rematch.requested_by, rematch.signal_type) == (operator.user, "md5")


def test_the_command_waits_and_shows_how_far_it_is(
    operator: Actor, unmatched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert operator.user is not None
    # While it sleeps, the worker works.
    monkeypatch.setattr(command.time, "sleep", lambda _seconds: work_off("rematch.step"))
    out = StringIO()
    call_command("rematch", "--by", operator.user.email, "--reason", "A new rule.", "--wait", stdout=out)
    assert out.getvalue().endswith("2 of 2 signals, 2 new matches\n")


def test_the_command_counts_nothing_on_an_empty_hub(operator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator.user is not None
    monkeypatch.setattr(command.time, "sleep", lambda _seconds: work_off("rematch.step"))
    out = StringIO()
    call_command("rematch", "--by", operator.user.email, "--reason", "A new rule.", "--wait", stdout=out)
    assert out.getvalue().endswith("0 of 0 signals, 0 new matches\n")


@pytest.mark.parametrize(("who", "reason"), [("nobody@example.org", "x"), ("member", "x"), ("operator", " ")])
def test_the_command_says_why_it_does_not_start(operator: Actor, who: str, reason: str) -> None:
    assert operator.user is not None
    emails = {"member": factories.make_user().email, "operator": operator.user.email}
    with pytest.raises(CommandError, match=r"no such person|administrator|needs a reason"):
        call_command("rematch", "--by", emails.get(who, who), "--reason", reason)
    assert not Rematch.objects.exists()
