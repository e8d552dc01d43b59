import accounts.models
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """A scope, a switch and a quota of each organisation, counts by day, and alerts. Only adds; off and empty at first."""

    dependencies = [
        ('accounts', '0002_lookup_scope'),
    ]

    operations = [
        migrations.AddField(
            model_name='organisation',
            name='identifiers_per_day',
            field=models.PositiveIntegerField(blank=True, help_text="How many identifiers it may have evaluated in a day (UTC), blinded or plain, all its programs and people together. Empty: the hub's usual quota. 0: none. Each one is a guess that it can test.", null=True, verbose_name='identifiers a day'),
        ),
        migrations.AddField(
            model_name='organisation',
            name='plain_identifiers',
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text="Off: it makes the tokens of e-mail addresses, phone numbers and so on itself, and the hub never sees the identifiers. On: it may also send them as they are, and the hub makes the tokens and forgets the rest. Use it only for organisations that can't run the client.", verbose_name='may send identifiers in plain'),
        ),
        migrations.AlterField(
            model_name='apiclient',
            name='scopes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('signals:read', 'Read signals'), ('signals:write', 'Submit, change and retract signals'), ('matches:read', 'Read matches'), ('matches:review', 'Give verdicts on matches'), ('signals:lookup', 'Look up hashes and identifiers without submitting them'), ('identifiers:evaluate', 'Have blinded identifiers evaluated, to make tokens of them')], max_length=40), default=accounts.models.all_scopes, size=None, verbose_name='scopes'),
        ),
        migrations.CreateModel(
            name='IdentifierAlert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('cause', models.CharField(choices=[('unusual', 'many times what is usual'), ('share', 'a large share of the quota'), ('used_up', 'quota used up')], max_length=20, verbose_name='cause')),
                ('identifiers', models.BigIntegerField(help_text='Of that day, when the alert was raised.', verbose_name='identifiers')),
                ('quota', models.BigIntegerField(help_text='Of that day.', verbose_name='quota')),
                ('usual', models.BigIntegerField(null=True, verbose_name='usual')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='raised')),
                ('acknowledged_at', models.DateTimeField(editable=False, null=True, verbose_name='acknowledged')),
                ('acknowledged_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name='acknowledged by')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='identifier_alerts', to='accounts.organisation', verbose_name='organisation')),
            ],
            options={
                'verbose_name': 'alert about identifiers',
                'verbose_name_plural': 'alerts about identifiers',
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(fields=('organisation', 'day', 'cause'), name='identifier_alert')],
            },
        ),
        migrations.CreateModel(
            name='IdentifierDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('identifiers', models.BigIntegerField(default=0, verbose_name='identifiers')),
                ('refused', models.BigIntegerField(default=0, help_text='Asked for after the quota was used up.', verbose_name='refused')),
                ('usual', models.BigIntegerField(help_text='Mean of the days before on which it asked; empty where these were too few.', null=True, verbose_name='usual')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='identifier_days', to='accounts.organisation', verbose_name='organisation')),
            ],
            options={
                'verbose_name': 'day of identifiers',
                'verbose_name_plural': 'identifiers by day',
                'ordering': ['-day', '-identifiers'],
                'constraints': [models.UniqueConstraint(fields=('organisation', 'day'), name='identifier_day')],
            },
        ),
    ]
