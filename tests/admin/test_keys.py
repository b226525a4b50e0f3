"""API keys in the dashboard: limits, the token that is shown once, rotating and revoking."""

import logging
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gateway.identity.callers import caller_for_token
from gateway.identity.keys import TokenInvalid
from gateway.identity.models import ApiKey
from gateway.identity.roles import Role
from tests.admin.conftest import Dashboard, World
from tests.conftest import Person
from toolpacks.key_limits import issue_pack_key

_ADD = "admin:identity_apikey_add"


def _form(**changed: Any) -> dict[str, Any]:
    return {
        "name": "Agent",
        "scopes": [ApiKey.Scope.RUNTIME],
        "role": Role.READ_ONLY,
        "expires_in": "90",
        **changed,
    }


def _token(answer: Any) -> str:
    return str(answer.content.decode().split('id="token">')[1].split("<")[0])


def _create(client: Client, **changed: Any) -> Any:
    return client.post(reverse(_ADD), _form(**changed))


def _key_page(name: str, key: ApiKey) -> str:
    return reverse(f"admin:identity_apikey_{name}", args=[key.pk])


def test_the_token_is_shown_once_with_a_snippet_and_stored_nowhere(
    world: World,
    alice: Person,
    dashboard: Dashboard,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = dashboard(alice)

    with caplog.at_level(logging.DEBUG):
        answer = _create(client, packs=[world.pack.pk], users=[world.user.pk])

    token = _token(answer)
    key = ApiKey.objects.get(name="Agent")
    assert caller_for_token(token, at=timezone.now()).key_id == key.pk
    assert f"/registered-users/{world.user.pk}/mcp" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert token not in caplog.text
    assert all(token not in str(s.get_decoded()) for s in Session.objects.all())
    assert token not in client.get(_key_page("change", key)).content.decode()


def test_a_key_lives_ninety_days_unless_said_otherwise(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    _create(dashboard(alice), packs=[world.pack.pk])

    expires_at = ApiKey.objects.get(name="Agent").expires_at
    assert expires_at is not None
    assert (expires_at - timezone.now()).days == 89


def test_a_runtime_key_without_limits_must_be_asked_for_in_words(
    alice: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)

    refused = _create(client, name="Refused")
    nearly = _create(client, name="Refused", phrase="yes")
    _create(client, name="Asked for", phrase="Act as anyone")

    assert "type “act as anyone”" in refused.content.decode()
    assert nearly.status_code == 200
    assert list(ApiKey.objects.values_list("name", flat=True)) == ["Asked for"]


def test_a_key_made_from_a_packs_page_is_limited_to_it(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    page = dashboard(alice).get(reverse(_ADD), {"pack": str(world.pack.pk)})

    assert f'<option value="{world.pack.pk}" selected' in page.content.decode()


@pytest.mark.parametrize("asked", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_pack_in_the_address_is_ignored(
    asked: str, alice: Person, dashboard: Dashboard
) -> None:
    answer = dashboard(alice).get(reverse(_ADD), {"pack": asked, "user": asked})

    assert answer.status_code == 200


def test_a_key_cannot_be_limited_to_another_workspaces_pack(
    world: World, mallory: Person, dashboard: Dashboard
) -> None:
    answer = _create(dashboard(mallory), packs=[world.pack.pk], users=[world.user.pk])

    assert answer.status_code == 200
    assert not ApiKey.objects.in_workspace(mallory.workspace).exists()


def test_rotating_shows_a_new_token_and_voids_the_old(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)
    old = _token(_create(client, packs=[world.pack.pk]))
    key = ApiKey.objects.get(name="Agent")

    new = _token(client.post(_key_page("rotate", key)))

    assert caller_for_token(new, at=timezone.now()).key_id == key.pk
    with pytest.raises(TokenInvalid):
        caller_for_token(old, at=timezone.now())


def test_revoking_is_final(world: World, alice: Person, dashboard: Dashboard) -> None:
    client = dashboard(alice)

    client.post(_key_page("revoke", world.key))
    rotated = client.post(_key_page("rotate", world.key), follow=True)

    world.key.refresh_from_db()
    assert world.key.revoked_at is not None
    assert "Make a new key instead" in rotated.content.decode()


@pytest.mark.parametrize("page", ["rotate", "revoke"])
def test_nothing_happens_to_a_key_by_get(
    page: str, world: World, alice: Person, dashboard: Dashboard
) -> None:
    assert dashboard(alice).get(_key_page(page, world.key)).status_code == 403


def test_a_developer_revokes_their_own_keys_alone(
    world: World, dan: Person, dashboard: Dashboard
) -> None:
    own = issue_pack_key(
        dan.workspace,
        name="Own",
        packs=[world.pack],
        expires_at=None,
        actor=dan.actor,
    ).key
    client = dashboard(dan)

    assert client.post(_key_page("revoke", world.key)).status_code == 403
    assert client.post(_key_page("rotate", world.key)).status_code == 403
    assert client.post(_key_page("revoke", own)).status_code == 302


def test_security_revokes_but_neither_makes_nor_rotates(
    world: World, sam: Person, dashboard: Dashboard
) -> None:
    client = dashboard(sam)

    assert client.get(reverse(_ADD)).status_code == 403
    assert client.post(_key_page("rotate", world.key)).status_code == 403
    assert client.post(_key_page("revoke", world.key)).status_code == 302


def test_a_developers_key_is_no_admin(dan: Person, dashboard: Dashboard) -> None:
    answer = _create(dashboard(dan), scopes=[ApiKey.Scope.MANAGEMENT], role=Role.ADMIN)

    assert answer.status_code == 200
    assert not ApiKey.objects.exists()
