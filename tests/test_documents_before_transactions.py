"""A large document is compressed before the transaction that keeps it, whichever way it comes in."""

import json
import zlib
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from gateway.identity.models import Workspace
from tests.conftest import Person
from tests.rest import Script, installer
from tests.toolsets.openapi.documents import document, operation
from toolpacks.bundles import applying
from toolpacks.bundles.reading import read_bundle
from toolpacks.bundles.syntax import node_of
from toolsets.models import ToolSet

pytestmark = pytest.mark.django_db(transaction=True)

_TEXTS = [
    json.dumps(document({path: {"get": operation(path[1:])}}))
    for path in ("/fish", "/bird")
]


@pytest.fixture
def compressed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each document that is compressed: whether a transaction is open then."""
    seen: list[bool] = []
    compress = zlib.compress

    def noted(text: bytes, level: int = -1) -> bytes:
        if text.decode(errors="replace") in _TEXTS:
            seen.append(connection.in_atomic_block)
        return compress(text, level)

    monkeypatch.setattr(zlib, "compress", noted)
    return seen


def _kept() -> str:
    return str(ToolSet.objects.get().api_document.given_text)


def test_in_the_dashboard(alice: Person, compressed: list[bool]) -> None:
    client, form = Client(), {"name": "Fish", "approvals": ""}
    client.force_login(User.objects.get(profile=alice.profile))
    add = reverse("admin:toolsets_toolset_add") + "?adapter=openapi"

    client.post(add, {**form, "document": _TEXTS[0]})
    change = reverse("admin:toolsets_toolset_change", args=[ToolSet.objects.get().pk])
    client.post(change, {**form, "slug": "fish", "document": _TEXTS[1]})

    assert _kept() == _TEXTS[1]
    assert compressed == [False, False]


def test_in_a_bundle(workspace: Workspace, compressed: list[bool]) -> None:
    for text in _TEXTS:
        spec = {"adapter": {"openapi": {"document": text}}}
        bundle = {"toolSets": {"fish": {"name": "Fish", "spec": spec}}}
        run, _ = applying.request(
            workspace,
            "platform",
            read_bundle([node_of(bundle)]),
            actor=installer(workspace),
        )
        applying.run_bundle(run.pk)

    assert _kept() == _TEXTS[1]
    assert compressed == [False, False]


def test_over_rest(rest: Script, compressed: list[bool]) -> None:
    def body(text: str) -> dict[str, Any]:
        spec = {"adapter": {"openapi": {"document": text}}}
        return {"metadata": {"name": "Fish"}, "spec": spec}

    made = rest.post("/v1/tool_sets", body(_TEXTS[0]))
    rest.patch(f"/v1/tool_sets/{made.body['metadata']['id']}", body(_TEXTS[1]))

    assert _kept() == _TEXTS[1]
    assert compressed == [False, False]
