"""Filters of the admin: what each must say itself."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import RequestFactory

from hub.admin.filters import SelectFilter
from hub.outbox.models import OutboxEvent


def test_a_filter_that_does_not_say_what_it_narrows_to_is_refused_at_once() -> None:
    class Forgetful(SelectFilter):
        title = parameter_name = "topic"

    with pytest.raises(TypeError, match="narrowed"):
        Forgetful(RequestFactory().get("/"), {}, OutboxEvent, admin.site.get_model_admin(OutboxEvent))
