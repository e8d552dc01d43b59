"""Fixtures that every slice uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.cache import cache

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    """Request limits and sign-in failures are counted in the cache; one test must not use up another's."""
    cache.clear()


@pytest.fixture(autouse=True)
def _sums_at_once(settings: LazySettings) -> None:
    """A sum that waited would be written into the database of a later test."""
    settings.AUDIT_TALLY_SECONDS = 0


@pytest.fixture(autouse=True)
def _quick_passwords(settings: LazySettings) -> None:
    """A slow hash protects people's passwords, not those of tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def reference() -> Path:
    """The folder of reference data beside the project."""
    if not REFERENCE.is_dir():
        pytest.skip("the reference data is not beside this checkout (../shared/data)")
    return REFERENCE
