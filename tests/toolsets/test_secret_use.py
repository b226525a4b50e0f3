"""When secrets were last used, and what is said of those that are missing."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gateway.identity.models import Revision
from tests.conftest import Person
from tests.rest import Script
from tests.toolsets.conftest import Connect, Sync, events_of
from tests.upstreams import App, constant_app, json_rpc_app, tool
from toolsets.models import Secret, SecretUse, ToolSetEvent
from toolsets.secrets import delete_secret, store_secret
from toolsets.usage import note_secret_use

pytestmark = pytest.mark.django_db


def offering() -> App:
    return json_rpc_app(lambda _: {"tools": [tool("a")]})


def keep(person: Person, name: str, tool_set: Any = None) -> Secret:
    return store_secret(
        person.workspace,
        name=name,
        value="t0p-s3cret",
        tool_set=tool_set,
        actor=person.actor,
    )


def test_sync_notes_the_use_of_its_secrets_and_raises_no_revision_for_it(
    serve: Any, connect: Connect, sync: Sync, alice: Person
) -> None:
    tool_set = connect(serve(offering()).url(), headers={"X-Key": "${USED}"})
    used, other = keep(alice, "USED"), keep(alice, "OTHER")
    sync(tool_set)
    SecretUse.objects.all().delete()
    before = list(Revision.objects.values_list())

    sync(tool_set)

    assert SecretUse.objects.get().secret == used
    assert list(Revision.objects.values_list()) == before
    assert not SecretUse.objects.filter(secret=other).exists()


def test_use_is_written_at_most_once_a_minute(alice: Person) -> None:
    secret, now = keep(alice, "KEY"), timezone.now()
    note_secret_use([secret.pk], at=now)

    with CaptureQueriesContext(connection) as soon:
        note_secret_use([secret.pk], at=now + timedelta(seconds=59))
    note_secret_use([secret.pk], at=now + timedelta(seconds=60))

    assert not [q for q in soon if not q["sql"].startswith("SELECT")]
    assert SecretUse.objects.get().last_used_at == now + timedelta(seconds=60)


def test_use_of_a_secret_that_is_gone_is_not_noted(alice: Person) -> None:
    secret = keep(alice, "KEY")
    pk = secret.pk
    delete_secret(secret, actor=alice.actor)

    note_secret_use([pk], at=timezone.now())

    assert not SecretUse.objects.exists()


def test_rest_shows_the_last_use(alice: Person, rest: Script) -> None:
    secret = keep(alice, "KEY")
    assert rest.get("/v1/workspace_secrets").body["items"][0]["lastUsedAt"] is None

    now = timezone.now()
    note_secret_use([secret.pk], at=now)

    (item,) = rest.get("/v1/workspace_secrets").body["items"]
    assert item["lastUsedAt"].startswith(f"{now:%Y-}")


def test_set_whose_secret_is_missing_needs_a_credential_until_it_is_added(
    serve: Any, connect: Connect, sync: Sync, alice: Person, rest: Script
) -> None:
    tool_set = connect(serve(offering()).url(), headers={"X-Key": "${NOT_THERE}"})
    sync(tool_set)
    path = f"/v1/tool_sets/{tool_set.pk}"
    assert events_of(tool_set)[-1] == ("sync_failed", "missing_secret")
    assert rest.get(path).body["health"] == "needs_credential"

    keep(alice, "NOT_THERE", tool_set)
    sync(tool_set)

    assert rest.get(path).body["health"] == "healthy"


@pytest.mark.parametrize("value", ["${KEY}", "t0p-s3cret", "Bearer t0p-s3cret"])
def test_upstream_that_repeats_a_secret_does_not_get_it_into_the_history(
    value: str, serve: Any, connect: Connect, sync: Sync, alice: Person
) -> None:
    elsewhere = (b"location", b"http://127.0.0.1:9/for/t0p-s3cret")
    url = serve(constant_app(307, b"", elsewhere)).url()
    tool_set = connect(url, headers={"X-Key": value})
    keep(alice, "KEY")

    outcome = sync(tool_set)

    assert "127.0.0.1:9/for/***" in outcome.message
    assert not ToolSetEvent.objects.filter(message__contains="t0p-s3cret").exists()
