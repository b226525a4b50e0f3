"""Which headers hold a secret themselves, how they are hidden, and how they stay."""

import pytest
from django.core.exceptions import ValidationError

from toolsets.confidential import hidden, is_confidential, restored, secrets_in


@pytest.mark.parametrize(
    ("name", "value", "is_secret"),
    [
        ("Authorization", "Bearer abc", True),
        ("cookie", "a=b", True),
        ("X-Api-Key", "abc", True),
        ("X-Request-SIGNATURE", "abc", True),
        ("Authorization", "Bearer ${TOKEN}", False),
        ("X-Session", "{{ session }}", False),
        ("X-Team", "platform", False),
        ("Accept", "application/json", False),
    ],
)
def test_value_is_a_secret_by_the_name_of_its_header(
    name: str, value: str, is_secret: bool
) -> None:
    assert is_confidential(name, value) is is_secret


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
