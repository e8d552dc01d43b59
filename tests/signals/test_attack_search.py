"""Searching for a hash: finds who holds it, and does not read every signal for it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharing.signals.models import Signal
from sharing.signals.selectors import SignalFilters, newest_page
from tests import factories

pytestmark = pytest.mark.django_db
MD5 = "900150983cd24fb0d6963f7d28e17f72"


@pytest.mark.parametrize("text", [MD5, MD5.upper(), f" {MD5} ", "face", "deface"])
def test_a_whole_hash_is_a_hash_and_a_short_word_is_a_word(text: str) -> None:
    group = factories.make_group()
    organisation = factories.make_organisation()
    factories.give(organisation, group)
    holder = factories.submit(organisation, group, indicators=[("md5", MD5)])
    worded = factories.submit(organisation, group, summary="face deface")
    found = newest_page(factories.actor_for(organisation), SignalFilters(text=text))
    assert found == [worded if len(text) < 10 else holder]


def test_a_hash_is_looked_up_by_index_and_not_in_every_summary() -> None:
    """Words "or" the hash would be a test of every signal that there is."""
    organisation = factories.make_organisation()
    found = SignalFilters(text=MD5).apply(Signal.objects.all()).visible_to(factories.actor_for(organisation))
    sql, _params = found.order_by("-pk").values("pk")[:50].query.sql_with_params()
    assert "tsvector" not in sql
    # Both columns of indicator_identity: with the value alone no index would serve.
    assert re.search(r'"signal_type" (IN|=) .*"value" =', sql), sql


@pytest.mark.parametrize(
    "text", ["-" * 200, "- " * 90, "-+" * 90, "-(" * 90, '-"' * 90, "advert " + "-" * 33, "--x " * 40]
)
def test_a_ruled_line_is_no_word_to_leave_out(text: str) -> None:
    """PostgreSQL fails at the 33rd "without" that no word follows."""
    newest_page(factories.actor_for(factories.make_organisation()), SignalFilters(text=text))


def test_no_text_is_too_much_for_the_search() -> None:
    actor = factories.actor_for(factories.make_organisation())
    pieces = [*'-"+!|&()<>:*\\ \u00e9\u0301\u00ad\u2010\u65e5a1', "or", "-a", "--"]

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.builds(str.__mul__, st.sampled_from(pieces), st.integers(1, 60)), max_size=6))
    def search(parts: list[str]) -> None:
        newest_page(actor, SignalFilters(text="".join(parts)[:200]))

    search()


def test_a_hyphen_before_a_word_leaves_it_out() -> None:
    group = factories.make_group()
    organisation = factories.make_organisation()
    factories.give(organisation, group)
    boat = factories.submit(organisation, group, summary="boat crossing")
    factories.submit(organisation, group, summary="boat lorry crossing")
    actor = factories.actor_for(organisation)
    assert newest_page(actor, SignalFilters(text="boat -lorry --")) == [boat]
    assert newest_page(actor, SignalFilters(text='boat -"lorry crossing" -')) == [boat]
