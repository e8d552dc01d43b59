import django.contrib.postgres.fields
from django.db import migrations, models

import accounts.models


class Migration(migrations.Migration):
    """One more choice of scope. Changes nothing in the database: existing clients do not get it by themselves."""

    dependencies = [("accounts", "0003_identifiers")]

    operations = [
        migrations.AlterField(
            model_name="apiclient",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("signals:read", "Read signals"),
                        ("signals:write", "Submit, change and retract signals"),
                        ("matches:read", "Read matches"),
                        ("matches:review", "Give verdicts on matches"),
                        ("signals:lookup", "Look up hashes and identifiers without submitting them"),
                        ("identifiers:evaluate", "Have blinded identifiers evaluated, to make tokens of them"),
                        ("webhooks:manage", "Manage webhooks"),
                    ],
                    max_length=40,
                ),
                default=accounts.models.all_scopes,
                size=None,
                verbose_name="scopes",
            ),
        ),
    ]
