"""Django's system checks of what Toolcrib depends on: `manage.py check --database default` runs all of them."""

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from gateway.identity import triggers


@register(Tags.security)
def encryption_keys_are_usable(**_: Any) -> list[CheckMessage]:
    """Every key of the ring must be a Fernet key, or the first secret would fail to be stored."""
    return [
        Error(
            f"Number {place} in ENCRYPTION_KEYS is not a Fernet key.",
            hint="A Fernet key is 32 random bytes in URL-safe base64, 44 characters long.",
            id="toolcrib.E001",
        )
        for place, key in enumerate(settings.ENCRYPTION_KEYS, start=1)
        if not _is_fernet_key(key)
    ]


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


@register(Tags.security, deploy=True)
def public_url_is_private_to_nobody(**_: Any) -> list[CheckMessage]:
    """Keys travel in a header, so an address outside this machine should be reached over TLS."""
    if settings.EMBEDDED or settings.PUBLIC_URL.startswith("https://"):
        return []
    return [
        Warning(
            "PUBLIC_URL is not https, so API keys and passwords travel unencrypted.",
            hint="Put a TLS proxy in front and set PUBLIC_URL to its https address.",
            id="toolcrib.W001",
        )
    ]


@register(Tags.database)
def triggers_are_present(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Without its triggers the database raises no revision, and edits are not seen."""
    return [
        Error(
            f"Triggers are missing: {', '.join(absent)}.",
            hint="Run manage.py migrate; it makes them again.",
            id="toolcrib.E002",
        )
        for alias in databases or []
        if _is_migrated(alias) and (absent := triggers.missing(using=alias))
    ]


def _is_migrated(alias: str) -> bool:
    return "identity_revision" in connections[alias].introspection.table_names()
