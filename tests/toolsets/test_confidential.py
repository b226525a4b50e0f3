"""Which headers hold a secret themselves, how they are hidden, and how they stay."""

import pytest
from django.core.exceptions import ValidationError

from toolsets.confidential import (
    confidential_headers,
    hidden,
    is_confidential,
    restored,
    secrets_in,
)


@pytest.mark.parametrize(
    ("name", "value", "is_secret"),
    [
        ("Authorization", "Bearer abc", True),
        ("cookie", "a=b", True),
        ("X-Api-Key", "abc", True),
        ("X-Request-SIGNATURE", "abc", True),
        ("Authorization", "Bearer ${TOKEN}", False),
        ("X-Api-Key", "${A}:${B}", False),
        ("X-Api-Key", "abc${TOKEN}", True),
        ("X-Api-Key", "abc def", True),
        ("X-Api-Key", "{{ abc }}", True),
        ("Authorization", "YWJj==", True),
        ("Authorization", "***", True),
        ("Cookie", "sid=abc; csrf=${CSRF}", True),
        ("Cookie", "sid=${SID}; csrf=${CSRF}", False),
        ("Authorization", 'Token token="${TOKEN}"', False),
        ("Authorization", "${TOKEN}", False),
        ("X-Team", "platform", False),
        ("Accept", "application/json", False),
    ],
)
def test_value_is_a_secret_by_the_name_of_its_header(
    name: str, value: str, is_secret: bool
) -> None:
    assert is_confidential(name, value) is is_secret


@pytest.mark.parametrize(
    ("value", "is_secret"),
    [
        ("{{ session }}", False),
        ("Bearer {{ token | strip }}", False),
        ("{% if token %}Bearer {{ token }}{% endif %}", False),
        ("sid={{ sid }}; key=${KEY}", False),
        ("{% if token %}abc{% endif %}", True),
        ("abc{{ token }}", True),
    ],
)
def test_header_of_a_tool_is_filled_in_by_arguments_too(
    value: str, is_secret: bool
) -> None:
    assert is_confidential("X-Session", value, is_template=True) is is_secret
    config, adapter = {"headers": {"X-Session": value}}, {"url": "https://a.example"}
    assert bool(confidential_headers(config)) is is_secret
    assert bool(confidential_headers({**adapter, **config}))


def test_value_that_is_secret_in_part_is_hidden_whole_and_restored() -> None:
    kept = {"url": "u", "headers": {"Cookie": "sid=abc; csrf=${CSRF}"}}

    shown = hidden(kept)

    assert shown["headers"] == {"Cookie": "***"}
    assert restored(shown, kept, at="adapter.headers") == kept
    assert "abc" in secrets_in(kept)


def test_hidden_value_that_comes_back_is_the_one_that_is_kept() -> None:
    kept = {"url": "u", "headers": {"X-Key": "abc", "X-Team": "a"}}
    shown = hidden(kept)
    assert shown == {"url": "u", "headers": {"X-Key": "***", "X-Team": "a"}}

    given = {**shown, "headers": {"x-key": "***", "X-Team": "***"}}

    assert restored(given, kept, at="adapter.headers") == {
        "url": "u",
        "headers": {"x-key": "abc", "X-Team": "***"},
    }


def test_hidden_value_of_a_header_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        restored({"headers": {"X-Key": "***"}}, {}, at="adapter.headers")

    assert "none is kept for the header X-Key" in caught.value.messages[0]
    assert "${ITS_NAME}" in caught.value.messages[0]


def test_secret_is_known_with_its_scheme_and_without() -> None:
    holder = {"headers": {"Authorization": "Bearer abc", "X-Team": "a"}}

    assert list(secrets_in(holder)) == ["Bearer abc", "abc"]
