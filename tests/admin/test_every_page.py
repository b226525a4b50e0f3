"""What must hold for each page of the dashboard, derived from the registry and the URLs: base, tenancy, budget."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse

from gateway.identity.admin_base import SuperuserAdmin, WorkspaceAdmin
from gateway.identity.ownership import WorkspaceOwned
from gateway.mcp.models import ToolCall
from tests.admin.conftest import NAME, Dashboard, World, world_of
from tests.conftest import Person

_OF_A_WORKSPACE = [
    model
    for model in admin.site._registry
    if issubclass(model, WorkspaceOwned) or model is ToolCall
]


def _id(model: type[models.Model]) -> str:
    return model._meta.label


def _patterns(model: type[models.Model]) -> Iterator[URLPattern]:
    for pattern in admin.site._registry[model].get_urls():
        if isinstance(pattern, URLPattern) and pattern.name:
            yield pattern


def _pages(model: type[models.Model]) -> list[tuple[str, list[str]]]:
    """The named pages about one row, each with the arguments it takes."""
    return [
        (str(pattern.name), list(pattern.pattern.converters))
        for pattern in _patterns(model)
        if "object_id" in pattern.pattern.converters
    ]


_PAGES = [
    (model, name, arguments)
    for model in _OF_A_WORKSPACE
    for name, arguments in _pages(model)
]


def _row(world: World, model: type[models.Model]) -> Any:
    return next(row for row in world.rows if isinstance(row, model))


def _address(world: World, model: Any, name: str, arguments: list[str]) -> str:
    known = {
        "object_id": quote(_row(world, model).pk),
        "tool_set_id": world.tool_set.pk,
    }
    return reverse(
        f"admin:{name}", kwargs={argument: known[argument] for argument in arguments}
    )


def _list_address(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _links_to(row: Any, answer: Any) -> bool:
    page = answer.content.decode()
    return any(f"/{form}/" in page for form in (row.pk, quote(row.pk)))


def test_every_registered_model_has_a_base_of_ours() -> None:
    bases = {
        model: isinstance(page, WorkspaceAdmin)
        if model in _OF_A_WORKSPACE
        else isinstance(page, SuperuserAdmin)
        for model, page in admin.site._registry.items()
    }

    assert [model for model, is_ours in bases.items() if not is_ours] == []


def test_the_pages_were_found() -> None:
    assert len(_PAGES) > 40


@pytest.mark.parametrize(
    ("model", "name", "arguments"), _PAGES, ids=[name for _, name, _ in _PAGES]
)
def test_a_page_hides_the_rows_of_another_workspace(
    model: Any,
    name: str,
    arguments: list[str],
    world: World,
    mallory: Person,
    dashboard: Dashboard,
) -> None:
    address = _address(world, model, name, arguments)

    for answer in (dashboard(mallory).get(address), dashboard(mallory).post(address)):
        assert answer.status_code in {403, 404}
        assert NAME.lower() not in answer.content.decode().lower()


@pytest.mark.parametrize("model", _OF_A_WORKSPACE, ids=_id)
def test_a_list_hides_the_rows_of_another_workspace(
    model: Any, world: World, mallory: Person, dashboard: Dashboard
) -> None:
    answer = dashboard(mallory).get(_list_address(model), {"q": NAME})

    assert answer.status_code == 200
    assert not _links_to(_row(world, model), answer)


@pytest.mark.parametrize("model", _OF_A_WORKSPACE, ids=_id)
def test_a_list_shows_the_rows_of_its_workspace(
    model: Any, world: World, alice: Person, dashboard: Dashboard
) -> None:
    answer = dashboard(alice).get(_list_address(model))

    assert _links_to(_row(world, model), answer)


@pytest.mark.parametrize("model", _OF_A_WORKSPACE, ids=_id)
def test_a_list_of_more_rows_takes_no_more_queries(
    model: Any, world: World, alice: Person, dashboard: Dashboard
) -> None:
    client, address = dashboard(alice), _list_address(model)
    client.get(address)
    few = _queries(client, address)

    for number in range(4):
        world_of(alice, suffix=str(number))

    assert _queries(client, address) <= few


def _queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


@pytest.mark.parametrize("model", admin.site._registry, ids=_id)
def test_a_superuser_without_a_membership_sees_no_rows_of_a_workspace(
    model: Any, world: World, admin_client: Client
) -> None:
    answer = admin_client.get(_list_address(model))

    assert answer.status_code == (403 if model in _OF_A_WORKSPACE else 200)


@pytest.mark.parametrize(
    ("model", "name", "arguments"), _PAGES, ids=[name for _, name, _ in _PAGES]
)
def test_a_page_can_be_opened_by_who_may_only_look_or_is_refused(
    model: Any,
    name: str,
    arguments: list[str],
    world: World,
    rita: Person,
    dashboard: Dashboard,
) -> None:
    address = _address(world, model, name, arguments)

    assert dashboard(rita).get(address).status_code in {200, 302, 403, 404}


@pytest.mark.parametrize(
    ("model", "name", "arguments"), _PAGES, ids=[name for _, name, _ in _PAGES]
)
def test_who_may_only_look_changes_nothing(
    model: Any,
    name: str,
    arguments: list[str],
    world: World,
    rita: Person,
    dashboard: Dashboard,
) -> None:
    before = _state(world)

    answer = dashboard(rita).post(
        _address(world, model, name, arguments), {"name": "Changed", "post": "yes"}
    )

    assert answer.status_code in {200, 302, 403, 404, 405}
    assert _state(world) == before


def _state(world: World) -> list[dict[str, Any]]:
    return [
        type(row)._default_manager.filter(pk=row.pk).values().get()
        for row in world.rows
    ]


def test_a_delete_page_does_not_delete_by_get(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    for name in ("delete", "archive", "sync"):
        dashboard(alice).get(
            reverse(f"admin:toolsets_toolset_{name}", args=[world.tool_set.pk])
        )

    world.tool_set.refresh_from_db()
    assert world.tool_set.is_active


@pytest.mark.parametrize("model", _OF_A_WORKSPACE, ids=_id)
def test_lists_survive_any_search_and_any_filter(
    model: Any, world: World, alice: Person, dashboard: Dashboard
) -> None:
    asked = {
        "q": "%_'\"<b>",
        "state": "nonsense",
        "since": "x",
        "tool_set": "x",
        "pack": "x",
    }

    answer = dashboard(alice).get(_list_address(model), asked)

    assert answer.status_code in {200, 302}
