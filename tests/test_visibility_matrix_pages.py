"""Who sees what, second part: every page of the portal and of the admin, for everybody in the cast.

A new page that is not in `PORTAL` fails `test_every_page_is_in_the_matrix`; admin pages are found by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, get_resolver, reverse

from accounts.models import Organisation
from tests.cast import IN_GROUP, KNOWN, SHARED_HASH, WHO, Scene, make_scene
from tests.test_visibility_matrix import addresses, arguments, only

pytestmark = pytest.mark.django_db

OWNER_ONLY = {**only(403, "viewer", "contributor", "manager", unknown=302), "submitter": 200}
OWNER_POSTS = {**OWNER_ONLY, "submitter": 302}
EVERY_MEMBER = only(200, *KNOWN, unknown=302)
# A look-up of the hash that the scene's signals hold.
CHECKED = {
    "indicators-TOTAL_FORMS": "1",
    "indicators-INITIAL_FORMS": "0",
    "indicators-0-type": "md5",
    "indicators-0-value": SHARED_HASH,
}
ELEMENT = "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"
# Of the viewer's own webhook. All of the cast are owners; other roles: tests/portal/test_webhooks.py.
WEBHOOKS_OWNER = only(200, "viewer", unknown=302)
WEBHOOKS_OWNER_POSTS = only(302, "viewer", unknown=302)
NEW_WEBHOOK = {"url": "https://hooks.example.org/new", "events": "match.found"}

# (page, method) -> (arguments, form, status for each of the cast); 302 leads to the sign-in page
PORTAL: dict[tuple[str, str], tuple[str, dict[str, str], dict[str, int]]] = {
    ("portal:dashboard", "get"): ("", {}, EVERY_MEMBER),
    ("portal:profile", "get"): ("", {}, EVERY_MEMBER),
    ("portal:password", "get"): ("", {}, EVERY_MEMBER),
    ("portal:signals", "get"): ("", {}, EVERY_MEMBER),
    ("portal:submit", "get"): ("", {}, EVERY_MEMBER),
    ("portal:submit-details", "get"): (
        "",
        {"sharing_groups": "watch", "tlp": "AMBER", "kind": "content", "harm": "other"},
        only(200, "submitter", "contributor", "manager", others=302, unknown=302),
    ),
    ("portal:signal", "get"): ("signal", {}, only(200, *IN_GROUP, unknown=302)),
    ("portal:signal-change", "get"): ("signal", {}, OWNER_ONLY),
    ("portal:signal-retract", "get"): ("signal", {}, OWNER_ONLY),
    ("portal:signal-retract", "post"): ("signal", {"reason": "Wrong.", "sure": "on"}, OWNER_POSTS),
    ("portal:check", "get"): ("", {}, EVERY_MEMBER),
    ("portal:check", "post"): ("", CHECKED, EVERY_MEMBER),
    ("portal:identifier-keys", "get"): ("", {}, EVERY_MEMBER),
    ("portal:identifier-evaluate", "post"): ("", {"element": ELEMENT}, EVERY_MEMBER),
    ("portal:matches", "get"): ("", {}, EVERY_MEMBER),
    ("portal:match", "get"): ("match", {}, only(200, *IN_GROUP, unknown=302)),
    ("portal:match-verdict", "post"): ("match", {"verdict": "disputed"}, only(302, *IN_GROUP, unknown=302)),
    ("portal:webhooks", "get"): ("", {}, EVERY_MEMBER),
    ("portal:webhook-new", "get"): ("", {}, EVERY_MEMBER),
    ("portal:webhook-new", "post"): ("", NEW_WEBHOOK, EVERY_MEMBER),
    ("portal:webhook", "get"): ("webhook", {}, WEBHOOKS_OWNER),
    ("portal:webhook-change", "get"): ("webhook", {}, WEBHOOKS_OWNER),
    ("portal:webhook-change", "post"): ("webhook", NEW_WEBHOOK, WEBHOOKS_OWNER_POSTS),
    ("portal:webhook-switch", "post"): ("webhook", {"enabled": "off"}, WEBHOOKS_OWNER_POSTS),
    ("portal:webhook-test", "post"): ("webhook", {}, WEBHOOKS_OWNER_POSTS),
    ("portal:webhook-rotate", "get"): ("webhook", {}, WEBHOOKS_OWNER),
    ("portal:webhook-rotate", "post"): ("webhook", {"overlap_hours": "24"}, WEBHOOKS_OWNER),
    ("portal:webhook-delete", "get"): ("webhook", {}, WEBHOOKS_OWNER),
    ("portal:webhook-delete", "post"): ("webhook", {"sure": "on"}, WEBHOOKS_OWNER_POSTS),
    ("portal:webhook-replay-failed", "post"): ("webhook", {}, WEBHOOKS_OWNER_POSTS),
    ("portal:webhook-replay", "post"): ("delivery", {}, WEBHOOKS_OWNER_POSTS),
    ("portal:sign-out", "post"): ("", {}, only(302, *WHO, unknown=302)),
}
PUBLIC = {"portal:sign-in"}


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def sign_in(client: Client, scene: Scene, who: str) -> None:
    if who in scene.users:
        client.force_login(scene.users[who], backend="accounts.backends.MemberBackend")


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("page", PORTAL, ids=lambda page: f"{page[1]} {page[0]}")
def test_portal_answers_each_as_the_table_says(client: Client, scene: Scene, page: tuple[str, str], who: str) -> None:
    what, form, expected = PORTAL[page]
    sign_in(client, scene, who)
    response = getattr(client, page[1])(reverse(page[0], kwargs=arguments(scene, what, who)), form)
    assert response.status_code == expected[who]
    if who not in KNOWN:
        assert response["Location"].startswith(reverse("portal:sign-in"))
    if who not in IN_GROUP:
        for secret in (scene.signal.uuid, scene.other.uuid, scene.group.name, "Submitter", "Contributor", "own-1"):
            assert str(secret) not in response.content.decode()


@pytest.mark.parametrize("who", IN_GROUP)
def test_lists_show_members_what_they_share(client: Client, scene: Scene, who: str) -> None:
    sign_in(client, scene, who)
    assert str(scene.signal.uuid) in client.get(reverse("portal:signals")).content.decode()
    match = scene.match_of(who)
    assert match is not None
    assert str(match.uuid) in client.get(reverse("portal:matches")).content.decode()
    assert ("own-1" in client.get(reverse("portal:signals") + f"/{scene.signal.uuid}").content.decode()) is (
        who == "submitter"
    )


@pytest.mark.parametrize("who", KNOWN)
def test_a_check_tells_of_what_one_sees(client: Client, scene: Scene, who: str) -> None:
    sign_in(client, scene, who)
    shown = client.post(reverse("portal:check"), CHECKED).content.decode()
    assert (str(scene.signal.uuid) in shown) is (str(scene.other.uuid) in shown) is (who in IN_GROUP)
    assert ("Nothing that you can see." in shown) is (who not in IN_GROUP)


@pytest.mark.parametrize("who", KNOWN)
def test_what_was_found_later_is_summed_up_for_who_sees_it(client: Client, scene: Scene, who: str) -> None:
    rematch = scene.found_later()
    sign_in(client, scene, who)
    for page in (reverse("portal:dashboard"), reverse("portal:matches")):
        shown = client.get(page).content.decode()
        assert (str(rematch.uuid) in shown) is (who in IN_GROUP)
        assert "A new rule." not in shown
    listed = client.get(reverse("portal:matches"), {"found": "rematch", "rematch": str(rematch.uuid)}).content.decode()
    assert ("Matches: 1" in listed) is (who in IN_GROUP)
    assert ("were matched again" in listed) is (who in IN_GROUP)


def admin_pages() -> Iterator[str]:
    for name, pattern in addresses(get_resolver().url_patterns):
        if name.startswith("admin:") and isinstance(pattern, URLPattern):
            try:
                yield reverse(name)
            except NoReverseMatch:
                if name.endswith("_change"):
                    yield reverse(name, args=[1])


@pytest.mark.parametrize("who", WHO)
def test_the_admin_lets_in_administrators_of_the_hub_only(client: Client, scene: Scene, who: str) -> None:
    sign_in(client, scene, who)
    pages = sorted({*admin_pages()})
    assert len(pages) > 10
    for page in pages:
        response = client.get(page)
        if who == "operator":
            assert response.status_code < 500, page
        elif who in KNOWN:
            assert response.status_code in (302, 403, 404), page
        else:
            assert response.status_code in (302, 404), page
        if who != "operator":
            assert b"Submitter" not in response.content, page


def test_a_suspended_session_ends_at_the_next_request(client: Client, scene: Scene) -> None:
    sign_in(client, scene, "viewer")
    assert client.get(reverse("portal:dashboard")).status_code == 200
    Organisation.objects.filter(slug="viewer").update(status="suspended")
    assert client.get(reverse("portal:dashboard")).status_code == 302


def test_every_page_is_in_the_matrix() -> None:
    covered: Any = {name for name, _method in PORTAL} | PUBLIC
    for name, _pattern in addresses(get_resolver().url_patterns):
        assert name.startswith(("api:", "admin:")) or name in covered, name
