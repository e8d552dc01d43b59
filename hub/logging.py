"""Logs and error reports that tell what happened and never what was in it (roof)."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import ItemsView
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.views.debug import SafeExceptionReporterFilter
from structlog.typing import EventDict, Processor, WrappedLogger


def without_words(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Keep of a logged request what the hub itself has named: a query or a path may hold somebody's address or number.

    An address of the hub stays whole when its variable parts are ids, otherwise only its pattern does.
    """
    request = event.get("request")
    if isinstance(request, str):
        method, _space, address = request.partition(" ")
        event["request"] = f"{method} {_named(address.partition('?')[0])}"
    return event


@lru_cache(maxsize=1_000)
def _named(path: str) -> str:
    try:
        found = resolve(path)
    except Resolver404:
        return "(no such address)"
    only_ids = not found.args and all(isinstance(value, UUID | int) for value in found.kwargs.values())
    return path if only_ids else f"/{found.route}"


def without_requests(record: logging.LogRecord) -> bool:
    """A filter for gunicorn's own log, which of a failed request writes the whole address, and of a malformed one the
    words that were wrong.

    What stays is who sent it, what kind of error it was, and where it happened.
    """
    for told in ("Error handling request", "Invalid request from ip="):
        if str(record.msg).startswith(told):
            kind = record.exc_info[0] if record.exc_info else sys.exc_info()[0]
            # ": " is in no network address.
            about = record.msg.partition(": ")[0] if "ip=" in told else told
            record.msg, record.args = f"{about} ({kind.__name__ if kind else 'unknown'})", ()
            if record.exc_info and record.exc_info[2]:
                # Without the exception's own words, which may quote the request.
                record.exc_text = "".join(traceback.format_tb(record.exc_info[2])).rstrip()
            record.exc_info = None
    return True


class NothingFromTheRequest(SafeExceptionReporterFilter):
    """Error pages and reports carry no request bodies, no settings and no local variables."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_safe_settings(self) -> dict[str, Any]:
        return {}

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: object) -> ItemsView[str, Any]:
        return {}.items()


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    without_words,
]


def logging_config(*, json: bool, level: str) -> dict[str, Any]:
    """The dictConfig of the project, and structlog's own set-up beside it.

    `json` writes one JSON object a line (for a log collector), otherwise lines for a person.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    final: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if json:
        final.append(structlog.processors.format_exc_info)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [*final, renderer],
                "foreign_pre_chain": _SHARED,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # django.request repeats the path with its query; django_structlog already tells of each request.
            "django.request": {"level": "CRITICAL"},
            # Anybody can send a wrong Host header; the answer is 400 and no news.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.server": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
        },
    }
