"""The database stamps every write of a signal with its transaction, so that no code path can forget to."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION signal_commit_xid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.commit_xid := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER signal_commit_xid BEFORE UPDATE ON sharing_signal
    FOR EACH ROW EXECUTE FUNCTION signal_commit_xid();
"""
BACKWARDS = """
DROP TRIGGER signal_commit_xid ON sharing_signal;
DROP FUNCTION signal_commit_xid();
"""


class Migration(migrations.Migration):
    dependencies = [("sharing", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
