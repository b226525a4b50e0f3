"""Sealed tokens open only as they were made."""

import pytest
from pytest_django import Settings

from gateway.encryption import seal, unseal


def test_sealed_payload_opens_with_its_purpose_only() -> None:
    token = seal("one", b"payload")

    assert unseal("one", token) == b"payload"
    assert unseal("two", token) is None


@pytest.mark.parametrize("addition", ["-TAMPERED", "A", "=", "\n", "=A", "é"])
def test_token_that_was_added_to_does_not_open(addition: str) -> None:
    assert unseal("one", seal("one", b"payload") + addition) is None


@pytest.mark.parametrize("place", [0, 5, 20, -3])
def test_token_that_was_changed_does_not_open(place: int) -> None:
    token = list(seal("one", b"payload"))
    token[place] = "A" if token[place] != "A" else "B"

    assert unseal("one", "".join(token)) is None


def test_token_of_a_ring_that_grew_still_opens(settings: Settings) -> None:
    token = seal("one", b"payload")
    newer = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

    settings.ENCRYPTION_KEYS = [newer, *settings.ENCRYPTION_KEYS]

    assert unseal("one", token) == b"payload"
