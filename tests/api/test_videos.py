"""Videos through the doors: what the API and the portal take, refuse and show."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sharing.matching.services import match_signals
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.videos import frames_of, video

pytestmark = pytest.mark.django_db


@pytest.fixture
def members() -> Any:
    group = factories.make_group("watch")
    alpha, beta = factories.make_organisation("alpha"), factories.make_organisation("beta")
    for organisation in (alpha, beta):
        factories.give(organisation, group)
    return alpha, beta, factories.make_client(alpha)[1], factories.make_client(beta)[1]


def body(value: Any, kind: str = "vpdq") -> dict[str, Any]:
    return {
        "kind": "content",
        "harm": "other",
        "severity": "low",
        "sharing_groups": ["watch"],
        "indicators": [{"type": kind, "value": value}],
    }


def post(client: Client, key: str, data: Any, where: str = "api:signals") -> Any:
    return client.post(
        reverse(where), json.dumps(data), content_type="application/json", headers={"authorization": f"Bearer {key}"}
    )


def problems(response: Any) -> list[tuple[str, str]]:
    return [(problem["path"], problem["code"]) for problem in response.json()["errors"]]


def test_two_videos_meet_and_the_match_shows_the_shares(client: Client, members: Any) -> None:
    _alpha, beta, alpha_key, beta_key = members
    frames = video(random.Random(1), 20)
    first = post(client, alpha_key, body(frames))
    assert first.status_code == 201
    (indicator,) = first.json()["indicators"]
    assert (indicator["type"], len(indicator["value"])) == ("vpdq", 64)
    texts = json.dumps([f"{frame['hash']},90,{frame['timestamp']}" for frame in frames[:18]])
    second = post(client, beta_key, body(texts))
    match_signals([Signal.objects.get(uuid=second.json()["id"]).pk])
    listed = client.get(reverse("api:matches"), headers={"authorization": f"Bearer {alpha_key}"}).json()
    ((evidence,),) = [related["evidence"] for related in listed["results"][0]["related"]]
    assert evidence["video"] == {
        "frames": 18,
        "matched": 18,
        "share": 100,
        "enough": 80,
        "related_frames": 20,
        "related_matched": 18,
        "related_share": 90,
        "related_enough": 80,
    }
    assert (evidence["distance"], evidence["threshold"]) == (10, 99)
    client.force_login(factories.make_user(beta))
    page = client.get(reverse("portal:match", args=[beta.matches.get().uuid])).content.decode()
    assert "100 % of the frames of one video have a near frame in the other, and 90 % the other way round" in page
    assert "18 of 20 have a near frame: 90 % (at least 80 %)" in page


def test_a_bad_frame_is_named_by_json_path(client: Client, members: Any) -> None:
    frames = video(random.Random(2), 3)
    frames[1]["hash"] = "xyz"
    frames[2]["quality"] = 900
    response = post(client, members[2], body(frames))
    assert response.status_code == 400
    assert problems(response) == [
        ("/indicators/0/value/1/hash", "bad_hash"),
        ("/indicators/0/value/2/quality", "bad_quality"),
    ]
    batch = post(client, members[2], {"signals": [body(frames)]}, "api:signal-batch").json()
    assert batch["results"][0]["errors"][0]["path"] == "/signals/0/indicators/0/value/1/hash"


@pytest.mark.parametrize("value", [[], [None], [[[]]], [{"hash": {}}], {"hash": "x"}, 7, None, True])
def test_what_is_no_video_is_refused(client: Client, members: Any, value: Any) -> None:
    response = post(client, members[2], body(value))
    assert response.status_code == 400
    assert all(path.startswith("/indicators/0/value") for path, _code in problems(response))


@pytest.mark.parametrize("kind", ["md5", "text", "username", "url", "vpdq_frame"])
def test_only_a_video_is_a_list(client: Client, members: Any, kind: str) -> None:
    response = post(client, members[2], body(["somebody"], kind))
    assert response.status_code == 400
    assert problems(response) == [
        ("/indicators/0/type", "unknown_type") if kind == "vpdq_frame" else ("/indicators/0/value", "not_text")
    ]


def test_frames_count_towards_the_limits(client: Client, members: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sharing.signals.services.MAX_INDICATORS_IN_ALL", 20)
    dice = random.Random(3)
    rows = [body(video(dice, 9)) for _ in range(3)]
    assert post(client, members[2], {"signals": rows[:2]}, "api:signal-batch").json()["stored"] == 2
    refused = post(client, members[2], {"signals": rows}, "api:signal-batch")
    assert problems(refused) == [("/signals", "too_many_indicators")]
    monkeypatch.setattr("sharing.signals.preparation.MAX_FRAMES", 10)
    two = body(video(dice, 6))
    two["indicators"].append({"type": "vpdq", "value": video(dice, 6)})
    assert problems(post(client, members[2], two)) == [("/indicators", "too_many_frames")]


def test_the_catalogue_names_videos_and_not_their_frames(client: Client, members: Any) -> None:
    rows = client.get(reverse("api:signal-types"), headers={"authorization": f"Bearer {members[2]}"}).json()
    by_name = {row["name"]: row for row in rows}
    assert (by_name["vpdq"]["bits"], by_name["vpdq"]["threshold"]) == (256, 31)
    assert (by_name["md5"]["bits"], by_name["md5"]["threshold"]) == (None, 0)
    assert "vpdq_frame" not in by_name


def test_members_read_what_is_enough_in_their_groups(client: Client, members: Any) -> None:
    SharingGroup.objects.update(video_stored_share=15)
    (group,) = client.get(reverse("api:sharing-groups"), headers={"authorization": f"Bearer {members[2]}"}).json()
    assert (group["video_query_share"], group["video_stored_share"]) == (80, 15)


def test_the_portal_takes_a_pasted_video_and_names_the_bad_frame(client: Client, members: Any) -> None:
    client.force_login(factories.make_user(members[0]))
    address = reverse("portal:submit-details") + "?kind=content&harm=other&tlp=AMBER&sharing_groups=watch"
    form = {"indicators-TOTAL_FORMS": 1, "indicators-INITIAL_FORMS": 0, "indicators-0-type": "vpdq"}
    form |= {"severity": "low", "confidence": 50, "subject_role": "unknown"}
    frames = frames_of(["f" * 63 + "x", *(frame["hash"] for frame in video(random.Random(4), 2))])
    refused = client.post(address, form | {"indicators-0-value": json.dumps(frames)})
    assert "Frame 1: The frame&#x27;s hash is not a PDQ hash." in refused.content.decode()
    taken = client.post(address, form | {"indicators-0-value": json.dumps(frames[1:])})
    assert taken.status_code == 302
    assert Signal.objects.get().indicator_links.get().indicator.signal_type == "vpdq"
