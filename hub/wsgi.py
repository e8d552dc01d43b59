"""WSGI door (roof)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
application = get_wsgi_application()

from hub.checks import refuse_to_start_broken  # noqa: E402 - checks need the apps loaded

refuse_to_start_broken()
