"""A secret goes in and never comes out: a planted value is looked for wherever anything is said or kept."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from gateway.logs import JsonFormatter
from tests.admin.conftest import World, world_of
from tests.admin.test_every_page import _OF_A_WORKSPACE, _PAGES, _address, _list_address
from tests.conftest import Person
from tests.rest import Script
from tests.routes import address, rest_routes
from tests.upstreams import json_rpc_app, tool
from toolsets.connecting import change
from toolsets.headers import opened_headers
from toolsets.models import Secret, SecretValue
from toolsets.sync import _source, request_sync, run_sync

pytestmark = pytest.mark.django_db

MARKER = "zq7-planted-value-4711"


@pytest.fixture
def browser(alice: Person) -> Client:
    client = Client()
    assert alice.profile.user is not None
    client.force_login(
        alice.profile.user, backend="django.contrib.auth.backends.ModelBackend"
    )
    return client


@pytest.fixture
def said() -> list[str]:
    """Everything that was said, as it is gathered."""
    return []


@pytest.fixture
def world(
    alice: Person, rest: Script, browser: Client, said: list[str], caplog: Any
) -> World:
    """One of everything, with secrets that were stored in every way, well and badly, and used."""
    caplog.set_level(logging.DEBUG)
    world = world_of(alice)
    secrets = f"/v1/tool_sets/{world.tool_set.pk}/secrets"
    answers = [
        rest.put(f"{secrets}/BY_REST", {"value": MARKER}),
        rest.put(f"{secrets}/BY_REST", {"value": MARKER + "2"}),
        rest.put("/v1/workspace_secrets/GONE", {"value": MARKER}),
        rest.delete("/v1/workspace_secrets/GONE"),
        rest.put(f"{secrets}/BAD", {"value": f"{MARKER}\nX: 1"}),
        rest.put(f"{secrets}/BAD", {"value": {"in": MARKER}}),
        rest.put(f"{secrets}/BAD", {"value": "x", "valve": MARKER}),
        rest.put(f"{secrets}/9", {"value": MARKER}),
    ]
    said += [json.dumps(answer.body) for answer in answers]
    form = {"name": "BY_ADMIN", "tool_set": world.tool_set.pk}
    for value in (MARKER, MARKER + "\x00", MARKER + "ü"):
        page = browser.post(
            reverse("admin:toolsets_secret_add"), {**form, "value": value}
        )
        said.append(page.content.decode())
    return world


def use(world: World, alice: Person, url: str) -> None:
    """Send the secrets to an upstream that does not answer well, and to one that does."""
    headers = {"A": "Bearer ${BY_REST}", "B": "${BY_ADMIN}"}
    for where in ("http://127.0.0.1:1/", url):
        adapter = {"url": where, "headers": headers}
        world.tool_set.refresh_from_db()
        change(world.tool_set, adapter=adapter, actor=alice.actor)
        request_sync(world.tool_set, actor=alice.actor)
        run_sync(world.tool_set.pk)


def test_planted_secret_is_found_nowhere(
    world: World,
    alice: Person,
    rest: Script,
    browser: Client,
    said: list[str],
    serve: Any,
    caplog: Any,
) -> None:
    use(world, alice, serve(json_rpc_app(lambda _: {"tools": [tool("a")]})).url())
    assert Secret.objects.filter(name__in=["BY_REST", "BY_ADMIN"]).count() == 2

    said += [text for _, text in rest_answers(world, rest)]
    said += [text for _, text in admin_pages(world, browser)]
    said += [JsonFormatter().format(record) for record in caplog.records]
    said += [
        repr(row) + str(row)
        for row in (*Secret.objects.all(), *SecretValue.objects.all())
    ]
    said += [commands_say()]
    said += list(database_rows())
    said += [str(session.get_decoded()) for session in Session.objects.all()]

    assert len(said) > 150
    assert [text[:200] for text in said if MARKER in text] == []


def rest_answers(world: World, rest: Script) -> Iterator[tuple[str, str]]:
    named = {
        "workspace_id": world.tool_set.workspace_id,
        "tool_set_id": world.tool_set.pk,
        "tool_id": world.tool.pk,
        "name": "BY_REST",
        "pack": str(world.pack.pk),
        "slug": world.tool_set.slug,
        "user": world.user.pk,
        "agent_id": world.agent.pk,
        "key_id": world.key.pk,
        "call_id": world.call.pk,
    }
    for route in rest_routes():
        if "GET" in route.view.rights and set(route.parameters) <= set(named):
            path = address(route, named)
            yield path, json.dumps(rest.get(path, includeInfo="true").body)


def admin_pages(world: World, browser: Client) -> Iterator[tuple[str, str]]:
    paths = [_list_address(model) for model in _OF_A_WORKSPACE]
    paths += [_address(world, *page) for page in _PAGES]
    paths += [
        "/admin/",
        *(f"/admin/toolsets/secret/{s.pk}/change/" for s in Secret.objects.all()),
    ]
    for path in paths:
        yield path, browser.get(path).content.decode()


def commands_say() -> str:
    out = io.StringIO()
    for command in (["tool_sets", "list", "--json"], ["rotate_encryption_keys"]):
        call_command(*command, stdout=out, stderr=out)
    return out.getvalue()


def database_rows() -> Iterator[str]:
    """Every row of every table as it stands there: encrypted values, too, must not be plain."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own tables
            yield from (f"{table}: {row}" for row in cursor.fetchall())


def test_what_holds_a_secret_does_not_show_it(world: World, alice: Person) -> None:
    headers = {"A": "Bearer ${BY_REST}"}
    adapter = {"url": "http://127.0.0.1:1/", "headers": headers}
    tool_set = change(world.tool_set, adapter=adapter, actor=alice.actor)

    opened = opened_headers(tool_set)

    assert opened.sent == {"A": f"Bearer {MARKER}2"}
    assert MARKER not in repr(opened)
    assert MARKER not in repr(_source(tool_set, opened.sent))
