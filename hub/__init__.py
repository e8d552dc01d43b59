"""The roof and the ground of the house: settings, URLs, Celery, checks; outbox, audit and the domain's errors."""

from hub.celery import app as celery_app

__all__ = ["celery_app"]
