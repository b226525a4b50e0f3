"""Headers and the secrets they name."""

from typing import Any

import pytest

from gateway.identity.models import Workspace
from tests.conftest import Person
from toolsets.header_rules import HeaderRefused, MissingSecret, resolve
from toolsets.headers import credential_generation, opened_headers
from toolsets.models import Secret, SecretValue, Tool, ToolSet


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("plain", "plain"),
        ("Bearer ${TOKEN}", "Bearer t0ken"),
        ("${USER}:${TOKEN}", "joe:t0ken"),
        ("$TOKEN {TOKEN}", "$TOKEN {TOKEN}"),
        ("", ""),
    ],
)
def test_placeholders_become_secrets(value: str, sent: str) -> None:
    secrets = {"TOKEN": "t0ken", "USER": "joe"}

    assert resolve({"X-Key": value}, secrets) == {"X-Key": sent}


def test_secret_that_looks_like_a_placeholder_is_sent_as_it_is() -> None:
    assert resolve({"X": "${A}"}, {"A": "${B}", "B": "no"}) == {"X": "${B}"}


def test_missing_secret_is_named() -> None:
    with pytest.raises(MissingSecret, match=r"X-Key needs the secret NOT_THERE"):
        resolve({"X-Key": "${NOT_THERE}"}, {"OTHER": "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Key", "a\r\nInjected: yes"),
        ("X-Key", "ünicode"),
        ("X-Key", "a" * 8193),
        ("X Key", "a"),
        ("X-Key:", "a"),
        ("", "a"),
        ("Host", "elsewhere"),
        ("content-LENGTH", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Accept-Encoding", "gzip"),
        ("Mcp-Session-Id", "stolen"),
        ("Mcp-Param-Region", "eu"),
        ("Proxy-Authorization", "Basic x"),
    ],
)
def test_header_that_may_not_be_sent_is_refused(name: str, value: str) -> None:
    with pytest.raises(HeaderRefused) as caught:
        resolve({name: value}, {})

    assert "Injected" not in caught.value.message


def test_secret_with_a_line_break_is_refused_and_not_repeated() -> None:
    with pytest.raises(HeaderRefused) as caught:
        resolve({"X-Key": "${KEY}"}, {"KEY": "s3cret\nX: y"})

    assert "s3cret" not in caught.value.message


def keep(
    person: Person, name: str, value: str, tool_set: ToolSet | None = None
) -> Secret:
    secret = Secret.objects.create(
        workspace=person.workspace,
        tool_set=tool_set,
        name=name,
        created_by=person.profile,
    )
    SecretValue.objects.create(secret=secret, value=value)
    return secret


def test_secret_of_the_tool_set_comes_before_the_workspaces(
    connect: Any, alice: Person
) -> None:
    tool_set = connect("http://127.0.0.1/", headers={"A": "${ONE}", "B": "${TWO}"})
    keep(alice, "ONE", "workspace 1")
    keep(alice, "ONE", "set 1", tool_set)
    keep(alice, "TWO", "workspace 2")

    assert opened_headers(tool_set).sent == {"A": "set 1", "B": "workspace 2"}


def test_secrets_of_others_are_not_found(
    connect: Any, alice: Person, mallory: Person, other_workspace: Workspace
) -> None:
    tool_set = connect("http://127.0.0.1/", headers={"A": "${ONE}"})
    other_set = connect("http://127.0.0.1/")
    keep(mallory, "ONE", "of the other workspace")
    keep(alice, "ONE", "of the other set", other_set)

    with pytest.raises(MissingSecret):
        opened_headers(tool_set)


def test_generation_changes_with_the_secrets_that_are_used(
    connect: Any, alice: Person
) -> None:
    tool_set = connect("http://127.0.0.1/", headers={"A": "${ONE}"})
    generations = [credential_generation(tool_set)]

    one = keep(alice, "ONE", "a")
    generations.append(credential_generation(tool_set))
    Secret.objects.filter(pk=one.pk).update(version=2)
    generations.append(credential_generation(tool_set))
    keep(alice, "ONE", "b", tool_set)
    generations.append(credential_generation(tool_set))

    assert len(set(generations)) == 4
    keep(alice, "UNUSED", "c")
    assert credential_generation(tool_set) == generations[-1]


def test_secrets_that_a_call_sends_are_those_of_the_set_and_of_its_tool(
    connect: Any, alice: Person
) -> None:
    tool_set = connect("http://127.0.0.1/", headers={"A": "${ONE}"})
    ToolSet.objects.filter(pk=tool_set.pk).update(adapter_type="http")
    config = {"headers": {"B": "Token ${TWO}"}}
    Tool.objects.create(
        workspace=alice.workspace,
        tool_set=tool_set,
        config=config,
        name="two",
        created_by=alice.profile,
    )
    one, two = keep(alice, "ONE", "1"), keep(alice, "TWO", "2")
    keep(alice, "THREE", "3")
    tool_set.refresh_from_db()

    opened = opened_headers(tool_set)

    assert opened.sent == {"A": "1"}
    assert opened.used_with() == {one.pk}
    assert opened.used_with('{"headers": {"B": "Token ${TWO}"}}') == {one.pk, two.pk}
