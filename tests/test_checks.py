"""System checks say what would break before it does."""

import pytest
from django.core.checks import run_checks
from django.db import connection
from pytest_django import Settings

from gateway.identity.ownership import shaping_models


def complaints(**options: object) -> list[str | None]:
    return [found.id for found in run_checks(**options)]  # type: ignore[arg-type]


def test_key_that_is_not_a_fernet_key_is_an_error(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [*settings.ENCRYPTION_KEYS, "too short"]

    assert "toolcrib.E001" in complaints()


def test_lost_trigger_is_an_error(db: None) -> None:
    assert "toolcrib.E002" not in complaints(databases=["default"])
    table = shaping_models()[0]._meta.db_table
    on_table = f' ON "{table}"' if connection.vendor == "postgresql" else ""

    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "{table}_revision_update"{on_table}')

    assert "toolcrib.E002" in complaints(databases=["default"])


@pytest.mark.parametrize(
    ("address", "is_warned"),
    [("http://tools.example.com", True), ("https://tools.example.com", False)],
)
def test_public_address_without_tls_is_a_warning(
    settings: Settings, address: str, is_warned: bool
) -> None:
    settings.EMBEDDED = False
    settings.PUBLIC_URL = address

    found = complaints(include_deployment_checks=True)

    assert ("toolcrib.W001" in found) is is_warned
