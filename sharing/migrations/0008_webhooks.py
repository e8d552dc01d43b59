"""Webhooks: endpoints, their secrets, deliveries. New tables only."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_webhook_scope'),
        ('sharing', '0007_rematch'),
    ]

    operations = [
        migrations.CreateModel(
            name='WebhookTurn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('holder', models.UUIDField(editable=False)),
                ('until', models.DateTimeField(editable=False)),
            ],
        ),
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('url', models.CharField(max_length=500, verbose_name='address')),
                ('description', models.CharField(blank=True, max_length=200, verbose_name='description')),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('match.found', 'A match was found'), ('match.updated', 'A match relates to other signals than before'), ('match.reviewed', 'Your organisation gave a verdict on a match'), ('rematch.found', 'Stored signals were matched again, with new matches for you'), ('signal.retracted', 'A signal that you could see was retracted'), ('webhook.test', 'You asked for a test')], max_length=40), size=None, verbose_name='events')),
                ('state', models.CharField(choices=[('enabled', 'Enabled'), ('disabled', 'Disabled')], default='enabled', max_length=20, verbose_name='state')),
                ('cause', models.CharField(blank=True, choices=[('', 'None'), ('member', 'Switched off by the organisation'), ('operator', 'Switched off by an administrator of the hub'), ('failing', 'Nothing was accepted for three days'), ('gone', 'It answered 410 (Gone)')], max_length=20, verbose_name='switched off because')),
                ('disabled_at', models.DateTimeField(editable=False, null=True, verbose_name='switched off')),
                ('failing_since', models.DateTimeField(editable=False, null=True, verbose_name='failing since')),
                ('failures', models.PositiveIntegerField(default=0, editable=False, verbose_name='failures in a row')),
                ('paused_until', models.DateTimeField(editable=False, null=True, verbose_name='left alone until')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='created')),
                ('organisation', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='webhooks', to='accounts.organisation', verbose_name='organisation')),
            ],
            options={
                'verbose_name': 'webhook',
                'verbose_name_plural': 'webhooks',
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('event', models.CharField(choices=[('match.found', 'A match was found'), ('match.updated', 'A match relates to other signals than before'), ('match.reviewed', 'Your organisation gave a verdict on a match'), ('rematch.found', 'Stored signals were matched again, with new matches for you'), ('signal.retracted', 'A signal that you could see was retracted'), ('webhook.test', 'You asked for a test')], max_length=40, verbose_name='event')),
                ('object_id', models.BigIntegerField(editable=False)),
                ('source_id', models.BigIntegerField(editable=False)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('delivered', 'Delivered'), ('failed', 'Failed'), ('dropped', 'Dropped: no longer visible to the organisation')], default='waiting', max_length=20, verbose_name='state')),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='While it is being sent: when somebody else may try.', verbose_name='next attempt')),
                ('last_status', models.PositiveSmallIntegerField(null=True, verbose_name='last HTTP status')),
                ('last_error', models.CharField(blank=True, choices=[('', 'None'), ('status', 'The answer was not a success (2xx)'), ('redirect', 'The answer was a redirect, which is not followed'), ('gone', 'The answer was 410 (Gone)'), ('timeout', 'It took too long'), ('name', 'The host name has no address'), ('address', 'The address is not a public one'), ('connection', 'No connection, or it broke'), ('tls', 'The certificate or the encryption was refused'), ('protocol', 'The answer was not HTTP'), ('secret', "The hub can't read the secret: rotate it"), ('disabled', 'The webhook was switched off')], max_length=20, verbose_name='last error')),
                ('attempted_at', models.DateTimeField(null=True, verbose_name='last attempt')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='event at')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('endpoint', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='sharing.webhookendpoint', verbose_name='webhook')),
            ],
            options={
                'verbose_name': 'webhook delivery',
                'verbose_name_plural': 'webhook deliveries',
            },
        ),
        migrations.CreateModel(
            name='WebhookSecret',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('encrypted', models.TextField(editable=False)),
                ('expires_at', models.DateTimeField(editable=False, null=True, verbose_name='expires')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='created')),
                ('endpoint', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='sharing.webhookendpoint')),
            ],
            options={
                'verbose_name': 'secret of a webhook',
                'verbose_name_plural': 'secrets of webhooks',
            },
        ),
        migrations.AddIndex(
            model_name='webhookendpoint',
            index=models.Index(fields=['organisation', '-id'], name='webhook_own'),
        ),
        migrations.AddConstraint(
            model_name='webhookendpoint',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cause', ''), ('disabled_at', None), ('state', 'enabled')), models.Q(('disabled_at__isnull', False), ('state', 'disabled'), models.Q(('cause', ''), _negated=True)), _connector='OR'), name='webhook_disabled_has_cause'),
        ),
        migrations.AddConstraint(
            model_name='webhookendpoint',
            constraint=models.CheckConstraint(condition=models.Q(('events__len__gt', 0)), name='webhook_has_events'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['endpoint', 'due_at'], name='webhook_due'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['endpoint', '-id'], name='webhook_newest'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('finished_at__isnull', False)), fields=['finished_at'], name='webhook_ended'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.UniqueConstraint(fields=('endpoint', 'source_id', 'event', 'object_id'), name='webhook_told_once'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at', None), ('state', 'waiting')), models.Q(models.Q(('state', 'waiting'), _negated=True), ('finished_at__isnull', False)), _connector='OR'), name='webhook_delivery_ended'),
        ),
        migrations.AddConstraint(
            model_name='webhooksecret',
            constraint=models.UniqueConstraint(condition=models.Q(('expires_at', None)), fields=('endpoint',), name='webhook_secret_newest_is_one'),
        ),
    ]
