"""A corpus of stored hashes for benchmarks, with members, groups and keys (floor 7).

Signals hold ten hashes each. Every second group is seen by the members with an odd number, the others by the rest.
"""

from __future__ import annotations

import random
from typing import Final

from django.db import connection

from accounts.actor import actor_of_user
from accounts.models import ApiClient, Organisation, User
from accounts.services import issue_key
from sharing.management.scratch import run_sql

ORGANISATIONS: Final = 20
HOLDS: Final = 10  # indicators of a signal, unless another number is asked for
FLIPPED: Final = 12  # bits in which a near hit differs

_FILL: Final = """
INSERT INTO auth_group (name) SELECT 'organisation ' || o FROM generate_series(1, %(organisations)s) o;
INSERT INTO accounts_organisation (uuid, name, slug, kind, country, status, group_id)
SELECT gen_random_uuid(), 'Member ' || id, 'member-' || row_number() OVER (ORDER BY id), 'platform', 'GB', 'active', id
  FROM auth_group;
INSERT INTO sharing_sharinggroup (uuid, name, slug, purpose, harms, max_tlp, retention_days, status)
SELECT gen_random_uuid(), 'Group ' || g, 'group-' || g, 'bench', '{}', 'AMBER', 365, 'active'
  FROM generate_series(1, 2 * %(groups)s) g;
INSERT INTO sharing_sharinggroupgrant (content_object_id, group_id, permission_id, reason)
SELECT g.id, o.group_id, p.id, 'bench'
  FROM sharing_sharinggroup g CROSS JOIN accounts_organisation o
  JOIN auth_permission p ON p.codename = 'view_sharinggroup'
 WHERE (g.id + o.id) %% 2 = 0;
INSERT INTO sharing_signal (uuid, organisation_id, kind, harm, severity, confidence, tlp, subject_role, summary,
                            lawful_basis, retraction_reason, expires_at)
SELECT gen_random_uuid(), 1 + s %% %(organisations)s, 'content', 'human_trafficking', 'high', 50, 'AMBER', 'unknown',
       '', '', '', now() + interval '1 year'
  FROM generate_series(1, %(n)s / %(holds)s) s;
INSERT INTO sharing_indicator (signal_type, value, key_id)
SELECT %(type)s, sha256(i::text::bytea), '' FROM generate_series(1, %(n)s) i;
INSERT INTO sharing_signalindicator (signal_id, indicator_id)
SELECT 1 + (i - 1) / %(holds)s, i FROM generate_series(1, %(n)s / %(holds)s * %(holds)s) i;
INSERT INTO sharing_share (signal_id, sharing_group_id)
SELECT s, 1 + s %% (2 * %(groups)s) FROM generate_series(1, %(n)s / %(holds)s) s;
"""


def fill(*, n: int, groups: int, signal_type: str, holds: int = HOLDS, analysed: bool = True) -> None:
    """`n` hashes of the type; twice as many groups as a member sees. Not `analysed`: PostgreSQL has no statistics."""
    if not analysed:
        run_sql("".join(f"ALTER TABLE sharing_{name} SET (autovacuum_enabled = off);" for name in _LARGE))
    run_sql(_FILL, organisations=ORGANISATIONS, groups=groups, n=n, holds=holds, type=signal_type)
    if analysed:
        run_sql("VACUUM ANALYZE")


_LARGE: Final = ("signal", "indicator", "signalindicator", "share", "sharinggroupgrant", "accessspan")


def make_key(slug: str) -> str:
    """The text of a key with every scope, for a client of this organisation."""
    Organisation.objects.filter(slug="member-2").update(kind=Organisation.Kind.OPERATOR)
    operator = Organisation.objects.get(slug="member-2")
    administrator, _made = User.objects.get_or_create(
        email="bench@example.org", organisation=operator, defaults={"is_staff": True}
    )
    client = ApiClient.objects.create(organisation=Organisation.objects.get(slug=slug), name="bench")
    return issue_key(actor=actor_of_user(administrator), client=client).text


def values(signal_type: str, *, n: int, hits: float, count: int) -> list[str]:
    """Random hashes, of which a share is stored (or, for PDQ, within the threshold of a stored one)."""
    dice = random.Random(7)  # noqa: S311 - the same in every run
    with connection.cursor() as cursor:
        ids = [dice.randint(1, n // HOLDS * HOLDS) for _ in range(int(count * hits))]
        cursor.execute("SELECT value FROM sharing_indicator WHERE id = ANY(%s)", [ids])
        stored = [int.from_bytes(value, "big") for (value,) in cursor.fetchall()]
    if signal_type == "pdq":
        stored = [value ^ sum(1 << bit for bit in dice.sample(range(256), FLIPPED)) for value in stored]
    found = [*stored, *(dice.getrandbits(256) for _ in range(count - len(stored)))]
    dice.shuffle(found)
    return [f"{value:064x}" for value in found]
