"""Encryption at rest and sealed tokens, both under one ring of keys: the first encrypts, all decrypt."""

import base64
import functools
import hashlib
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

_AT_REST = "at-rest"


def derived_keys(purpose: str) -> list[bytes]:
    """One 32-byte key for `purpose` from each key of the ring, newest first."""
    return [_derived_key(purpose, key) for key in settings.ENCRYPTION_KEYS]


@functools.lru_cache(maxsize=64)
def _derived_key(purpose: str, key: str) -> bytes:
    material = base64.urlsafe_b64decode(key)
    return HKDF(
        SHA256(), length=32, salt=None, info=f"toolcrib:{purpose}".encode()
    ).derive(material)


def key_name(key: bytes) -> str:
    """Eight hex digits that name a key without giving it away."""
    return hashlib.sha256(b"toolcrib:name:" + key).hexdigest()[:8]


def ring_names() -> list[str]:
    """The names of the keys of this process's ring, newest first."""
    return [key_name(key) for key in derived_keys("ring")]


def seal(purpose: str, payload: bytes) -> str:
    """An encrypted, signed, URL-safe token that only `unseal` with the same purpose opens."""
    return _ring(purpose).encrypt(payload).decode()


def unseal(
    purpose: str, token: str, *, max_age_seconds: int | None = None
) -> bytes | None:
    """The sealed payload; None when the token is forged, damaged, too old or of another purpose."""
    try:
        if _respelt(token) != token:
            return None
        return _ring(purpose).decrypt(token, ttl=max_age_seconds)
    except (InvalidToken, ValueError, TypeError):
        return None


def place_of_key(token: str) -> int | None:
    """Which key of the ring opens a value encrypted at rest, 0 being the newest; None when none does."""
    for place, key in enumerate(settings.ENCRYPTION_KEYS):
        try:
            _cached_ring(_AT_REST, (key,)).decrypt(token)
        except (InvalidToken, TypeError):
            continue
        return place
    return None


def _respelt(token: str) -> str:
    """The one spelling of a token; decoding alone would overlook characters that somebody added."""
    return base64.urlsafe_b64encode(base64.urlsafe_b64decode(token)).decode()


def _ring(purpose: str) -> MultiFernet:
    return _cached_ring(purpose, tuple(settings.ENCRYPTION_KEYS))


@functools.lru_cache(maxsize=64)
def _cached_ring(purpose: str, keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(_derived_key(purpose, key))) for key in keys]
    )


class EncryptedTextField(_TextField):
    """Text that is encrypted in the database and plain in Python."""

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else seal(_AT_REST, str(value).encode())

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return None if value is None else opened_at_rest(value)


def opened_at_rest(value: str) -> str:
    """The plain text of a value as it stands in the database.

    Raises:
        UndecipherableError: no key of the ring opens it.
    """
    plain = unseal(_AT_REST, value)
    if plain is None:
        raise UndecipherableError(
            "A stored secret cannot be decrypted with the keys in ENCRYPTION_KEYS."
        )
    return plain.decode()


class UndecipherableError(Exception):
    """No key of the ring opens a stored secret."""
