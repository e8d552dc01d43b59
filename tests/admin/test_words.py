"""What administrators write is kept and shown: identifiers are refused at the field, and by each service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import identifier_quota
from accounts import services as accounts
from accounts.actor import Actor
from accounts.identifier_use import IdentifierAlert
from accounts.models import ApiClient, Organisation
from hub.audit.models import AuditEntry
from hub.errors import Invalid
from sharing.matching.floods.models import Flood
from sharing.matching.floods.services import decide_flood
from sharing.matching.models import Rematch
from sharing.matching.rematches import cancel_rematch, start_rematch
from sharing.matching.thresholds import NearThreshold, set_threshold
from sharing.visibility import services as visibility
from sharing.visibility.models import GroupPermission, SharingGroup
from tests import factories

pytestmark = pytest.mark.django_db
SAID = "This text seems to hold an e-mail address or a phone number."
NAMES_SOMEBODY = "case of jo.grant@example.org"


def make_things() -> dict[str, Any]:
    organisation, group = factories.make_organisation("alpha"), factories.make_group("watch")
    factories.give(organisation, group)
    client, _key = factories.make_client(organisation)
    signal = factories.submit(organisation, group)
    return {
        "organisation": organisation,
        "group": group,
        "client": client,
        "key": client.keys.first(),
        "user": factories.make_user(organisation),
        "grant": group.grants.first(),
        "flood": Flood.objects.create(centre=signal.indicators.get(), signals=1_001, witnesses=[]),
        "alert": IdentifierAlert.objects.create(
            organisation=organisation, day=timezone.localdate(), cause="share", identifiers=1, quota=1
        ),
        "rematch": Rematch.objects.create(reason="A new rule."),
    }


VIEW = GroupPermission.VIEW
SERVICES: dict[str, Callable[[Actor, dict[str, Any]], object]] = {
    "grant": lambda actor, made: visibility.grant_access(
        actor=actor,
        sharing_group=made["group"],
        organisation=factories.make_organisation(),
        permission=VIEW,
        reason=NAMES_SOMEBODY,
    ),
    "take away": lambda actor, made: visibility.revoke_access(
        actor=actor,
        sharing_group=made["group"],
        organisation=made["organisation"],
        permission=VIEW,
        reason=NAMES_SOMEBODY,
    ),
    "close": lambda actor, made: visibility.set_group_status(
        actor=actor, sharing_group=made["group"], status="closed", reason=NAMES_SOMEBODY
    ),
    "suspend": lambda actor, made: accounts.set_status(
        actor=actor, organisation=made["organisation"], status="suspended", reason=NAMES_SOMEBODY
    ),
    "deactivate": lambda actor, made: accounts.set_active(
        actor=actor, user=made["user"], active=False, reason=NAMES_SOMEBODY
    ),
    "revoke a key": lambda actor, made: accounts.revoke_key(actor=actor, key=made["key"], reason=NAMES_SOMEBODY),
    "revoke a client": lambda actor, made: accounts.revoke_client(
        actor=actor, client=made["client"], reason=NAMES_SOMEBODY
    ),
    "plain identifiers": lambda actor, made: identifier_quota.allow_plain_identifiers(
        actor=actor, organisation=made["organisation"], allowed=True, reason=NAMES_SOMEBODY
    ),
    "acknowledge": lambda actor, made: identifier_quota.acknowledge_alert(
        actor=actor, alert=made["alert"], reason=NAMES_SOMEBODY
    ),
    "threshold": lambda actor, made: set_threshold(actor=actor, signal_type="pdq", threshold=31, reason=NAMES_SOMEBODY),
    "rematch": lambda actor, made: start_rematch(actor=actor, reason=NAMES_SOMEBODY),
    "cancel": lambda actor, made: cancel_rematch(actor=actor, uuid=made["rematch"].uuid, reason=NAMES_SOMEBODY),
    "flood": lambda actor, made: decide_flood(
        actor=actor,
        flood=made["flood"],
        decision="excluded",
        reason=NAMES_SOMEBODY,
        until=timezone.now() + timedelta(days=1),
    ),
}


@pytest.mark.parametrize("act", SERVICES)
def test_a_reason_that_names_somebody_is_refused_and_kept_nowhere(act: str, operator: Actor) -> None:
    made = make_things()
    with pytest.raises(Invalid) as refused:
        SERVICES[act](operator, made)
    assert [(problem.path, problem.code) for problem in refused.value.problems] == [("/reason", "identifier_in_text")]
    assert "as an indicator" not in refused.value.problems[0].mend
    assert not AuditEntry.objects.filter(reason__contains="jo.grant").exists()


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("accounts/organisation/{organisation.pk}/suspend/", {"confirm": "yes"}),
        ("accounts/organisation/{organisation.pk}/refuse-plain/", {"confirm": "yes"}),
        ("accounts/identifieralert/{alert.pk}/acknowledge/", {"confirm": "yes"}),
        ("accounts/user/{user.pk}/deactivate/", {"confirm": "yes"}),
        ("accounts/apiclient/{client.pk}/revoke/", {"confirm": "yes"}),
        ("accounts/apiclient/{client.pk}/keys/{key.pk}/revoke/", {"confirm": "yes"}),
        ("sharing/sharinggroup/{group.pk}/close/", {"confirm": "yes"}),
        ("sharing/sharinggroup/{group.pk}/grants/{grant.pk}/revoke/", {"confirm": "yes"}),
        ("sharing/rematch/{rematch.pk}/cancel/", {"confirm": "yes"}),
        ("sharing/rematch/add/", {"signal_type": ""}),
        ("sharing/nearthreshold/add/", {"signal_type": "pdq", "threshold": 20}),
        ("sharing/flood/{flood.pk}/decide/", {"decision": "excluded", "until": timezone.localdate().isoformat()}),
    ],
)
def test_each_page_says_so_at_the_field(admin: Client, address: str, form: dict[str, Any]) -> None:
    made = make_things()
    answer = admin.post(f"/admin/{address.format(**made)}", form | {"reason": NAMES_SOMEBODY})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert page.count(SAID) == 1
    assert SAID in page.split('id="id_reason_error"')[1].split("</ul>")[0]
    assert Organisation.objects.get(slug="alpha").is_active
    assert not NearThreshold.objects.exists()


def test_a_grant_row_says_so_at_its_reason(admin: Client) -> None:
    group, alpha = factories.make_group("watch"), factories.make_organisation("alpha")
    form = {"name": "Watch", "purpose": "To watch.", "max_tlp": "AMBER", "retention_days": 9}
    form |= {"video_query_share": 80, "video_stored_share": 80, "grants-TOTAL_FORMS": 1, "grants-INITIAL_FORMS": 0}
    form |= {"grants-0-organisation": alpha.pk, "grants-0-level": VIEW, "grants-0-reason": "+44 7700 900789"}
    answer = admin.post(f"/admin/sharing/sharinggroup/{group.pk}/change/", form)
    assert answer.status_code == 200
    assert SAID in answer.content.decode()
    assert not group.grants.exists()


def test_a_group_whose_name_holds_a_number_can_be_changed_once_it_has_another(admin: Client) -> None:
    group = factories.make_group("watch", name="Call +44 7700 900789")
    form = {"name": group.name, "purpose": "To watch.", "max_tlp": "AMBER", "retention_days": 9}
    form |= {"video_query_share": 80, "video_stored_share": 50, "grants-TOTAL_FORMS": 0, "grants-INITIAL_FORMS": 0}
    address = f"/admin/sharing/sharinggroup/{group.pk}/change/"
    refused = admin.post(address, form)
    assert refused.status_code == 200
    assert SAID in refused.content.decode()
    assert admin.post(address, form | {"name": "Watch"}).status_code == 302
    assert SharingGroup.objects.get().video_stored_share == 50


def test_names_that_members_read_hold_no_identifiers(admin: Client) -> None:
    new = {"name": "jo@example.org", "slug": "jo", "kind": "ngo", "country": ""}
    assert SAID in admin.post("/admin/accounts/organisation/add/", new).content.decode()
    client = {"organisation": factories.make_organisation().pk, "name": "jo@example.org", "scopes": ["signals:read"]}
    assert SAID in admin.post("/admin/accounts/apiclient/add/", client).content.decode()
    assert not ApiClient.objects.exists()


@pytest.mark.parametrize("page", ["accounts/organisation", "sharing/sharinggroup"])
def test_a_short_name_is_explained_without_jargon(admin: Client, page: str) -> None:
    said = admin.post(f"/admin/{page}/add/", {"name": "N", "slug": "No name !"}).content.decode()
    assert "Write a short name: small letters, digits, dashes." in said
    assert "valid “slug”" not in said


@pytest.mark.parametrize("chosen", ["abc", "", "99999999999999999999"])
@pytest.mark.parametrize(
    ("page", "action"),
    [
        ("accounts/organisation", "suspend"),
        ("accounts/user", "deactivate"),
        ("accounts/apiclient", "revoke"),
        ("sharing/sharinggroup", "close"),
        ("sharing/rematch", "cancel"),
    ],
)
def test_a_list_action_on_what_is_no_id_changes_nothing(admin: Client, page: str, action: str, chosen: str) -> None:
    make_things()
    form = {"action": action, "_selected_action": chosen}
    answer = admin.post(f"/admin/{page}/", form, follow=True)
    assert answer.status_code == 200
    assert "The hub could not read what was chosen." in answer.content.decode()
