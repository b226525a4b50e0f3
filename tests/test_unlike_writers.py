"""Different changes that meet at the same moment: none of them keeps what another waits for, so none of them breaks.

Where two writers hold the same rows in another order, PostgreSQL ends one of them with an OperationalError, which these
tests do not catch.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gateway.errors import Refused
from gateway.identity.joining import change_role, remove_member
from gateway.identity.models import Membership
from gateway.identity.roles import Role
from tests.conftest import Person
from tests.rest import Script
from tests.together import together
from toolpacks.models import Connector, ToolPack
from toolpacks.packing import attach, change_pack, create_pack, delete_pack, detach
from toolsets.connecting import change, connect, detach_and_delete
from toolsets.models import Secret, SecretValue, ToolSet
from toolsets.secrets import delete_secret, store_secret

pytestmark = pytest.mark.django_db(transaction=True)

_ROUNDS = 12


def _outcome(deed: Callable[[], Any]) -> str:
    """What became of it: "done", or the code of its refusal."""
    try:
        deed()
    except Refused as exc:
        return str(exc.code)
    return "done"


def _at_once(*deeds: Callable[[], Any]) -> list[str]:
    """What became of each of `deeds`, in the order of the words."""
    return sorted(together(*(partial(_outcome, deed) for deed in deeds)))


def _membership(person: Person) -> Membership:
    return Membership.objects.get(profile=person.profile)


@pytest.mark.parametrize("leave", [partial(change_role, role=Role.READ_ONLY), remove_member])  # fmt: skip
def test_of_two_admins_who_leave_at_once_one_stays(
    leave: Any, alice: Person, dan: Person
) -> None:
    members = [_membership(person) for person in (alice, dan)]

    for _ in range(_ROUNDS):
        Membership.objects.bulk_create(
            [Membership(pk=one.pk, workspace=one.workspace, profile=one.profile, role=Role.ADMIN) for one in members],
            update_conflicts=True, unique_fields=["id"], update_fields=["role"],
        )  # fmt: skip
        rows = [_membership(person) for person in (alice, dan)]

        outcomes = _at_once(*(partial(leave, row, actor=alice.actor) for row in rows))

        assert outcomes == ["done", "last_admin"]


def _tool_set(alice: Person, name: str) -> ToolSet:
    return connect(
        alice.workspace,
        name=name,
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={"baseUrl": "https://api.example.com"},
        actor=alice.actor,
    )


@pytest.fixture
def one(alice: Person) -> ToolSet:
    return _tool_set(alice, "One")


@pytest.fixture
def other(alice: Person) -> ToolSet:
    return _tool_set(alice, "Other")


@pytest.fixture
def pack(alice: Person) -> ToolPack:
    return create_pack(alice.workspace, name="Support", actor=alice.actor)


def test_a_pack_is_renamed_while_sets_are_attached_to_it_and_detached(
    pack: ToolPack, one: ToolSet, other: ToolSet, alice: Person
) -> None:
    attach(pack, other, actor=alice.actor)

    for number in range(_ROUNDS):
        seen = ToolPack.objects.get(pk=pack.pk)
        assert (
            _at_once(
                partial(change_pack, seen, name=f"Name {number}", actor=alice.actor),
                partial(attach, pack, one, prefix=str(number), actor=alice.actor),
                partial(detach, pack, other, actor=alice.actor),
            )
            == ["done"] * 3
        )
        attach(pack, other, actor=alice.actor)

    assert ToolPack.objects.get(pk=pack.pk).name == f"Name {_ROUNDS - 1}"
    assert Connector.objects.get(tool_set=one).prefix == str(_ROUNDS - 1)


def test_a_pack_is_deleted_while_a_set_is_attached_to_it(
    one: ToolSet, other: ToolSet, alice: Person
) -> None:
    for number in range(_ROUNDS):
        pack = create_pack(alice.workspace, name=f"Pack {number}", actor=alice.actor)
        attach(pack, other, actor=alice.actor)
        assert _at_once(
            partial(delete_pack, pack, actor=alice.actor),
            partial(attach, pack, one, actor=alice.actor),
        ) in (["changed_meanwhile", "done"], ["done", "done"])

    assert not ToolPack.objects.exists()


def test_two_sets_that_two_packs_hold_are_deleted_at_once(alice: Person) -> None:
    for number in range(3):
        sets = [_tool_set(alice, f"{name} {number}") for name in ("One", "Other")]
        for name in ("A", "B", "C"):
            pack = create_pack(alice.workspace, name=name, actor=alice.actor)
            for tool_set in sets:
                attach(pack, tool_set, actor=alice.actor)

        ends = _at_once(*(partial(detach_and_delete, held, actor=alice.actor) for held in sets))  # fmt: skip

        assert ends == ["done", "done"]


def test_scripts_that_replace_and_add_connectors_at_once_leave_what_one_order_would(
    rest: Script, pack: ToolPack, one: ToolSet, other: ToolSet
) -> None:
    address = f"/v1/tool-packs/{pack.pk}"

    for _ in range(_ROUNDS):
        answers = together(
            lambda: rest.put(f"{address}/connectors/", [{"slug": "one"}]),
            lambda: rest.patch(f"{address}/connectors/", [{"slug": "other"}]),
            lambda: rest.patch(f"{address}/", {"description": "Both."}),
        )

        assert [answer.status for answer in answers] == [200, 200, 200]
        slugs = Connector.objects.filter(pack=pack).values_list("tool_set__slug", flat=True)  # fmt: skip
        assert {*slugs} in ({"one"}, {"one", "other"})


def test_a_set_is_saved_with_a_secret_that_others_replace_and_delete(
    one: ToolSet, alice: Person
) -> None:
    said: dict[str, Any] = {"name": "TOKEN", "tool_set": one, "actor": alice.actor}

    for number in range(_ROUNDS):
        kept = store_secret(alice.workspace, value="first", **said)
        seen, text = ToolSet.objects.get(pk=one.pk), f"Number {number}."
        ends: list[Callable[[], Any]] = [
            partial(change, seen, description=text, secrets={"TOKEN": "with the set"}, actor=alice.actor),
            partial(store_secret, alice.workspace, value="alone", seen=kept, **said),
            partial(delete_secret, kept, actor=alice.actor),
        ]  # fmt: skip

        assert {*_at_once(*ends)} <= {"done", "changed_meanwhile"}

        one.refresh_from_db()
        assert one.description == text
        assert SecretValue.objects.count() == Secret.objects.count()


def test_a_set_is_deleted_while_its_secret_is_stored(alice: Person) -> None:
    for number in range(_ROUNDS):
        held = _tool_set(alice, f"Set {number}")
        said: dict[str, Any] = {"name": "TOKEN", "tool_set": held, "actor": alice.actor}
        store_secret(alice.workspace, value="first", **said)

        ends = _at_once(
            partial(detach_and_delete, held, actor=alice.actor),
            partial(store_secret, alice.workspace, value="second", **said),
        )

        assert ends in (["changed_meanwhile", "done"], ["done", "done"])
        assert not Secret.objects.exists()


def test_a_secret_of_the_workspace_is_deleted_while_it_is_stored(alice: Person) -> None:
    for _ in range(_ROUNDS):
        kept = store_secret(alice.workspace, name="TOKEN", value="first", actor=alice.actor)  # fmt: skip

        ends = _at_once(
            partial(delete_secret, kept, actor=alice.actor),
            partial(store_secret, alice.workspace, name="TOKEN", value="second", actor=alice.actor),
        )  # fmt: skip

        assert ends == ["done", "done"]
