"""The one place where Toolcrib reads its environment. With nothing set, it runs embedded: SQLite and a worker in the process."""

import logging
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from gateway import environment

BASE_DIR = Path(__file__).resolve().parent.parent

# --- what an operator may set (README lists them) -------------------------------------------------------------------
DATA_DIR = Path(environment.text("DATA_DIR", str(BASE_DIR / "var"))).resolve()
DATABASE_URL = environment.text("DATABASE_URL")
REDIS_URL = environment.text("REDIS_URL")
EMBEDDED = not DATABASE_URL and not REDIS_URL
HOST = environment.text("HOST", "127.0.0.1")
PORT = environment.number("PORT", 8000)
PUBLIC_URL = environment.text(
    "PUBLIC_URL",
    f"http://{'127.0.0.1' if HOST == '0.0.0.0' else HOST}:{PORT}",  # noqa: S104 - compared, not bound
).rstrip("/")
ALLOWED_HOSTS = environment.names("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
ALLOWED_ORIGINS = environment.names("ALLOWED_ORIGINS")
DEBUG = environment.flag("DEBUG")
LOG_LEVEL = environment.text("LOG_LEVEL", "INFO").upper()
CALL_TIMEOUT_SECONDS = environment.number("CALL_TIMEOUT_SECONDS", 60)
MAX_CALL_BYTES = environment.number("MAX_CALL_BYTES", 4 * 1024 * 1024)
MAX_RESULT_BYTES = environment.number("MAX_RESULT_BYTES", 16 * 1024 * 1024)
CALLS_PER_TOOL_SET = environment.number("CALLS_PER_TOOL_SET", 100)
SYNC_INTERVAL_SECONDS = environment.number("SYNC_INTERVAL_SECONDS", 900, at_least=10)
SYNC_TIMEOUT_SECONDS = environment.number("SYNC_TIMEOUT_SECONDS", 120)
SYNC_MAX_TOOLS = environment.number("SYNC_MAX_TOOLS", 60_000)
UPSTREAM_NETWORKS = environment.networks(
    "UPSTREAM_NETWORKS", "127.0.0.0/8,::1/128" if EMBEDDED else ""
)
UPSTREAM_PROXY = environment.proxy("UPSTREAM_PROXY")

if EMBEDDED:
    SECRET_KEY, ENCRYPTION_KEYS = environment.embedded_secrets(
        DATA_DIR / "secrets.json"
    )
SECRET_KEY = environment.text("SECRET_KEY", SECRET_KEY if EMBEDDED else "")
ENCRYPTION_KEYS = environment.names("ENCRYPTION_KEYS") or (
    ENCRYPTION_KEYS if EMBEDDED else []
)
if not SECRET_KEY or not ENCRYPTION_KEYS:
    raise ImproperlyConfigured(
        "SECRET_KEY and ENCRYPTION_KEYS must be set when DATABASE_URL or REDIS_URL is. "
        "Make them once and give every process the same: "
        "SECRET_KEY is any long random text, ENCRYPTION_KEYS a comma-separated list of Fernet keys, newest first."
    )
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(
        f"LOG_LEVEL must be one of DEBUG, INFO, WARNING or ERROR, not {LOG_LEVEL!r}."
    )

# --- what follows from it -------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "gateway.identity.admin_config.ToolcribAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "rest_framework",
    "django_filters",
    "gateway.audit",
    "gateway.identity",
    "toolsets",
    "registry",
    "toolpacks",
    "gateway.mcp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "gateway.rest.printable.PrintableAddressMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "gateway.identity.middleware.CurrentWorkspaceMiddleware",
    "gateway.identity.middleware.AnnounceChangesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "gateway.urls"
ASGI_APPLICATION = "gateway.asgi.application"
APPEND_SLASH = False
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
            ],
        },
    },
]
DATABASES = {
    "default": environment.database(
        DATABASE_URL, sqlite_path=DATA_DIR / "toolcrib.sqlite3"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 1
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL, *ALLOWED_ORIGINS]
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True

CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_connect_timeout": 2, "socket_timeout": 10}
    if REDIS_URL
    else {"polling_interval": 0.05}
)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "gateway.identity.authentication.ApiKeyAuthentication",
        "gateway.identity.authentication.AdminSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["gateway.identity.permissions.RolePermission"],
    "DEFAULT_RENDERER_CLASSES": ["gateway.rest.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["gateway.rest.rendering.JSONParser"],
    "EXCEPTION_HANDLER": "gateway.rest.problems.handle",
    "DEFAULT_SCHEMA_CLASS": "gateway.rest.description.OperationSchema",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Toolcrib",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVERS": [{"url": PUBLIC_URL}],
    "DESCRIPTION": "Tool sets, tool packs, and whoever uses them. Every path below `/v1/` also exists below "
    "`/v1/workspaces/{workspaceId}/`, where the id must be that of the key's workspace. Wherever a path takes the id of "
    "something with an external id, it also takes `external_id:<value>`.",
    "CAMELIZE_NAMES": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": [],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "gateway.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "celery": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "mcp": {"level": "CRITICAL"},  # the SDK logs what upstreams send
        "django.request": {"level": "ERROR"},
    },
}


def _page(
    title: str, icon: str, page: str, *, permission: str = "is_in_workspace"
) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{page}"),
        "permission": f"gateway.identity.admin_site.{permission}",
    }


UNFOLD = {
    "SITE_TITLE": "Toolcrib",
    "SITE_HEADER": "Toolcrib",
    "SITE_SYMBOL": "handyman",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": "gateway.identity.admin_site.icon",
        },
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "gateway.identity.admin_site.environment",
    "DASHBOARD_CALLBACK": "gateway.mcp.front_page.context",
    "STYLES": ["gateway.identity.admin_site.stylesheet"],
    "SCRIPTS": ["gateway.identity.admin_site.script"],
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(70.7% .165 254.6)",
            "500": "oklch(62.3% .214 259.8)",
            "600": "oklch(54.6% .245 262.9)",
            "700": "oklch(48.8% .243 264.4)",
            "800": "oklch(42.4% .199 265.6)",
            "900": "oklch(37.9% .146 265.5)",
            "950": "oklch(28.2% .091 267.9)",
        },
    },
    "SIDEBAR": {
        "navigation": [
            {
                "items": [
                    _page("Overview", "space_dashboard", "index"),
                    _page("Tool calls", "receipt_long", "mcp_toolcall_changelist"),
                ],
            },
            {
                "title": "Tools",
                "separator": True,
                "items": [
                    _page("Tool sets", "hub", "toolsets_toolset_changelist"),
                    _page("Tools", "construction", "toolsets_tool_changelist"),
                    _page("Tool packs", "inventory_2", "toolpacks_toolpack_changelist"),
                    _page(
                        "Bundle runs",
                        "folder_managed",
                        "toolpacks_bundlerun_changelist",
                    ),
                ],
            },
            {
                "title": "Access",
                "separator": True,
                "items": [
                    _page(
                        "Registered users",
                        "group",
                        "identity_registereduser_changelist",
                    ),
                    _page(
                        "Agent profiles",
                        "smart_toy",
                        "identity_agentprofile_changelist",
                    ),
                    _page("API keys", "key", "identity_apikey_changelist"),
                    _page("Secrets", "lock", "toolsets_secret_changelist"),
                    _page("Members", "badge", "identity_membership_changelist"),
                ],
            },
            {
                "title": "Installation",
                "separator": True,
                "items": [
                    _page(
                        "Accounts",
                        "domain",
                        "identity_account_changelist",
                        permission="is_superuser",
                    ),
                    _page(
                        "Workspaces",
                        "workspaces",
                        "identity_workspace_changelist",
                        permission="is_superuser",
                    ),
                    _page(
                        "Sign-ins",
                        "manage_accounts",
                        "auth_user_changelist",
                        permission="is_superuser",
                    ),
                ],
            },
        ],
    },
}
