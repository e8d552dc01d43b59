"""Re-matching: what is matched again, and which matches it found.

The new column is NULL in every row that exists, so neither adding it nor its foreign key reads the table.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # An index that is built without a lock can't be built inside a transaction.
    atomic = False
    dependencies = [
        ('accounts', '0001_initial'),
        ('sharing', '0006_floods'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Rematch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('cause', models.CharField(choices=[('asked', 'Asked for'), ('threshold', 'A threshold changed'), ('type', 'A signal type was added'), ('import', 'Signals were imported'), ('sight', 'An organisation gained sight of signals')], default='asked', max_length=20, verbose_name='cause')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('signal_type', models.CharField(blank=True, help_text='Only signals that hold an indicator of this type. Empty: all signals.', max_length=40, verbose_name='signal type')),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Running'), ('finished', 'Finished'), ('cancelled', 'Cancelled')], default='queued', editable=False, max_length=20, verbose_name='state')),
                ('total', models.PositiveBigIntegerField(editable=False, null=True, verbose_name='signals')),
                ('done', models.PositiveBigIntegerField(default=0, editable=False, verbose_name='matched again')),
                ('found', models.PositiveBigIntegerField(default=0, editable=False, verbose_name='new matches')),
                ('done_id', models.BigIntegerField(default=0, editable=False)),
                ('up_to_id', models.BigIntegerField(editable=False, null=True)),
                ('step_event_id', models.BigIntegerField(editable=False, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='asked for')),
                ('started_at', models.DateTimeField(editable=False, null=True, verbose_name='started')),
                ('finished_at', models.DateTimeField(editable=False, null=True, verbose_name='ended')),
                ('for_organisation', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='rematches', to='accounts.organisation', verbose_name='for')),
                ('groups', models.ManyToManyField(editable=False, related_name='+', to='sharing.sharinggroup', verbose_name='sharing groups')),
                ('requested_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked for by')),
            ],
            options={
                'verbose_name': 're-matching',
                'verbose_name_plural': 're-matching',
            },
        ),
        migrations.AddField(
            model_name='match',
            name='rematch',
            field=models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='matches', to='sharing.rematch'),
        ),
        AddIndexConcurrently(
            model_name='match',
            index=models.Index(condition=models.Q(('rematch__isnull', False)), fields=['recipient', 'rematch', '-id'], name='match_by_rematch'),
        ),
        migrations.AddIndex(
            model_name='rematch',
            index=models.Index(fields=['for_organisation', '-id'], name='rematch_of_one'),
        ),
        migrations.AddConstraint(
            model_name='rematch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cause', 'sight'), ('for_organisation__isnull', False)), models.Q(models.Q(('cause', 'sight'), _negated=True), ('for_organisation__isnull', True)), _connector='OR'), name='rematch_sight_is_of_one'),
        ),
        migrations.AddConstraint(
            model_name='rematch',
            constraint=models.CheckConstraint(condition=models.Q(('cause', 'sight'), models.Q(('reason', ''), _negated=True), _connector='OR'), name='rematch_has_reason'),
        ),
    ]
