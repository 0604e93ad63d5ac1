"""Everything the process is told, from the environment through env.py. docs/configure.md explains each variable."""

import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from portal import env, keys

# --- Where and what -------------------------------------------------------------------------------------------------
BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"
DEBUG = env.flag("DEBUG", False)
DATA_DIR = Path(env.text("PORTAL_DATA_DIR", str(BASE_DIR / "var"))).absolute()
keys.private_directory(DATA_DIR)  # sessions and password hashes lie in it
REDIS_URL = env.url("REDIS_URL", ("redis", "rediss", "unix"))
REDIS_PATIENCE = {"socket_connect_timeout": 3, "socket_timeout": 5}  # seconds
# Embedded: one process is everything. A team installation has Redis between its processes.
EMBEDDED = REDIS_URL is None
if EMBEDDED and (env.url("DATABASE_URL", env.DATABASES) or "").startswith("postgres"):
    # Else a process that lacks it would take itself for all of the portal, beside the others.
    raise ImproperlyConfigured("REDIS_URL is not set: the processes that share a PostgreSQL share one Redis")
PORTAL_URL = env.url("PORTAL_URL", ("http", "https"), "http://127.0.0.1:8000" if EMBEDDED else None)
if PORTAL_URL is None:
    raise ImproperlyConfigured("PORTAL_URL is not set: the address people open, for example https://portal.example.org")
SECURE = urlsplit(PORTAL_URL).scheme == "https"
LOOPBACK = urlsplit(PORTAL_URL).hostname in ("127.0.0.1", "localhost", "::1")
if not (SECURE or LOOPBACK or EMBEDDED):
    raise ImproperlyConfigured("PORTAL_URL must be https:// in a team installation (http only for loopback)")


# --- Secrets --------------------------------------------------------------------------------------------------------
WELL_KNOWN = ("changeme", "change-me", "secret", "default", "example", "django-insecure")  # beginnings of placeholders


def installation_secret(name: str, fresh: str) -> str:
    """From the environment; embedded installations make their own beside the database."""
    value = env.secret(name)
    if value is None and EMBEDDED:
        value = keys.kept(DATA_DIR / "keys", name.lower(), fresh)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set: a team installation makes up no secrets (docs/configure.md)")
    return no_default(name, value, 32)


def no_default(name: str, value: str, least: int) -> str:
    if value.lower().startswith(WELL_KNOWN) or len(value) < least:
        raise ImproperlyConfigured(f"{name} is a default or too short (at least {least} characters)")
    return value


SECRET_KEY = installation_secret("SECRET_KEY", keys.new_private_key() + keys.new_private_key())
SECRET_KEY_FALLBACKS = [
    no_default("SECRET_KEY_FALLBACKS", key.strip(), 32)
    for key in (env.secret("SECRET_KEY_FALLBACKS") or "").split(",")
    if key.strip()
]
# Private keys open the bots' passwords: only workers, relays and the gateway hold them. The first is current.
PORTAL_SECRETS_KEYS: list[str] = [
    env.checked_key("PORTAL_SECRETS_KEY", key.strip())
    for key in (
        installation_secret("PORTAL_SECRETS_KEY", keys.new_private_key())
        if EMBEDDED
        else env.secret("PORTAL_SECRETS_KEY") or ""
    ).split(",")
    if key.strip()
]
# The public key seals: every process may write a secret, few can read one.
PORTAL_SEAL_KEY = env.checked_key(
    "PORTAL_SEAL_KEY",
    env.secret("PORTAL_SEAL_KEY")
    or (keys.public_key_of(PORTAL_SECRETS_KEYS[0]) if EMBEDDED else installation_secret("PORTAL_SEAL_KEY", "")),
)
# Keys of the audit's chain, by their names; the first is current, the others still verify what they once signed.
PORTAL_AUDIT_KEYS = {
    keys.name_of(key): key
    for key in (keys.derived(secret, "portal audit chain") for secret in (SECRET_KEY, *SECRET_KEY_FALLBACKS))
}
# Where the head of the audit's chain is written, outside the database.
PORTAL_AUDIT_ANCHOR = Path(env.text("PORTAL_AUDIT_ANCHOR", str(DATA_DIR / "audit-anchor.jsonl")))
PORTAL_METRICS_TOKEN = env.secret("PORTAL_METRICS_TOKEN")
if PORTAL_METRICS_TOKEN:
    no_default("PORTAL_METRICS_TOKEN", PORTAL_METRICS_TOKEN, 16)

# --- Doors ----------------------------------------------------------------------------------------------------------
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", ["*"] if EMBEDDED else [urlsplit(PORTAL_URL).hostname or ""])
PORTAL_TRUSTED_PROXIES = env.listing("PORTAL_TRUSTED_PROXIES")
# Address ranges in which bots may live; "public" stands for every public address.
PORTAL_ALLOWED_NETWORKS = env.networks(
    "PORTAL_ALLOWED_NETWORKS",
    ["public", "127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
    if EMBEDDED
    else None,
)
if not PORTAL_ALLOWED_NETWORKS:
    raise ImproperlyConfigured("PORTAL_ALLOWED_NETWORKS is not set: the address ranges in which your bots live")
# Where webhooks of alerts may go.
PORTAL_WEBHOOK_NETWORKS = env.networks("PORTAL_WEBHOOK_NETWORKS", PORTAL_ALLOWED_NETWORKS)

# --- Applications ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "accounts.apps.AccountsConfig",
    "bots.apps.BotsConfig",
    "portal.apps.PortalConfig",
    "accounts.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "corsheaders",
    "csp",
    "django_filters",
    "django_htmx",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "portal.middleware.TrustedProxies",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.static_files.StaticFiles",
    "portal.turns.Turns",  # before PortalCors, which asks the database: see CorsAside
    "portal.middleware.PortalCors",
    "portal.middleware.SetUpFirst",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.NothingUnrecorded",
]
ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
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
                "portal.context.chrome",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Database -------------------------------------------------------------------------------------------------------
if not EMBEDDED and env.secret("DATABASE_URL") is None:
    raise ImproperlyConfigured("DATABASE_URL is not set: the processes of a team installation share one PostgreSQL")
# How long PostgreSQL may take for one answer; asgi.py and manage.py have defaults of their own.
PORTAL_DATABASE_SECONDS = env.number("PORTAL_DATABASE_SECONDS", 60, 0, 3600)
PORTAL_REQUESTS_AT_ONCE = int(env.number("PORTAL_REQUESTS_AT_ONCE", 20, 1, 1000))
PORTAL_DATABASE_KEPT_SECONDS = env.number("PORTAL_DATABASE_KEPT_SECONDS", 60, 0, 3600)
DATABASES = {
    "default": env.database(
        "DATABASE_URL", DATA_DIR / "portal.sqlite3", PORTAL_DATABASE_SECONDS, PORTAL_DATABASE_KEPT_SECONDS
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "fleet"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_RESET_TIMEOUT = 3600
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [PORTAL_URL.rstrip("/")]
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"

# A list of bots holds passwords: it is read in memory (up to 2.5 MB) and never lies on the disk.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- Browser safety -------------------------------------------------------------------------------------------------
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_SSL_REDIRECT = False  # the proxy's part: the portal itself listens on loopback
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
    }
}
CORS_URLS_REGEX = r"^/api/"
CORS_PREFLIGHT_MAX_AGE = 300
CORS_ALLOW_CREDENTIALS = False
CORS_EXPOSE_HEADERS = ["Retry-After"]
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key"]

# --- API ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "accounts.authentication.PageSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "portal.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.problems.problem_handler",
    "PAGE_SIZE": 100,
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Portal API",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
}
JWT_ACCESS_SECONDS = 600
JWT_REFRESH_SECONDS = 14 * 24 * 3600
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=JWT_ACCESS_SECONDS),
    "REFRESH_TOKEN_LIFETIME": timedelta(seconds=JWT_REFRESH_SECONDS),
    "SIGNING_KEY": keys.derived(SECRET_KEY, "tokens of the API"),
    "AUDIENCE": "portal-api",
    "ISSUER": PORTAL_URL,
}

# --- Work in the background -----------------------------------------------------------------------------------------
CELERY_BROKER_URL = env.broker("REDIS_URL", REDIS_URL) if REDIS_URL else "memory://localhost"
CELERY_TASK_IGNORE_RESULT = True
CELERY_BEAT_SCHEDULER = "portal.clock:Clock"  # keeps nothing: what is due stands in the database
# Commands have a queue of their own; a worker consumes both unless told `-Q commands`.
CELERY_TASK_DEFAULT_QUEUE = CELERY_TASK_DEFAULT_EXCHANGE = CELERY_TASK_DEFAULT_ROUTING_KEY = "polls"
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("polls", "commands")]
CELERY_TASK_ROUTES = {
    f"bots.tasks.{name}": {"queue": "commands"} for name in ("send_commands", "look_at_commands", "sweep_commands")
}
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = int(env.number("PORTAL_WORKER_THREADS", 8, 1, 1000))
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for as long as Redis is away; the pauses: portal.broker
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"polling_interval": 0.05}
    if EMBEDDED
    else {**REDIS_PATIENCE, "retry_on_timeout": True, "health_check_interval": 10}
)
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
# Seconds between two looks at the due-table; and what one poll may cost.
PORTAL_TICK_SECONDS = env.number("PORTAL_TICK_SECONDS", 1.0, 0.05, 60)
PORTAL_SHARD_SIZE = int(env.number("PORTAL_SHARD_SIZE", 250, 1, 10_000))
PORTAL_POLL_DEADLINE_SECONDS = env.number("PORTAL_POLL_DEADLINE_SECONDS", 10.0, 0.5, 30)
PORTAL_MAX_ANSWER_BYTES = int(env.number("PORTAL_MAX_ANSWER_BYTES", 8 * 1024 * 1024, 65536, 2**30))
# A file that the clock or a relay touches as long as it does its work: its age is the health check of its container.
PORTAL_SIGN_OF_LIFE = env.optional("PORTAL_SIGN_OF_LIFE")
# A test or benchmark may ask for faster polls: every interval of the poll plan is multiplied by this.
PORTAL_POLL_PACE = env.number("PORTAL_POLL_PACE", 1.0, 0.01, 100)

# Events are kept so long.
PORTAL_EVENT_DAYS = env.number("PORTAL_EVENT_DAYS", 90, 1, 3650)

# --- Live ----------------------------------------------------------------------------------------------------------
REDIS_HOST = {"hosts": [{"address": REDIS_URL, **REDIS_PATIENCE}]}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1000}}
    if EMBEDDED
    else {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": REDIS_HOST}
}

# --- Mail -----------------------------------------------------------------------------------------------------------
EMAIL_URL = env.url("EMAIL_URL", ("smtp", "smtps", "console"), "console://" if EMBEDDED else None)
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", f"portal@{urlsplit(PORTAL_URL).hostname}")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_TIMEOUT = 10
if EMAIL_URL is None:
    # Never to the log: who reads it could take over any account by its reset link.
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
elif EMAIL_URL.startswith("console"):
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
else:
    globals().update(env.mail(EMAIL_URL))

# --- Files ----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
NODE_MODULES = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    *(
        [("npm/lightweight-charts", NODE_MODULES / "lightweight-charts" / "dist")]
        if (NODE_MODULES / "lightweight-charts" / "dist").is_dir()
        else []
    ),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# Embedded: straight from the folders, no collectstatic step.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = EMBEDDED

# --- Language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["portal.formats"]

# --- Logs -----------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
LOG_FORMAT = env.choice("LOG_FORMAT", ("text", "json"), "text")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"},
        "json": {"()": "portal.logs.JsonLines"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "stream": sys.stderr},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "celery": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "kombu": {"level": "WARNING"},
        # These write addresses with the tokens in them: bots.domain.alerts.delivering.services alone listens.
        "apprise": {"level": "DEBUG", "handlers": ["nowhere"], "propagate": False},
        "urllib3": {"level": "WARNING"},
        # uvicorn gave it a handler of its own before it imported us.
        "uvicorn": {"handlers": [], "propagate": True},
        # Who comes and goes is state, not change; and it would be told with the query of the address.
        "uvicorn.error": {"level": "WARNING"},
        "uvicorn.access": {"handlers": [], "propagate": False},
    },
}
