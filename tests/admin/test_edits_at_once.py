"""Two people with the same page open: nothing that one of them saved is undone by the other without their knowing."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from gateway.audit.models import AuditEvent
from gateway.identity.models import AgentProfile, RegisteredUser
from tests.admin.conftest import Dashboard, World, made_tool
from tests.admin.pages import Window
from tests.conftest import Person
from tests.together import together
from toolpacks.enrolling import company_of_origin
from toolpacks.models import Connector, ToolPack
from toolpacks.packing import attach, detach
from toolsets.connecting import change, connect
from toolsets.models import Secret, Tool, ToolSet
from toolsets.writing import create_tool

_FILTER = {
    "filters": [{"attribute": "ATTRIBUTE_NAME", "matcher": {"startsWith": "delete"}}]
}
_LINES = "First line.\nSecond line."


def _address(name: str, *rows: Any) -> str:
    return reverse(f"admin:{name}", args=[row.pk for row in rows])


@pytest.fixture
def tool_set(world: World, alice: Person) -> ToolSet:
    """A set with something in each part of its settings, some of it as only a script writes it."""
    return change(
        world.tool_set,
        description=_LINES,
        adapter={
            **world.tool_set.adapter,
            "headers": {"X-Team": "core", "X-Stage": "live"},
            "excludeTools": _FILTER,
            "toolApprovals": {"only": _FILTER},
        },
        tags=["code"],
        labels={"team": "core"},
        interactions={"sampling": True},
        actor=alice.actor,
    )


@pytest.fixture
def tool(alice: Person) -> Tool:
    api = connect(
        alice.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={"baseUrl": "https://api.example.com"},
        actor=alice.actor,
    )
    return create_tool(
        api,
        name="feed",
        title="Feed",
        description=_LINES,
        config={
            "requestMethod": "POST",
            "path": "/fish",
            "headers": {"X-Team": "core"},
            "requestBodyTemplate": '\n{"id": {{ id }}}\n',
        },
        actor=alice.actor,
    )


@pytest.fixture
def user(world: World, alice: Person) -> RegisteredUser:
    company = company_of_origin(alice.workspace, "acme", name="Acme")
    RegisteredUser.objects.filter(pk=world.user.pk).update(
        company=company, profile=alice.profile, email="z@example.com"
    )
    return RegisteredUser.objects.get(pk=world.user.pk)


Two = tuple[Window, Window]


class Desk:
    """Opens the same page for two people."""

    def __init__(self, *clients: Client) -> None:
        self._clients = clients

    def open(self, name: str, *rows: Any) -> Two:
        address = _address(name, *rows)
        first, second = (Window(client, address) for client in self._clients)
        return first, second


@pytest.fixture
def desk(alice: Person, dan: Person, dashboard: Dashboard) -> Desk:
    """Alice's browser, and Dan's."""
    return Desk(dashboard(alice), dashboard(dan))


def test_what_nobody_touched_is_not_written(
    tool_set: ToolSet,
    tool: Tool,
    user: RegisteredUser,
    world: World,
    alice: Person,
    dashboard: Dashboard,
) -> None:
    """Line breaks, conditions and texts come back from a browser otherwise than they are stored."""
    AgentProfile.objects.update(scope_tags=["code", "eng"])
    AuditEvent.objects.all().delete()
    pages: dict[str, Any] = {
        "toolsets_toolset_change": tool_set,
        "toolsets_tool_edit": tool,
        "toolpacks_toolpack_change": world.pack,
        "identity_registereduser_change": user,
        "identity_agentprofile_change": world.agent,
        "identity_membership_change": world.membership,
    }
    before = [_stored(row) for row in pages.values()]

    for name, row in pages.items():
        assert Window(dashboard(alice), _address(name, row)).save(), name

    assert [_stored(row) for row in pages.values()] == before
    assert not AuditEvent.objects.exists()


def _stored(row: Any) -> Any:
    return type(row).objects.filter(pk=row.pk).values().get()


def test_edits_of_different_settings_of_a_tool_set_both_survive(
    tool_set: ToolSet, desk: Desk
) -> None:
    alices, dans = desk.open("toolsets_toolset_change", tool_set)

    assert alices.type(url="https://new.example.com/mcp", tags="code, eng").save()
    assert dans.type(description="Better.", upstream_may=[]).save()

    kept = ToolSet.objects.get(pk=tool_set.pk)
    assert kept.adapter == {**tool_set.adapter, "url": "https://new.example.com/mcp"}
    assert (kept.tags, kept.description) == (["code", "eng"], "Better.")
    assert (kept.relays("sampling"), kept.relays("elicitation")) == (False, False)
    assert kept.labels == tool_set.labels


def test_an_edit_of_what_somebody_else_changed_is_refused_and_says_what_is_stored(
    tool_set: ToolSet, desk: Desk
) -> None:
    alices, dans = desk.open("toolsets_toolset_change", tool_set)
    alices.type(url="https://alice.example.com/mcp", description="Alice's.").save()

    typed = {"url": "https://dan.example.com/mcp", "description": "Dan's."}
    is_saved = dans.type(**typed, name="Renamed").save()

    assert not is_saved
    assert dans.says("Alice changed URL and Description after you opened this page")
    assert dans.says("Stored now: https://alice.example.com/mcp")
    assert dans.says("Stored now: Alice's.")
    assert dans.form["url"] == ["https://dan.example.com/mcp"]
    kept = ToolSet.objects.get(pk=tool_set.pk)
    assert (kept.name, kept.description) == (tool_set.name, "Alice's.")


def test_who_changed_something_else_is_not_named(
    tool_set: ToolSet, alice: Person, desk: Desk
) -> None:
    _, dans = desk.open("toolsets_toolset_change", tool_set)
    ToolSet.objects.filter(pk=tool_set.pk).update(name="Script's")
    current = ToolSet.objects.get(pk=tool_set.pk)
    change(current, tags=["eng"], actor=alice.actor)

    dans.type(name="Dan's").save()

    assert dans.says("Somebody changed Name after you opened this page")


def test_who_changed_it_is_named_though_somebody_else_changed_more_since(
    tool_set: ToolSet, desk: Desk
) -> None:
    alices, dans = desk.open("toolsets_toolset_change", tool_set)
    alices.type(url="https://alice.example.com/mcp", upstream_may=[]).save()
    desk.open("toolsets_toolset_change", tool_set)[1].type(name="Renamed").save()

    dans.type(url="https://dan.example.com/mcp").save()

    assert dans.says("Alice changed URL after you opened this page")


def test_who_attached_a_set_meanwhile_is_named(
    world: World, alice: Person, desk: Desk
) -> None:
    detach(world.pack, world.tool_set, actor=alice.actor)
    alices, dans = desk.open("toolpacks_toolpack_connector", world.pack, world.tool_set)
    alices.save()

    dans.type(naming="none").save()

    assert dans.says("Alice changed their prefix after you opened this page")


def test_who_saves_again_has_decided(tool_set: ToolSet, desk: Desk) -> None:
    alices, dans = desk.open("toolsets_toolset_change", tool_set)
    alices.type(description="Alice's.", tags="eng").save()
    dans.type(description="Dan's.").save()

    assert dans.save()

    kept = ToolSet.objects.get(pk=tool_set.pk)
    assert (kept.description, kept.tags) == ("Dan's.", ["eng"])


def test_a_third_edit_between_the_two_is_not_lost_either(
    tool_set: ToolSet, desk: Desk
) -> None:
    alices, dans = desk.open("toolsets_toolset_change", tool_set)
    alices.type(description="Alice's.").save()
    dans.type(description="Dan's.").save()
    ToolSet.objects.filter(pk=tool_set.pk).update(description="A script's.")

    assert not dans.save()

    assert dans.says("Stored now: A script's.")


def test_the_same_edit_by_both_is_no_conflict(tool_set: ToolSet, desk: Desk) -> None:
    alices, dans = desk.open("toolsets_toolset_change", tool_set)

    assert alices.type(description="Same.").save()
    assert dans.type(description="Same.", name="Renamed").save()

    assert ToolSet.objects.get(pk=tool_set.pk).name == "Renamed"


def test_a_person_with_two_windows_is_told_that_it_was_they_themselves(
    tool_set: ToolSet, alice: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)
    one, other = Desk(client, client).open("toolsets_toolset_change", tool_set)
    one.type(description="One.").save()

    other.type(description="Other.").save()

    assert other.says("You, on another page, changed Description")


def test_fields_that_mean_something_together_are_edited_together(
    tool_set: ToolSet, desk: Desk
) -> None:
    alices, dans = desk.open("toolsets_toolset_change", tool_set)
    alices.type(approvals="").save()

    dans.form["approvals_only-text"] = ["drop"]

    assert not dans.save()
    assert dans.says("Stored now: No tool needs approval")


def test_edits_of_different_parts_of_a_written_tool_both_survive(
    tool: Tool, desk: Desk
) -> None:
    alices, dans = desk.open("toolsets_tool_edit", tool)

    assert alices.type(path="/fish/{{ id }}", body='{"n": 1}').save()
    assert dans.type(query="q=1", description="Feeds the fish.").save()

    kept = Tool.objects.get(pk=tool.pk)
    assert kept.config == {
        **tool.config,
        "path": "/fish/{{ id }}",
        "query": "q=1",
        "requestBodyTemplate": '{"n": 1}',
    }
    assert kept.description == "Feeds the fish."


def test_an_edit_of_a_written_tool_that_meets_another_is_refused(
    tool: Tool, desk: Desk
) -> None:
    alices, dans = desk.open("toolsets_tool_edit", tool)
    alices.type(**{"headers-value": ["new"]}, parameters='{"type": "object", "required": ["a"]}').save()  # fmt: skip

    dans.type(**{"headers-value": ["other"]}, parameters='{"type": "object", "required": ["b"]}')  # fmt: skip

    assert not dans.save()
    assert dans.says("Alice changed Parameters and Headers after you opened")
    assert dans.says("Stored now: X-Team: new")
    assert dans.form["headers-value"] == ["other"]
    assert dans.save()
    assert Tool.objects.get(pk=tool.pk).config["headers"] == {"X-Team": "other"}


def test_edits_of_packs_users_and_agents_meet_in_the_same_way(
    world: World, user: RegisteredUser, desk: Desk
) -> None:
    pages: list[tuple[str, Any, dict[str, Any], dict[str, Any]]] = [
        ("toolpacks_toolpack", world.pack, {"description": "A"}, {"access": "GRANTED"}),
        ("identity_registereduser", user, {"email": "a@example.com"}, {"name": "Z"}),
        ("identity_agentprofile", world.agent, {"scope_tags": "a"}, {"name": "Y"}),
    ]
    for name, row, alices_edit, dans_edit in pages:
        alices, dans = desk.open(f"{name}_change", row)
        assert alices.type(**alices_edit).save()
        assert dans.type(**dans_edit).save()
        alices, dans = desk.open(f"{name}_change", row)
        assert alices.type(**dict.fromkeys(alices_edit, "b@example.com")).save()
        assert not dans.type(**dict.fromkeys(alices_edit, "c@example.com")).save()
        assert dans.says("Alice changed")
        assert dans.says("Stored now: b@example.com")

    kept = ToolPack.objects.get(pk=world.pack.pk)
    assert (kept.description, kept.access) == ("b@example.com", "GRANTED")
    user.refresh_from_db()
    assert (user.email, user.name, str(user.company)) == ("b@example.com", "Z", "Acme")


@pytest.fixture
def picked(world: World, alice: Person) -> Connector:
    """One of three tools of the set is chosen."""
    tools = [made_tool(world.tool_set, name) for name in ("a", "b", "c")]
    return attach(world.pack, world.tool_set, tools=tools[:1], actor=alice.actor)


def _choice(*names: str) -> str:
    return json.dumps([Tool.objects.get(name=name).pk for name in names])


def test_a_prefix_and_a_choice_of_tools_both_survive(
    picked: Connector, world: World, desk: Desk
) -> None:
    alices, dans = desk.open("toolpacks_toolpack_connector", world.pack, world.tool_set)

    assert alices.type(tools=_choice("a", "b")).save()
    assert dans.type(naming="own", prefix="mine").save()

    picked.refresh_from_db()
    assert sorted(tool.name for tool in picked.tools.all()) == ["a", "b"]
    assert picked.prefix == "mine"


def test_two_choices_of_tools_that_meet_are_refused_until_one_is_meant(
    picked: Connector, world: World, desk: Desk
) -> None:
    alices, dans = desk.open("toolpacks_toolpack_connector", world.pack, world.tool_set)
    alices.type(tools=_choice("a", "b")).save()

    assert not dans.type(tools=_choice("c")).save()

    assert dans.says("Alice changed which tools are chosen after you opened this page")
    assert dans.says("Stored now: 2 chosen: a, b.")
    assert sorted(tool.name for tool in picked.tools.all()) == ["a", "b"]
    assert dans.save()
    assert [tool.name for tool in picked.tools.all()] == ["c"]


def test_a_set_that_was_detached_meanwhile_is_attached_again_only_knowingly(
    picked: Connector, world: World, alice: Person, desk: Desk
) -> None:
    _, dans = desk.open("toolpacks_toolpack_connector", world.pack, world.tool_set)
    detach(world.pack, world.tool_set, actor=alice.actor)

    assert not dans.type(tools=_choice("c")).save()

    assert dans.says("Stored now: the tool set is not attached")
    assert not Connector.objects.filter(pack=world.pack).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(3))
def test_choices_that_are_sent_at_the_same_moment_do_not_undo_each_other(
    _: int, picked: Connector, world: World, desk: Desk
) -> None:
    windows = desk.open("toolpacks_toolpack_connector", world.pack, world.tool_set)
    for window, name in zip(windows, "bc", strict=True):
        window.type(tools=_choice("a", name))

    assert sorted(together(*(window.save for window in windows))) == [False, True]


def test_a_secret_that_was_replaced_meanwhile_is_not_replaced_unknowingly(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)
    one, other = Desk(client, client).open("toolsets_secret_change", world.secret)
    one.type(value="value-one").save()

    assert not other.type(value="value-two").save()

    assert other.says("which is not shown")
    assert not other.says("value-")
    assert Secret.objects.get(pk=world.secret.pk).held.value == "value-one"


def test_a_sign_in_keeps_what_its_editor_did_not_touch(world: World) -> None:
    root = User.objects.create_superuser("root", "root@example.com", "a long pass")
    client = Client()
    client.force_login(root)
    alice = User.objects.get(username="alice")
    window = Window(client, _address("auth_user_change", alice))
    User.objects.filter(pk=alice.pk).update(
        password="replaced", email="new@example.com"
    )

    assert window.type(username="alicia").save()

    alice.refresh_from_db()
    assert (alice.username, alice.password) == ("alicia", "replaced")
    assert alice.email == "new@example.com"


def test_a_pasted_document_does_not_take_the_place_of_one_that_was_not_there_before(
    alice: Person, dashboard: Dashboard
) -> None:
    api = connect(
        alice.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.OPENAPI,
        adapter={"document": {"openapi": "3.1.0"}},
        actor=alice.actor,
    )
    client = dashboard(alice)
    address = _address("toolsets_toolset_change", api)
    one, other, third = (Window(client, address) for _ in range(3))
    one.type(document='{"openapi": "3.0.0"}').save()
    kept = ToolSet.objects.get(pk=api.pk).adapter

    assert not other.type(document='{"openapi": "3.0.1"}').save()
    assert not third.type(url="https://x.example.com").save()

    assert other.says("You, on another page, changed Document after")
    assert ToolSet.objects.get(pk=api.pk).adapter == kept


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(3))
def test_edits_that_are_sent_at_the_same_moment_both_survive(
    _: int, tool_set: ToolSet, tool: Tool, desk: Desk
) -> None:
    for name, row, edits in (
        ("toolsets_toolset_change", tool_set, ({"url": "https://a.example.com"}, {"approvals": "always"})),
        ("toolsets_tool_edit", tool, ({"path": "/a"}, {"query": "b=1"})),
    ):  # fmt: skip
        windows = desk.open(name, row)
        for window, edit in zip(windows, edits, strict=True):
            window.type(**edit)
        assert together(*(window.save for window in windows)) == [True, True]

    adapter = ToolSet.objects.get(pk=tool_set.pk).adapter
    assert (adapter["url"], adapter["toolApprovals"]) == ("https://a.example.com", {"always": True})  # fmt: skip
    config = Tool.objects.get(pk=tool.pk).config
    assert (config["path"], config["query"]) == ("/a", "b=1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(3))
def test_of_two_edits_of_one_field_at_the_same_moment_one_is_refused(
    _: int, tool_set: ToolSet, desk: Desk
) -> None:
    windows = desk.open("toolsets_toolset_change", tool_set)
    for window, words in zip(windows, ("Alice's.", "Dan's."), strict=True):
        window.type(description=words)

    assert sorted(together(*(window.save for window in windows))) == [False, True]

    events = AuditEvent.objects.filter(action="tool_set.updated", changes__has_key="description")  # fmt: skip
    assert events.filter(source="admin").count() == 2  # the set's own, and one of these


@pytest.mark.django_db(transaction=True)
def test_a_choice_of_tools_and_a_script_that_attaches_another_set_both_survive(
    picked: Connector, world: World, alice: Person, desk: Desk
) -> None:
    other = connect(
        alice.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={"baseUrl": "https://api.example.com"},
        actor=alice.actor,
    )
    for prefix in "abcdef":
        alices, _ = desk.open("toolpacks_toolpack_connector", world.pack, world.tool_set)  # fmt: skip
        alices.type(naming="own", prefix=prefix)

        def script(prefix: str = prefix) -> bool:
            return bool(attach(world.pack, other, prefix=prefix, actor=alice.actor))

        assert together(alices.save, script) == [True, True]

        prefixes = Connector.objects.filter(pack=world.pack).values_list("prefix", flat=True)  # fmt: skip
        assert [*prefixes] == [prefix, prefix]
