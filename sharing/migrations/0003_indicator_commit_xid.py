"""Indicators are stamped with their transaction, so that the near index can tell which of them it does not hold yet.

Rows that exist are stamped 0, which is older than every transaction: a constant costs nothing, while a default that the
database computes would rewrite the whole table under a lock.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

import sharing.signals.fields

FORWARDS = """
ALTER TABLE sharing_indicator ADD COLUMN commit_xid xid8 NOT NULL DEFAULT '0';
ALTER TABLE sharing_indicator ALTER COLUMN commit_xid SET DEFAULT pg_current_xact_id();
"""
BACKWARDS = "ALTER TABLE sharing_indicator DROP COLUMN commit_xid;"


class Migration(migrations.Migration):
    # An index that is built without a lock can't be built inside a transaction.
    atomic = False
    dependencies = [("sharing", "0002_commit_xid")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARDS, BACKWARDS)],
            state_operations=[
                migrations.AddField(
                    "indicator",
                    "commit_xid",
                    sharing.signals.fields.TransactionIdField(
                        editable=False, db_default=models.Func(function="pg_current_xact_id")
                    ),
                ),
            ],
        ),
        AddIndexConcurrently(
            "indicator", models.Index(fields=["signal_type", "commit_xid"], name="indicator_commit")
        ),
    ]
