"""Reads settings from the environment, and refuses what it cannot read in words that name the variable."""

import ipaddress
import json
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int, *, at_least: int = 1) -> int:
    value = text(name, str(default))
    if not value.lstrip("-").isdigit() or int(value) < at_least:
        raise ImproperlyConfigured(
            f"{name} must be a whole number of at least {at_least}, not {value!r}."
        )
    return int(value)


def names(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def networks(name: str, default: str = "") -> list[Network]:
    try:
        return [ipaddress.ip_network(part) for part in names(name, default)]
    except ValueError as exc:
        raise ImproperlyConfigured(
            f"{name} must be a comma-separated list of networks such as 10.0.0.0/8: {exc}."
        ) from exc


class Hidden(str):
    """Text that is not shown by whatever shows settings."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def proxy(name: str) -> str:
    """The address of an HTTP proxy, which may hold a password."""
    value = text(name)
    try:
        parts = urlsplit(value)
        is_proxy = parts.scheme == "http" and parts.hostname and parts.port
    except ValueError:
        is_proxy = False
    if value and (not is_proxy or parts.path.strip("/") or parts.query):
        raise ImproperlyConfigured(
            f"{name} must look like http://proxy.example.com:3128, or http://user:password@proxy.example.com:3128."
        )
    return Hidden(value)


_POSTGRESQL_OPTIONS = {
    "connect_timeout": 3,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""A server that is gone without a word is noticed in seconds; by itself TCP would wait a quarter of an hour."""


def database(url: str, *, sqlite_path: Path) -> dict[str, Any]:
    """Django's settings for the database at `url`; SQLite at `sqlite_path` when there is no URL."""
    if not url:
        return _sqlite(sqlite_path)
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgres://user:password@host:5432/name."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {**_POSTGRESQL_OPTIONS, **dict(parse_qsl(parts.query))},
    }


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; PRAGMA wal_autocheckpoint=16000;",
        },
        "TEST": {"NAME": str(path.with_name("test.sqlite3"))},
    }


def embedded_secrets(path: Path) -> tuple[str, list[str]]:
    """The secret key and the encryption keys of the embedded mode, made once and kept in a file only its owner reads."""
    try:
        held = json.loads(path.read_text())
    except FileNotFoundError:
        return _new_embedded_secrets(path)
    return held["secret_key"], held["encryption_keys"]


def _new_embedded_secrets(path: Path) -> tuple[str, list[str]]:
    held = {
        "secret_key": secrets.token_urlsafe(48),
        "encryption_keys": [Fernet.generate_key().decode()],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process was first
        return embedded_secrets(path)
    with os.fdopen(descriptor, "w") as file:
        json.dump(held, file)
    return str(held["secret_key"]), list(held["encryption_keys"])
