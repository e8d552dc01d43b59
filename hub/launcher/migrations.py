"""Whether the embedded database already has every migration (roof), told without starting Django.

`migrate` takes more than a second even when it has nothing to do. After a successful run the database itself
keeps a fingerprint (its comment): of the migration files, of the packages' versions, and of the migrations it
has seen. So a cluster that is made anew, or migrated by hand, never passes for a migrated one.
"""

from __future__ import annotations

import hashlib

import psycopg
from psycopg import sql

from hub.launcher.home import PROJECT

_COMMENT = """
    SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()
"""


def is_migrated(url: str) -> bool:
    """Whether the fingerprint in the database is today's."""
    with psycopg.connect(url) as connection:
        noted = connection.execute(_COMMENT).fetchone()
        return noted is not None and noted[0] is not None and noted[0] == _fingerprint(connection)


def note_migrated(url: str) -> None:
    """Keep today's fingerprint in the database."""
    with psycopg.connect(url) as connection:
        statement = sql.SQL("COMMENT ON DATABASE {} IS {}").format(
            sql.Identifier(connection.info.dbname), sql.Literal(_fingerprint(connection))
        )
        connection.execute(statement)


def _fingerprint(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    seen = connection.execute("SELECT to_regclass('django_migrations') IS NOT NULL").fetchone()
    applied: tuple[object, ...] | None = (0, 0)
    if seen is not None and seen[0]:
        applied = connection.execute("SELECT count(*), max(id) FROM django_migrations").fetchone()
    return f"migrated {_files()} {applied}"


def _files() -> str:
    digest = hashlib.sha256()
    for app in ("accounts", "hub", "sharing"):
        for file in sorted((PROJECT / app).rglob("migrations/*.py")):
            digest.update(str(file.relative_to(PROJECT)).encode())
            digest.update(file.read_bytes())
    digest.update((PROJECT / "requirements" / "base.txt").read_bytes())
    return digest.hexdigest()[:32]
