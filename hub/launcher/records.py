"""What the launcher reads from the database itself, because starting Django takes longer than the answer (roof)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

import psycopg

_NOBODY = "SELECT (NOT EXISTS (SELECT FROM accounts_user))::text"
_PEOPLE = """
    SELECT md5(string_agg(
        concat_ws(' ', person.email, person.password, person.is_active, person.is_staff, person.role, organisation.slug,
                  organisation.status),
        E'\\n' ORDER BY person.email))
    FROM accounts_user AS person JOIN accounts_organisation AS organisation ON organisation.id = person.organisation_id
    WHERE person.email = ANY(%s)
"""


def nobody_can_sign_in(url: str) -> bool:
    """Whether there is no account yet."""
    return _asked(url, _NOBODY) == "true"


def fingerprint_of_people(url: str, emails: Sequence[str]) -> str:
    """Changes with a person's password, role or organisation; "" when none of them is there or it can't be asked."""
    return _asked(url, _PEOPLE, list(emails))


def _asked(url: str, question: LiteralString, *values: object) -> str:
    """One value as text; "" when there is none, and where only Django understands the database's address."""
    try:
        with psycopg.connect(url) as connection:
            row = connection.execute(question, values).fetchone()
    except psycopg.Error:
        return ""
    return "" if row is None or row[0] is None else str(row[0])
