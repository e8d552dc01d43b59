"""Settings (roof). What differs between installations comes from the environment; see docker/.env.example."""

from __future__ import annotations

from pathlib import Path

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from hub import edge
from hub.logging import logging_config

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Where this installation lives ---------------------------------------------------------------------------------
HOME = Path(env.str("HUB_HOME", default=str(BASE_DIR / "var")))
DEBUG = env.bool("HUB_DEBUG", default=False)
DEMO = env.bool("HUB_DEMO", default=False)
SECRET_KEY = env.str("HUB_SECRET_KEY", default="") or "insecure-outside-the-demo"
SECRET_KEY_FALLBACKS = env.list("HUB_SECRET_KEY_FALLBACKS", default=[])
# Where the keys of identifier tokens come from; see hub/keys.py, also for the third way, an environment variable.
TOKEN_KEYS_FILE = env.str("HUB_TOKEN_KEYS_FILE", default="")
TOKEN_KEYS_HOOK = env.str("HUB_TOKEN_KEYS_HOOK", default="")
ENCRYPTION_KEYS_FILE = env.str("HUB_ENCRYPTION_KEYS_FILE", default="")
ALLOWED_HOSTS = env.list("HUB_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("HUB_CSRF_TRUSTED_ORIGINS", default=[])

# --- The house -----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "accounts",
    "hub.audit",
    "hub.outbox",
    "sharing",
    "guardian",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
    "axes",
    "django_structlog",
    "hub.admin.HubAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "hub.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hub.policy.ContentPolicyMiddleware",
    "hub.pages.Sessions",
    "hub.pages.Language",
    "django.middleware.common.CommonMiddleware",
    "hub.pages.FormTokens",
    # Before anything reads the session.
    "hub.incoming.NoNulMiddleware",
    "hub.pages.SignedIn",
    "accounts.middleware.ActorMiddleware",
    "accounts.middleware.RequestLogMiddleware",
    "hub.pages.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "hub.pages.Htmx",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "hub.urls"
WSGI_APPLICATION = "hub.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sharing.portal.context.portal",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database: the truth -------------------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", default="postgresql:///hub")}
DATABASES["default"].update(
    {
        "ENGINE": "hub.postgresql",
        "CONN_MAX_AGE": env.int("HUB_DATABASE_CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
    }
)
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("application_name", "hub")
CACHES = {"default": env.cache("CACHE_URL", default="locmemcache://")}
if "locmem" in CACHES["default"]["BACKEND"]:
    # It forgets the oldest entries above this, 300 by default: a stranger who fails to sign in under that many names
    # would wipe out the count of failures under another. About 100 MB when full.
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 200_000)

# --- Broker: only nudges; losing it loses no work ------------------------------------------------------------------
CELERY_BROKER_URL = env.str("BROKER_URL", default="filesystem://")
if CELERY_BROKER_URL.startswith("filesystem"):
    _spool = HOME / "broker"
    CELERY_BROKER_TRANSPORT = "hub.broker:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_spool / "queue"),
        "data_folder_out": str(_spool / "queue"),
        "control_folder": str(_spool / "control"),
        "polling_interval": 0.05,
    }
    for _folder in ("queue", "control"):
        (_spool / _folder).mkdir(parents=True, exist_ok=True)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 16
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE = {
    "sweep-outbox": {"task": "hub.outbox.tasks.sweep", "schedule": 5.0},
    "purge-outbox": {"task": "hub.outbox.tasks.purge", "schedule": 3600.0},
    "sweep-webhooks": {"task": "sharing.tasks.sweep_webhooks", "schedule": 5.0},
    "purge-webhooks": {"task": "sharing.tasks.purge_webhooks", "schedule": 3600.0},
    "note-expired": {"task": "sharing.tasks.note_expired", "schedule": 60.0},
    "purge-bulk-uploads": {"task": "sharing.tasks.purge_bulk_uploads", "schedule": 3600.0},
    "purge-feed-memory": {"task": "sharing.tasks.purge_feed_memory", "schedule": 3600.0},
}

# topic -> Celery task, named by its place in the code; hub/checks.py resolves each at start-up.
OUTBOX_ROUTES = {
    "signals.changed": "sharing.tasks.match_signals",
    "visibility.gained": "sharing.tasks.start_rematches",
    "rematch.step": "sharing.tasks.rematch",
    "matches.told": "sharing.tasks.announce",
    "match.reviewed": "sharing.tasks.announce",
    "rematch.ended": "sharing.tasks.announce",
    "signal.retracted": "sharing.tasks.announce",
    "webhooks.due": "sharing.tasks.send_webhooks",
}
# A message that was handed over and not finished is handed over again after this many seconds; handlers renew it.
OUTBOX_LEASE_SECONDS = env.int("HUB_OUTBOX_LEASE_SECONDS", default=10)
OUTBOX_KEEP_DAYS = 7
# Through an indicator that leads to more live signals than this, no alerts are raised one by one: they are summarised.
MATCH_FLOOD_LIMIT = env.int("HUB_MATCH_FLOOD_LIMIT", default=1_000)

# --- Webhooks: the hub calls addresses that members name -------------------------------------------------------------
# Networks that are not public and may be called all the same, by plain HTTP too and on any port. Empty: none.
WEBHOOK_ALLOWED_NETWORKS = env.list("HUB_WEBHOOK_ALLOWED_NETWORKS", default=[])
# A member that did not read its feed for longer begins anew: so long the hub remembers who saw what.
FEED_KEEP_DAYS = env.int("HUB_FEED_KEEP_DAYS", default=30)

# --- The near index: one copy for each host, made from the database and thrown away freely ---------------------------
INDEX_FOLDER = env.str("HUB_INDEX_FOLDER", default=str(HOME / "index"))

# --- Who is who ----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.MemberBackend",
]
LOGIN_URL = "portal:sign-in"
LOGIN_REDIRECT_URL = "portal:dashboard"
LOGOUT_REDIRECT_URL = "portal:sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
# Sign-in attempts are counted in the cache, so that no e-mail address of a failed sign-in is kept.
AXES_HANDLER = "axes.handlers.cache.AxesCacheHandler"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# The sign-in forms call their field "username". Left to itself axes would look for "email", count under no name at
# all, and lock nobody out.
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "accounts.backends.attempted_address"
AXES_LOCKOUT_TEMPLATE = "portal/locked_out.html"
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "email", "ip_address"]
SILENCED_SYSTEM_CHECKS = [
    "guardian.W001",  # object permissions are read by sharing.visibility, not through a sign-in backend
    "axes.W001",  # hub.W001 says the same of every count that is kept in the cache
]
# Number of proxies in front whose X-Forwarded-For entry is trusted; 0 = the peer's own address counts.
TRUSTED_PROXIES = env.int("HUB_TRUSTED_PROXIES", default=0)
AXES_CLIENT_IP_CALLABLE = "accounts.addresses.client_address"
SESSION_COOKIE_AGE = 60 * 60 * 12

# --- In transit ----------------------------------------------------------------------------------------------------
HTTPS = env.bool("HUB_HTTPS", default=not (DEBUG or DEMO))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS and env.bool("HUB_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["hub.incoming.NoFiles"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "worker-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}

# --- Words and time ------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", _("English"))]
LOCALE_PATHS = [BASE_DIR / "sharing" / "locale"]
FORMAT_MODULE_PATH = ["hub.formats"]
TIME_ZONE = "UTC"

# --- Files ---------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
# Named: files are collected there first (manage.py collectstatic). Otherwise they are served from the packages.
STATIC_ROOT = env.str("HUB_STATIC_ROOT", default="") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_MAX_AGE = 3600
WHITENOISE_ADD_HEADERS_FUNCTION = edge.add_headers

# --- API -----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["sharing.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["sharing.api.permissions.ActorWithScope"],
    "DEFAULT_THROTTLE_CLASSES": ["sharing.api.throttling.ClientThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "sharing.api.parsing.JSONNegotiation",
    "DEFAULT_PARSER_CLASSES": ["sharing.api.parsing.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "sharing.api.problems.to_response",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
}
# Requests a minute for one API client (each client may be given its own figure), and for one address without a key.
API_RATE_PER_MINUTE = env.int("HUB_API_RATE_PER_MINUTE", default=6_000)
API_ANONYMOUS_RATE_PER_MINUTE = env.int("HUB_API_ANONYMOUS_RATE_PER_MINUTE", default=120)
API_BATCH_MAX = 5_000
# Bodies that are read piece by piece: these addresses take more than DATA_UPLOAD_MAX_MEMORY_SIZE bytes.
STREAMED_BODIES = {"/api/v1/signals/bulk": 512 * 1024 * 1024}
# Bulk uploads that one web process takes in at once; others are told to wait.
BULK_AT_ONCE = env.int("HUB_BULK_AT_ONCE", default=2)
# What became of each line of a bulk upload can be asked for during this many days; then its key is forgotten too.
BULK_KEEP_DAYS = env.int("HUB_BULK_KEEP_DAYS", default=7)
# Identifiers that an organisation may have evaluated in a day (UTC), blinded or plain; it may be given its own figure.
# Operators are alerted at this share of it, and at so many times what is usual for the organisation.
IDENTIFIERS_PER_DAY = env.int("HUB_IDENTIFIERS_PER_DAY", default=100_000)
IDENTIFIERS_ALERT_SHARE = env.float("HUB_IDENTIFIERS_ALERT_SHARE", default=0.8)
IDENTIFIERS_ALERT_TIMES_USUAL = env.float("HUB_IDENTIFIERS_ALERT_TIMES_USUAL", default=10.0)
# Addresses of which the log has only what failed: a thousand look-ups a second would be 20 GB of lines a day.
COUNTED_NOT_LOGGED = ["/api/v1/lookups"]
# Sums of look-ups are written to the audit this many seconds after their first; 0: each at once.
AUDIT_TALLY_SECONDS = env.float("HUB_AUDIT_TALLY_SECONDS", default=10.0)
SPECTACULAR_SETTINGS = {
    "TITLE": "Intelligence-sharing hub",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SORT_OPERATIONS": False,
    "ENUM_NAME_OVERRIDES": {
        "SignalKind": "sharing.signals.models.Signal.Kind",
        "OrganisationKind": "accounts.models.Organisation.Kind",
        "Harm": "sharing.visibility.models.Harm",
        "TLP": "sharing.visibility.tlp.TLP",
        "Severity": "sharing.signals.models.Signal.Severity",
        "SubjectRole": "sharing.signals.models.Signal.SubjectRole",
        "Verdict": "sharing.matching.models.Match.Verdict",
        "RematchCause": "sharing.matching.models.Rematch.Cause",
        "Enforcement": "sharing.signals.models.AccountDetail.Enforcement",
        "Scope": "accounts.models.Scope",
        "WebhookEvent": "sharing.notifications.models.EventType",
        "WebhookChoice": "sharing.notifications.models.CHOSEN",
        "WebhookState": "sharing.notifications.models.WebhookEndpoint.State",
        "DeliveryState": "sharing.notifications.models.WebhookDelivery.State",
        "FeedChange": "sharing.api.serializers.feed.CHANGES",
        "FeedReason": "sharing.api.serializers.feed.REASONS",
        "LineStatus": "sharing.api.serializers.bulk.STATUSES",
    },
    "WEBHOOKS": [
        f"sharing.api.messages.{name}"
        for name in (
            "MATCH_FOUND",
            "MATCH_UPDATED",
            "MATCH_REVIEWED",
            "REMATCH_FOUND",
            "SIGNAL_RETRACTED",
            "TEST",
        )
    ],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "sharing.api.schema.declare_errors",
    ],
}

# --- Telling what happens, never what was in it --------------------------------------------------------------------
LOGGING = logging_config(json=not (DEBUG or DEMO), level=env.str("HUB_LOG_LEVEL", default="INFO"))
DEFAULT_EXCEPTION_REPORTER_FILTER = "hub.logging.NothingFromTheRequest"
