"""What is too much is refused before it is read, and an answer stays in proportion to what was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from sharing.api.serializers.signals import IndicatorIn
from sharing.api.serializers.strict import MOST_NAMED, Text
from tests.api.test_batch import good

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Entries of lists that were looked at."""
    found: list[Any] = []
    for kind in (IndicatorIn, Text):
        real = kind.to_internal_value

        def noted(self: Any, data: Any, real: Any = real) -> Any:
            found.append(data)
            return real(self, data)

        monkeypatch.setattr(kind, "to_internal_value", noted)
    return found


def send(client: Client, key: str, path: str, body: Any) -> Any:
    headers = {"authorization": f"Bearer {key}"}
    return client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=headers)


@pytest.mark.parametrize("name", ["indicators", "sharing_groups", "named_organisations"])
def test_a_list_that_is_too_long_is_not_read(client: Client, key: str, read: list[Any], name: str) -> None:
    entry: Any = {} if name == "indicators" else 1
    answer = send(client, key, "signals", {name: [entry] * 30_000})
    assert answer.status_code == 400
    problems = {problem["path"]: problem for problem in answer.json()["errors"]}
    assert (problems[f"/{name}"]["code"], len(answer.content) < 3_000) == ("max_length", True)
    assert problems[f"/{name}"]["mend"]
    assert entry not in read


@pytest.mark.parametrize(("path", "name"), [("lookups", "items"), ("signals/batch", "signals")])
def test_too_many_rows_are_one_problem(client: Client, key: str, path: str, name: str) -> None:
    answer = send(client, key, path, {name: [{}] * 5_001})
    assert answer.status_code == 400
    assert [(problem["path"], problem["code"]) for problem in answer.json()["errors"]] == [(f"/{name}", "max_length")]


def test_bad_entries_of_a_list_are_named_up_to_a_number(client: Client, key: str, read: list[Any]) -> None:
    answer = send(client, key, "signals", {**good(1), "sharing_groups": [1] * 100})
    problems = answer.json()["errors"]
    assert [problem["path"] for problem in problems[:-1]] == [f"/sharing_groups/{at}" for at in range(MOST_NAMED)]
    assert (problems[-1]["path"], problems[-1]["code"]) == ("/sharing_groups", "more_problems")
    assert problems[-1]["message"] == f"{100 - MOST_NAMED} further entries of this list were not looked at."
    assert read.count(1) == MOST_NAMED


def test_unknown_fields_are_named_up_to_a_number(client: Client, key: str) -> None:
    answer = send(client, key, "signals", {**good(1), **{f"kind{number}": 1 for number in range(500)}})
    problems = answer.json()["errors"]
    assert len(problems) == MOST_NAMED + 1
    assert problems[-1]["message"] == f"{500 - MOST_NAMED} further unknown fields were not looked at."


def test_an_answer_names_a_hundred_problems_and_says_how_many_more(client: Client, key: str) -> None:
    rows = [{**good(number), "sharing_groups": ["unheard-of", "unknown"]} for number in range(60)]
    answer = send(client, key, "signals/batch", {"signals": rows, "atomic": True})
    assert answer.status_code == 400
    problems = answer.json()["errors"]
    assert len(problems) == 101
    assert problems[-1]["message"] == "There are 20 further problems."


def test_a_row_of_a_batch_names_twenty_and_says_how_many_more(client: Client, key: str) -> None:
    row = {**good(1), "sharing_groups": [f"unheard-of-{number}" for number in range(30)]}
    bad, stored = send(client, key, "signals/batch", {"signals": [row, good(2)]}).json()["results"]
    assert len(bad["errors"]) == 21
    assert (bad["errors"][-1]["path"], bad["errors"][-1]["message"]) == ("/signals/0", "There are 10 further problems.")
    assert stored["status"] == "created"


def test_a_batch_with_too_many_indicators_is_not_read(
    client: Client, key: str, read: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sharing.signals.services.MAX_INDICATORS_IN_ALL", 199)
    answer = send(client, key, "signals/batch", {"signals": [{"indicators": [{}] * 100}] * 2})
    assert [problem["code"] for problem in answer.json()["errors"]] == ["too_many_indicators"]
    assert {} not in read


@pytest.mark.parametrize(("path", "name", "row"), [("lookups", "items", {"type": "md5", "value": "ab" * 16}),
                                                   ("signals/batch", "signals", good(1))])  # fmt: skip
def test_a_null_is_a_bad_row_and_spoils_no_other(client: Client, key: str, path: str, name: str, row: Any) -> None:
    answer = send(client, key, path, {name: [None, row]})
    assert answer.status_code == 200
    bad, fine = answer.json()["results"]
    assert (bad["status"], bad["errors"][0]["path"]) == ("refused", f"/{name}/0")
    assert fine["status"] != "refused"
