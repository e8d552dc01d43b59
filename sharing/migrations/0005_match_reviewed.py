import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Finds the verdicts on a signal. Built while members go on working, hence outside a transaction."""

    atomic = False
    dependencies = [("sharing", "0004_videos_and_thresholds")]

    operations = [
        AddIndexConcurrently(
            "match",
            models.Index(condition=~models.Q(verdict="unreviewed"), fields=["signal"], name="match_reviewed"),
        ),
        AddIndexConcurrently(
            "match",
            django.contrib.postgres.indexes.GinIndex(
                condition=~models.Q(verdict="unreviewed"), fields=["related"], name="match_reviewed_related"
            ),
        ),
    ]
