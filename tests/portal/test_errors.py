"""Error pages, in the worst circumstances."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import path
from pytest_django.plugin import DjangoDbBlocker

from hub.urls import handler400, handler403, handler404, handler500  # noqa: F401 - Django looks for them here
from hub.urls import urlpatterns as hub_urls
from sharing.portal import errors


def fail(request: HttpRequest) -> None:
    raise {"500": RuntimeError, "403": PermissionDenied, "400": SuspiciousOperation}[request.GET["as"]]("secret text")


urlpatterns = [path("fail", fail), *hub_urls]


# No `db` fixture: a query would fail the test.
@pytest.mark.parametrize(
    ("handler", "status"),
    [(errors.bad_request, 400), (errors.forbidden, 403), (errors.not_found, 404), (errors.failed, 500)],
)
def test_an_error_page_needs_neither_database_nor_session(handler: Any, status: int) -> None:
    answer = handler(RequestFactory().get("/anything"))
    assert answer.status_code == status
    page = answer.content.decode()
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert "<script src" in page
    assert "style=" not in page


@pytest.mark.parametrize("status", [400, 403, 500])
def test_what_goes_wrong_becomes_a_page_without_its_text(status: int, settings: Any, db: None) -> None:
    settings.ROOT_URLCONF = __name__
    answer = Client(raise_request_exception=False).get(f"/fail?as={status}")
    assert answer.status_code == status
    assert "secret text" not in answer.content.decode()
    assert answer.headers["Content-Security-Policy"]


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """As if the server were stopped: where the connection looks for it, there is none."""
    with django_db_blocker.unblock():
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "HOST", str(tmp_path))
        yield
        connection.close()


@pytest.mark.parametrize("address", ["/", "/signals", "/sign-in", "/admin/"])
def test_a_page_without_the_database_says_to_wait(address: str, no_database: None) -> None:
    browser = Client(raise_request_exception=False)
    browser.cookies["sessionid"] = "0" * 32
    answer = browser.get(address)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    page = answer.content.decode()
    assert "database does not answer" in page
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert answer.headers["Content-Security-Policy"]


def test_signing_in_without_the_database_says_to_wait(no_database: None) -> None:
    answer = Client(raise_request_exception=False).post("/sign-in", {"username": "a@example.org", "password": "x"})
    assert answer.status_code == 503


def test_an_unknown_address_is_a_page_here_and_problem_details_in_the_api(db: None) -> None:
    assert "There is nothing here" in Client().get("/nothing/here").content.decode()
    answer = Client().get("/api/v1/nothing-here")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_an_expired_form_says_so(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in", {"username": "a@example.org", "password": "x"})
    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()


def test_a_part_of_a_page_leads_to_sign_in_as_a_whole(db: None) -> None:
    answer = Client().get(
        "/signals", headers={"hx-request": "true", "hx-current-url": "http://testserver/signals?text=a"}
    )
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/signals%3Ftext%3Da"
