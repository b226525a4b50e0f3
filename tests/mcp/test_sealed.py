"""What travels sealed through clients: session tokens, and the state between the rounds of a call."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import time_machine

from gateway.encryption import seal
from gateway.mcp.protocol import RpcError
from gateway.mcp.sessions import session_client, session_token
from gateway.mcp.states import Binding, arguments_digest, opened_state, sealed_state

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BINDING = Binding(
    profile_id="prof_1",
    registered_user_id="ru_1",
    tool_id="tool_1",
    arguments_digest=arguments_digest({"a": 1}),
)


def token(profile_id: str = "prof_1") -> str:
    return session_token(
        version="2025-11-25",
        name="tester/1",
        capabilities={"elicitation": {"form": {}}, "roots": True, "other": {}},
        profile_id=profile_id,
    )


def with_another_end(whole: str) -> str:
    """Damaged for sure: what is random may have ended in any letter already."""
    return whole[:-1] + ("B" if whole.endswith("A") else "A")


def test_session_token_opens_for_its_caller() -> None:
    client = session_client(token(), profile_id="prof_1")

    assert client is not None
    assert (client.version, client.name) == ("2025-11-25", "tester/1")
    assert client.capabilities == {"elicitation": {}}


def test_sessions_of_one_caller_are_told_apart() -> None:
    first = session_client(token(), profile_id="prof_1")
    second = session_client(token(), profile_id="prof_1")

    assert first is not None
    assert second is not None
    assert first.nonce != second.nonce


@pytest.mark.parametrize(
    "spoil",
    [
        with_another_end,
        lambda whole: whole[:40],
        lambda whole: whole + "=",
        lambda whole: " " + whole,
        lambda whole: whole.replace(whole[30], "é", 1),
        lambda _: "",
        lambda _: "x" * 5000,
        lambda _: seal("request-state", b'{"v":"2025-11-25"}'),
    ],
)
def test_damaged_or_foreign_session_token_opens_for_nobody(
    spoil: Callable[[str], str],
) -> None:
    assert session_client(spoil(token()), profile_id="prof_1") is None


def test_session_token_of_another_caller_does_not_open() -> None:
    assert session_client(token("prof_2"), profile_id="prof_1") is None


def test_session_token_says_nothing_to_who_holds_it() -> None:
    assert "tester" not in token()
    assert "prof_1" not in token()


def state(binding: Binding = BINDING) -> str:
    return sealed_state(
        binding, call_id="call_1", round_number=2, upstream_state="theirs"
    )


def test_state_opens_for_the_same_call() -> None:
    opened = opened_state(state(), BINDING)

    assert (opened.call_id, opened.round) == ("call_1", 2)
    assert opened.upstream_state == "theirs"


@pytest.mark.parametrize(
    "other",
    [
        replace(BINDING, profile_id="prof_2"),
        replace(BINDING, registered_user_id="ru_2"),
        replace(BINDING, tool_id="tool_2"),
        replace(BINDING, arguments_digest=arguments_digest({"a": 2})),
    ],
)
def test_state_of_another_call_is_refused(other: Binding) -> None:
    with pytest.raises(RpcError) as refused:
        opened_state(state(), other)

    assert refused.value.code == -32602


@pytest.mark.parametrize("forged", ["", "x", 5, None, {}, with_another_end(state())])
def test_forged_state_is_refused(forged: object) -> None:
    with pytest.raises(RpcError):
        opened_state(forged, BINDING)


def test_session_token_is_no_state() -> None:
    with pytest.raises(RpcError):
        opened_state(seal("mcp-session", orjson.dumps({"b": []})), BINDING)


@pytest.mark.parametrize(("seconds", "opens"), [(590, True), (605, False)])
def test_state_lives_ten_minutes(seconds: int, opens: bool) -> None:
    with time_machine.travel(NOW, tick=False):
        made = state()

    with time_machine.travel(NOW + timedelta(seconds=seconds), tick=False):
        if opens:
            assert opened_state(made, BINDING).call_id == "call_1"
        else:
            with pytest.raises(RpcError):
                opened_state(made, BINDING)


def test_digest_does_not_hang_on_the_order_of_arguments() -> None:
    assert arguments_digest({"a": 1, "b": {"c": 2, "d": 3}}) == arguments_digest(
        {"b": {"d": 3, "c": 2}, "a": 1}
    )
