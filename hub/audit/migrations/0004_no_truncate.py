"""The database refuses to empty the audit too: TRUNCATE passes by triggers for each row."""

from django.db import migrations

FORWARDS = """
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
"""
BACKWARDS = "DROP TRIGGER audit_no_truncate ON audit_auditentry;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_finding")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
