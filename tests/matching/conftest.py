"""Members of one group."""

from __future__ import annotations

from tests.members import alpha, beta, group

__all__ = ["alpha", "beta", "group"]
