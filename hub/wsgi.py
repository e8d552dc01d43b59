"""WSGI door (roof)."""

import logging
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
django.setup(set_prefix=False)

from hub.checks import refuse_to_start_broken  # noqa: E402 - checks need the apps loaded
from hub.incoming import HubHandler  # noqa: E402
from hub.logging import without_requests  # noqa: E402

logging.getLogger("gunicorn.error").addFilter(without_requests)
application = HubHandler()
refuse_to_start_broken()
