"""WSGI door (roof)."""

import gc
import logging
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
django.setup(set_prefix=False)

from hub.checks import refuse_to_start_broken  # noqa: E402 - checks need the apps loaded
from hub.incoming import HubHandler  # noqa: E402
from hub.logging import without_requests  # noqa: E402

logging.getLogger("gunicorn.error").addFilter(without_requests)
application = HubHandler()
refuse_to_start_broken()

# What is loaded by now stays. The collector need not walk through it again, nor look after every 700 new objects: that
# costs a look-up a twentieth of its time, and a batch of them a quarter.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 50)

# A thread that was waiting for the database gets its turn after a fifth of the usual time, while another one computes:
# a bulk upload stores one piece while it reads the next, and waits for its turn thirty times a piece.
sys.setswitchinterval(0.001)
