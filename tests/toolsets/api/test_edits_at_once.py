"""Updates that scripts send at the same moment: what one of them says, no other undoes."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.db.models.signals import post_init

from gateway.audit.models import AuditEvent
from gateway.identity.editing import ChangedMeanwhile
from tests.conftest import Person
from tests.rest import Answer, Script
from tests.together import together
from tests.toolsets.api.conftest import tool_set_of
from toolsets import connecting, curating, writing
from toolsets.models import Tool, ToolSet

_CONFIG = {"requestMethod": "POST", "path": "/fish"}
_PATCHES: dict[str, tuple[str, Any]] = {
    "path": ("spec.config.http.path", "/fish/{{ id }}"),
    "query": ("spec.config.http.query", "soon={{ soon }}"),
    "requestBodyTemplate": ("spec.config.http.requestBodyTemplate", "{}"),
    "requestBodyContentType": ("spec.config.http.requestBodyContentType", "application/json"),
    "headers": ("spec.config.http.headers", {"X-Trace": "on"}),
}  # fmt: skip


def _body(path: str, value: Any) -> dict[str, Any]:
    """An update of what stands at one path, and of nothing else."""
    given: Any = value
    for name in reversed(path.split(".")):
        given = {name: given}
    return {"metadata": {"name": "any"}, **given, "updateMask": path}


def _patches(
    rest: Script, address: str, said: list[tuple[str, Any]]
) -> list[Callable[[], Answer]]:
    return [partial(rest.patch, address, _body(path, value)) for path, value in said]


@pytest.fixture
def tool(alice: Person) -> Tool:
    """A tool that is written by hand."""
    tool_set = connecting.connect(
        alice.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={"baseUrl": "https://api.example.com"},
        actor=alice.actor,
    )
    return writing.create_tool(
        tool_set, name="feed", description="Feeds.", config=_CONFIG, actor=alice.actor
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(3))
def test_updates_of_different_members_of_one_tool_all_survive(
    _: int, rest: Script, tool: Tool
) -> None:
    address = f"/v1/tool_sets/{tool.tool_set_id}/tools/{tool.pk}"
    said = [*_PATCHES.values(), ("spec.description", "Feeds the fish.")]

    answers = together(*_patches(rest, address, said))

    assert [answer.status for answer in answers] == [200] * len(said)
    tool.refresh_from_db()
    wanted = {member: value for member, (_, value) in _PATCHES.items()}
    assert tool.config == {**_CONFIG, **wanted}
    assert tool.description == "Feeds the fish."


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(3))
def test_updates_of_different_members_of_one_tool_set_all_survive(
    _: int, rest: Script, alice: Person
) -> None:
    tool_set = tool_set_of(alice)
    words = {
        "operator": "OPERATOR_AND",
        "filters": [{"attribute": "ATTRIBUTE_NAME", "matcher": {"exact": "a"}}],
    }
    said = [
        ("spec.adapter.mcp.url", "https://new.example.com/mcp"),
        ("spec.adapter.mcp.headers", {"X-Team": "core"}),
        ("spec.adapter.mcp.excludeTools", words),
        ("metadata.labels.team", "core"),
        ("metadata.labels.stage", "live"),
        ("spec.tags", ["code"]),
    ]

    answers = together(*_patches(rest, f"/v1/tool_sets/{tool_set.pk}", said))

    assert [answer.status for answer in answers] == [200] * len(said)
    tool_set.refresh_from_db()
    assert tool_set.adapter == {
        "url": "https://new.example.com/mcp",
        "headers": {"X-Team": "core"},
        "excludeTools": words,
    }
    assert tool_set.adapter_version == 4
    assert tool_set.labels == {"team": "core", "stage": "live"}
    assert tool_set.tags == ["code"]


@pytest.mark.django_db(transaction=True)
def test_labels_that_are_given_to_a_synced_tool_at_once_all_survive(
    rest: Script, github: ToolSet
) -> None:
    tool = github.tools.get(name="search")
    said = [(f"metadata.labels.l{number}", str(number)) for number in range(5)]

    together(*_patches(rest, f"/v1/tool_sets/{github.pk}/tools/{tool.pk}", said))

    tool.refresh_from_db()
    assert tool.labels == {f"l{number}": str(number) for number in range(5)}


@pytest.mark.django_db(transaction=True)
def test_of_two_updates_of_one_member_at_once_the_later_stands_and_both_are_recorded(
    rest: Script, tool: Tool
) -> None:
    address = f"/v1/tool_sets/{tool.tool_set_id}/tools/{tool.pk}"
    said = [("spec.config.http.path", path) for path in ("/a", "/b")]

    together(*_patches(rest, address, said))

    tool.refresh_from_db()
    events = AuditEvent.objects.filter(action="tool.updated").order_by("created_at")
    changes = [event.changes["config"] for event in events]
    assert [before["path"] for before, _ in changes] == ["/fish", changes[0][1]["path"]]
    assert tool.config["path"] == changes[1][1]["path"]


@pytest.fixture
def restless(tool: Tool) -> Iterator[Tool]:
    """The tool, which somebody changes each time that it was read."""
    numbers = count()

    def changed(**_: Any) -> None:
        config = {**_CONFIG, "query": f"n={next(numbers)}"}
        Tool.objects.filter(pk=tool.pk).update(config=config)

    post_init.connect(changed, sender=Tool)
    yield tool
    post_init.disconnect(changed, sender=Tool)


def test_a_tool_that_never_rests_is_refused_and_stays_as_others_left_it(
    rest: Script, restless: Tool
) -> None:
    address = f"/v1/tool_sets/{restless.tool_set_id}/tools/{restless.pk}"

    answer = rest.patch(address, _body("spec.config.http.path", "/mine"))

    assert (answer.status, answer.code) == (409, "changed_meanwhile")
    assert Tool.objects.values_list("config__path", flat=True).get() == "/fish"
    assert not AuditEvent.objects.filter(action="tool.updated").exists()


@pytest.mark.parametrize("change", [writing.change_tool, curating.change_tool])
def test_what_was_read_before_somebody_else_wrote_is_not_written(
    change: Any, tool: Tool, alice: Person
) -> None:
    mine, theirs = (Tool.objects.get(pk=tool.pk) for _ in range(2))
    change(theirs, labels={"by": "them"}, actor=alice.actor)

    with pytest.raises(ChangedMeanwhile, match="feed was changed by somebody else"):
        change(mine, labels={"by": "me"}, actor=alice.actor)
    change(mine, external_id="feed-1", actor=alice.actor)

    tool.refresh_from_db()
    assert (tool.labels, tool.external_id) == ({"by": "them"}, "feed-1")
