"""The API speaks English to everybody; pages speak the reader's language."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db
IN_GERMAN = {"Accept-Language": "de"}


def test_the_words_of_an_error_are_english_even_after_a_page_in_another_language(settings: LazySettings) -> None:
    settings.LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
    client = Client()
    page = client.get("/", headers=IN_GERMAN, follow=True)
    assert page.headers["Content-Language"] == "de"

    _client, key = factories.make_client(factories.make_organisation())
    answer = client.post(
        "/api/v1/signals", {}, "application/json", headers={**IN_GERMAN, "Authorization": f"Bearer {key}"}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "This field is required."
