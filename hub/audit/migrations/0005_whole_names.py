"""A name of any length: a person's or client's and the organisation's together may be longer than 300 characters.

From varchar to text PostgreSQL changes its catalogue only: no row is read or written, and the lock is gone at once.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_no_truncate")]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="actor",
            field=models.TextField(help_text="Name of the person or API client, then.", verbose_name="who"),
        ),
    ]
