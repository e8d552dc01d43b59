"""What a feed rests on, kept by the database itself so that no code path can forget it.

- A share and a name carry the `commit_xid` of their signal: each group's changes lie in commit order.
- A signal carries since when no feed tells of it (`gone_xid`).
- Whatever belongs to a signal (audience, indicators, account) is a write of the signal.
- Shares and names that were taken away, and the times in which an organisation saw a group, are remembered.

Rows that exist are stamped 0, which is older than every transaction: a constant costs nothing, while a default that the
database computes would rewrite a whole table under a lock.

The functions that look rows up switch sequential scans off for themselves. A connection keeps their plans, and one that
was made while a table was empty would walk through it for as long as it lives.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

import sharing.signals.fields

CURRENT = models.Func(function="pg_current_xact_id")
OLDEST = models.Func(models.Func(function="pg_current_snapshot"), function="pg_snapshot_xmin")
BATCH = 2_000

COLUMNS = """
ALTER TABLE sharing_signal ADD COLUMN gone_xid xid8 NULL;
ALTER TABLE sharing_share ADD COLUMN commit_xid xid8 NOT NULL DEFAULT '0', ADD COLUMN began_xid xid8 NOT NULL DEFAULT '0';
ALTER TABLE sharing_share ALTER COLUMN commit_xid SET DEFAULT pg_current_xact_id(),
                          ALTER COLUMN began_xid SET DEFAULT pg_snapshot_xmin(pg_current_snapshot());
ALTER TABLE sharing_signalgrant
  ADD COLUMN commit_xid xid8 NOT NULL DEFAULT '0', ADD COLUMN began_xid xid8 NOT NULL DEFAULT '0';
ALTER TABLE sharing_signalgrant ALTER COLUMN commit_xid SET DEFAULT pg_current_xact_id(),
                                ALTER COLUMN began_xid SET DEFAULT pg_snapshot_xmin(pg_current_snapshot());
"""
NO_COLUMNS = """
ALTER TABLE sharing_signalgrant DROP COLUMN began_xid, DROP COLUMN commit_xid;
ALTER TABLE sharing_share DROP COLUMN began_xid, DROP COLUMN commit_xid;
ALTER TABLE sharing_signal DROP COLUMN gone_xid;
"""

GONE = "(NEW.retracted_at IS NOT NULL OR NEW.expires_at <= now() OR NEW.tlp = 'RED' OR NEW.subject_role = 'victim')"
SIGNALS = f"""
CREATE OR REPLACE FUNCTION signal_commit_xid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.commit_xid := pg_current_xact_id();
    NEW.gone_xid := CASE WHEN {GONE} THEN coalesce(OLD.gone_xid, pg_current_xact_id()) END;
    RETURN NEW;
END $$;

CREATE FUNCTION signal_never_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.gone_xid := '0';
    RETURN NEW;
END $$;
CREATE TRIGGER signal_never_told BEFORE INSERT ON sharing_signal
    FOR EACH ROW WHEN ({GONE}) EXECUTE FUNCTION signal_never_told();

CREATE FUNCTION signal_moves_audience() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    UPDATE sharing_share AS share SET commit_xid = changed.commit_xid
      FROM changed WHERE share.signal_id = changed.id AND share.commit_xid <> changed.commit_xid;
    UPDATE sharing_signalgrant AS named SET commit_xid = changed.commit_xid
      FROM changed WHERE named.content_object_id = changed.id AND named.commit_xid <> changed.commit_xid;
    RETURN NULL;
END $$;
CREATE TRIGGER signal_moves_audience AFTER UPDATE ON sharing_signal REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION signal_moves_audience();

-- Services write the signal itself first, and nothing is left to do here.
CREATE FUNCTION signal_part_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    UPDATE sharing_signal SET commit_xid = pg_current_xact_id(), updated_at = statement_timestamp()
     WHERE id IN (SELECT signal_id FROM changed) AND commit_xid <> pg_current_xact_id();
    RETURN NULL;
END $$;
CREATE FUNCTION signal_named_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    UPDATE sharing_signal SET commit_xid = pg_current_xact_id(), updated_at = statement_timestamp()
     WHERE id IN (SELECT content_object_id FROM changed) AND commit_xid <> pg_current_xact_id();
    RETURN NULL;
END $$;

CREATE FUNCTION signal_unshared() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sharing_pastaudience (signal_id, sharing_group_id, began_xid, ended_xid, ended_at)
    SELECT signal_id, sharing_group_id, began_xid, pg_current_xact_id(), clock_timestamp() FROM changed;
    RETURN NULL;
END $$;
CREATE FUNCTION signal_unnamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sharing_pastaudience (signal_id, auth_group_id, began_xid, ended_xid, ended_at)
    SELECT content_object_id, group_id, began_xid, pg_current_xact_id(), clock_timestamp() FROM changed;
    RETURN NULL;
END $$;
""" + "".join(
    f"""
CREATE TRIGGER {function}_{action.lower()} AFTER {action} ON {table} REFERENCING {rows} TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();"""
    for table, function, actions in (
        ("sharing_share", "signal_part_changed", ("INSERT", "DELETE")),
        ("sharing_share", "signal_unshared", ("DELETE",)),
        ("sharing_signalgrant", "signal_named_changed", ("INSERT", "DELETE")),
        ("sharing_signalgrant", "signal_unnamed", ("DELETE",)),
        ("sharing_signalindicator", "signal_part_changed", ("INSERT", "DELETE", "UPDATE")),
        ("sharing_accountdetail", "signal_part_changed", ("INSERT", "DELETE", "UPDATE")),
    )
    for action in actions
    for rows in ("OLD" if action == "DELETE" else "NEW",)
)
NO_SIGNALS = """
DROP FUNCTION signal_part_changed, signal_named_changed, signal_unshared, signal_unnamed CASCADE;
DROP FUNCTION signal_moves_audience, signal_never_told CASCADE;
CREATE OR REPLACE FUNCTION signal_commit_xid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.commit_xid := pg_current_xact_id();
    RETURN NEW;
END $$;
"""

# A span is opened or ended under a lock on its group: otherwise a grant that is given while the group is being closed
# would leave a span open that nobody ends, and one that is taken away while it is being opened likewise.
ACCESS = """
CREATE FUNCTION access_opens(auth_group bigint, sharing_group bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO sharing_accessspan (auth_group_id, sharing_group_id, began_xid, opened_xid)
    VALUES (auth_group, sharing_group, pg_snapshot_xmin(pg_current_snapshot()), pg_current_xact_id())
    ON CONFLICT DO NOTHING
$$;
CREATE FUNCTION access_ends(auth_group bigint, sharing_group bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE sharing_accessspan SET ended_xid = pg_current_xact_id(), ended_at = clock_timestamp()
     WHERE auth_group_id = auth_group AND sharing_group_id IS NOT DISTINCT FROM sharing_group AND ended_xid IS NULL
$$;

CREATE FUNCTION access_of_grant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    granted sharing_sharinggroupgrant := CASE WHEN TG_OP = 'INSERT' THEN NEW ELSE OLD END;
    its_status text;
BEGIN
    IF NOT EXISTS (SELECT FROM auth_permission
                    WHERE id = granted.permission_id AND codename = 'view_sharinggroup') THEN
        RETURN NULL;
    END IF;
    SELECT status INTO its_status FROM sharing_sharinggroup WHERE id = granted.content_object_id FOR SHARE;
    IF TG_OP = 'DELETE' THEN
        PERFORM access_ends(granted.group_id, granted.content_object_id);
    ELSIF its_status = 'active' THEN
        PERFORM access_opens(granted.group_id, granted.content_object_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER access_of_grant AFTER INSERT OR DELETE ON sharing_sharinggroupgrant
    FOR EACH ROW EXECUTE FUNCTION access_of_grant();

CREATE FUNCTION access_of_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'active' THEN
        PERFORM access_opens(granted.group_id, NEW.id)
           FROM sharing_sharinggroupgrant AS granted JOIN auth_permission AS permission
             ON permission.id = granted.permission_id
          WHERE granted.content_object_id = NEW.id AND permission.codename = 'view_sharinggroup';
    ELSE
        PERFORM access_ends(auth_group_id, NEW.id) FROM sharing_accessspan
          WHERE sharing_group_id = NEW.id AND ended_xid IS NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER access_of_group AFTER UPDATE OF status ON sharing_sharinggroup
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION access_of_group();

CREATE FUNCTION access_of_organisation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'active' THEN
        PERFORM access_opens(NEW.group_id, NULL);
    ELSE
        PERFORM access_ends(NEW.group_id, NULL);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER access_of_organisation AFTER INSERT OR UPDATE OF status ON accounts_organisation
    FOR EACH ROW EXECUTE FUNCTION access_of_organisation();

INSERT INTO sharing_accessspan (auth_group_id, sharing_group_id, began_xid, opened_xid)
SELECT granted.group_id, granted.content_object_id, '0'::xid8, '0'::xid8
  FROM sharing_sharinggroupgrant AS granted
  JOIN auth_permission AS permission ON permission.id = granted.permission_id
  JOIN sharing_sharinggroup AS shared ON shared.id = granted.content_object_id
 WHERE permission.codename = 'view_sharinggroup' AND shared.status = 'active'
 UNION ALL
SELECT group_id, NULL, '0', '0' FROM accounts_organisation WHERE status = 'active';
"""
NO_ACCESS = """
DROP FUNCTION access_of_grant, access_of_group, access_of_organisation CASCADE;
DROP FUNCTION access_opens, access_ends;
"""


def note_what_is_gone(apps, schema_editor):
    """So that no feed ever tells of its end. In small transactions: members go on working."""
    gone = GONE.replace("NEW.", "")
    with schema_editor.connection.cursor() as cursor:
        noted = 1
        while noted:
            cursor.execute(
                "UPDATE sharing_signal SET expires_at = expires_at WHERE id IN"  # noqa: S608 - constants only
                f" (SELECT id FROM sharing_signal WHERE gone_xid IS NULL AND {gone} ORDER BY id LIMIT {BATCH})"
            )
            noted = cursor.rowcount


def _xid(**options):
    return sharing.signals.fields.TransactionIdField(**options)


class Migration(migrations.Migration):
    # An index that is built without a lock can't be built inside a transaction.
    atomic = False
    dependencies = [("accounts", "0002_lookup_scope"), ("sharing", "0008_webhooks")]

    operations = [
        migrations.CreateModel(
            name="AccessSpan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("auth_group_id", models.BigIntegerField()),
                ("sharing_group_id", models.BigIntegerField(null=True)),
                ("began_xid", _xid()),
                ("opened_xid", _xid()),
                ("ended_xid", _xid(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_xid", None)),
                        fields=("auth_group_id", "sharing_group_id"),
                        name="access_span_open_once",
                        nulls_distinct=False,
                    )
                ],
                "indexes": [
                    models.Index(fields=["auth_group_id", "sharing_group_id"], name="access_span_of"),
                    models.Index(
                        condition=models.Q(("ended_at__isnull", False)), fields=["ended_at"], name="access_span_ended"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PastAudience",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("signal_id", models.BigIntegerField()),
                ("sharing_group_id", models.BigIntegerField(null=True)),
                ("auth_group_id", models.BigIntegerField(null=True)),
                ("began_xid", _xid()),
                ("ended_xid", _xid()),
                ("ended_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["signal_id"], name="past_audience_of"),
                    models.Index(
                        condition=models.Q(("sharing_group_id__isnull", False)),
                        fields=["sharing_group_id", "ended_xid", "signal_id"],
                        name="past_audience_group",
                    ),
                    models.Index(
                        condition=models.Q(("auth_group_id__isnull", False)),
                        fields=["auth_group_id", "ended_xid", "signal_id"],
                        name="past_audience_named",
                    ),
                    models.Index(
                        condition=models.Q(("sharing_group_id__isnull", False)),
                        fields=["sharing_group_id", "signal_id"],
                        name="past_audience_walk",
                    ),
                    models.Index(fields=["ended_at"], name="past_audience_ended"),
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(COLUMNS, NO_COLUMNS)],
            state_operations=[
                migrations.AddField("signal", "gone_xid", _xid(editable=False, null=True)),
                *(
                    migrations.AddField(model, name, _xid(editable=False, db_default=default))
                    for model in ("share", "signalgrant")
                    for name, default in (("commit_xid", CURRENT), ("began_xid", OLDEST))
                ),
            ],
        ),
        migrations.RunSQL(SIGNALS, NO_SIGNALS),
        migrations.RunSQL(ACCESS, NO_ACCESS),
        AddIndexConcurrently(
            "share", models.Index(fields=["sharing_group", "commit_xid", "signal"], name="share_changes")
        ),
        AddIndexConcurrently(
            "signalgrant", models.Index(fields=["group", "commit_xid", "content_object"], name="signal_grant_changes")
        ),
        AddIndexConcurrently(
            "signal", models.Index(fields=["organisation", "commit_xid", "id"], name="signal_own_changes")
        ),
        AddIndexConcurrently(
            "signal",
            models.Index(condition=models.Q(("gone_xid", None)), fields=["expires_at"], name="signal_expiring"),
        ),
        RemoveIndexConcurrently("signal", "signal_commit"),
        migrations.RunPython(note_what_is_gone, migrations.RunPython.noop),
    ]
