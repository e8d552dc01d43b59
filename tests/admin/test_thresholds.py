"""Near thresholds in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from hub.audit.models import AuditEntry
from sharing.matching.models import Rematch
from sharing.matching.thresholds import NearThreshold, thresholds
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/admin/sharing/nearthreshold/"


def test_a_threshold_is_lowered_changed_and_put_back_each_time_with_a_reason(admin: Client) -> None:
    added = admin.post(f"{PAGE}add/", {"signal_type": "pdq", "threshold": 20, "reason": "Many false ones."})
    assert added.status_code == 302, added.content.decode()
    row = NearThreshold.objects.get()
    assert (row.threshold, row.reason, thresholds()["pdq"]) == (20, "Many false ones.", 20)
    assert row.set_by is not None
    address = f"{PAGE}{row.pk}/change/"
    page = admin.get(address).content.decode()
    assert "PDQ picture hash" in page
    assert "Many false ones." in page
    assert "Reason:" in page
    again = admin.post(address, {"threshold": 24, "reason": ""})
    assert "This field is required" in again.content.decode()
    assert admin.post(address, {"threshold": 24, "reason": "A little too strict."}).status_code == 302
    assert thresholds()["pdq"] == 24
    admin.post(f"{PAGE}{row.pk}/default/", {"confirm": "yes", "reason": "The trial ended."})
    assert thresholds()["pdq"] == 31
    told = AuditEntry.objects.filter(action="threshold.set", object_id="pdq").order_by("pk")
    assert [(entry.detail["before"], entry.detail["threshold"], entry.reason) for entry in told] == [
        (31, 20, "Many false ones."),
        (20, 24, "A little too strict."),
        (24, 31, "The trial ended."),
    ]
    assert NearThreshold.objects.count() == 1


@pytest.mark.parametrize(
    ("signal_type", "threshold", "says"),
    [
        ("pdq", 32, "0 to 31"),
        ("phash", 9, "0 to 8"),
        ("pdq", -1, "greater than or equal to 0"),
        ("md5", 1, "valid choice"),
        ("", 1, "required"),
    ],
)
def test_what_a_type_does_not_allow_is_refused(admin: Client, signal_type: str, threshold: int, says: str) -> None:
    refused = admin.post(f"{PAGE}add/", {"signal_type": signal_type, "threshold": threshold, "reason": "Why not."})
    assert refused.status_code == 200
    assert says in refused.content.decode()
    assert not NearThreshold.objects.exists()


def test_a_type_has_one_threshold(admin: Client) -> None:
    form = {"signal_type": "dhash", "threshold": 4, "reason": "Once."}
    admin.post(f"{PAGE}add/", form)
    assert "already exists" in admin.post(f"{PAGE}add/", form).content.decode()


def test_the_shares_of_a_group_are_percent(admin: Client) -> None:
    group = factories.make_group("watch")
    form = {"name": "Watch", "purpose": "To watch.", "max_tlp": "AMBER", "retention_days": 9}
    form |= {"grants-TOTAL_FORMS": 0, "grants-INITIAL_FORMS": 0, "video_query_share": 60, "video_stored_share": 101}
    address = f"/admin/sharing/sharinggroup/{group.pk}/change/"
    assert "less than or equal to 100" in admin.post(address, form).content.decode()
    assert admin.post(address, form | {"video_stored_share": 10}).status_code == 302
    group.refresh_from_db()
    assert (group.video_query_share, group.video_stored_share) == (60, 10)
    entry = AuditEntry.objects.get(action="sharing_group.updated")
    assert {"video_query_share", "video_stored_share"} <= set(entry.detail["fields"])


def test_a_changed_share_of_a_group_has_stored_videos_matched_again(admin: Client) -> None:
    group = factories.make_group("watch")
    form = {"name": "Watch", "purpose": "To watch.", "max_tlp": "AMBER", "retention_days": 9}
    form |= {"grants-TOTAL_FORMS": 0, "grants-INITIAL_FORMS": 0, "video_query_share": 80, "video_stored_share": 80}
    address = f"/admin/sharing/sharinggroup/{group.pk}/change/"
    assert admin.post(address, form).status_code == 302
    assert not Rematch.objects.exists()
    assert admin.post(address, form | {"video_stored_share": 50}).status_code == 302
    (rematch,) = Rematch.objects.all()
    assert (rematch.cause, rematch.signal_type) == ("threshold", "vpdq")
    assert "watch" in rematch.reason
