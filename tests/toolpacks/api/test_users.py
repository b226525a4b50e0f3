"""Registered users and their grants over REST."""

from typing import Any

import pytest

from gateway.identity.models import Company, RegisteredUser, Revision, Workspace
from gateway.identity.roles import Role
from tests.conftest import Person
from tests.rest import Script, script
from toolpacks import packing
from toolpacks.models import Grant, ToolPack

pytestmark = pytest.mark.django_db

USERS = "/v1/registered-users/"


def test_user_is_enrolled_once_and_has_the_documented_shape(rest: Script) -> None:
    body = {
        "origin_user_id": "u-1",
        "origin_user_name": "Erin",
        "origin_user_email": "erin@example.com",
        "shared_credential_group": {
            "origin_company_id": "acme",
            "origin_company_name": "Acme",
        },
        "user_type": "HUMAN",
        "is_test": True,
    }

    first = rest.post(USERS, body)
    second = rest.post(USERS, {"origin_user_id": "u-1", "origin_user_name": "Other"})

    assert (first.status, second.status) == (201, 200)
    assert first.body == second.body
    shown = dict(first.body)
    assert shown.pop("id").startswith("ru_")
    assert shown.pop("created_at").endswith("Z")
    assert shown == {**body, "is_active": True, "deactivated_at": None}


def test_new_users_get_the_default_packs(
    rest: Script, alice: Person, pack: ToolPack
) -> None:
    packing.change_pack(pack, default_for_new_users=True, actor=alice.actor)

    user = rest.post(USERS, {"origin_user_id": "u-1"}).body["id"]

    assert [
        p["id"] for p in rest.get(f"{USERS}{user}/tool-packs/").body["results"]
    ] == [str(pack.pk)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "origin_user_id"),
        ({"origin_user_id": "a b"}, "origin_user_id"),
        ({"origin_user_id": "a", "origin_user_email": "x"}, "origin_user_email"),
        ({"origin_user_id": "a", "user_type": "ROBOT"}, "user_type"),
        ({"origin_user_id": "a", "nickname": "x"}, "nickname"),
        (
            {"origin_user_id": "a", "shared_credential_group": {}},
            "shared_credential_group.origin_company_id",
        ),
        (
            {
                "origin_user_id": "a",
                "shared_credential_group": {"origin_company_id": "a b"},
            },
            "shared_credential_group.origin_company_id",
        ),
    ],
)
def test_wrong_user_is_a_400_that_names_the_field(
    body: dict[str, Any], field: str, rest: Script
) -> None:
    answer = rest.post(USERS, body)

    assert answer.status == 400
    assert list(answer.fields) == [field]
    assert not RegisteredUser.objects.exists()
    assert not Company.objects.exists()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"origin_user_id": "a"}, ["a"]),
        ({"origin_user_id": "none"}, []),
        ({"is_test": "true"}, ["b"]),
        ({"is_active": "false"}, ["c"]),
        ({"origin_company_id": "acme"}, ["a"]),
        ({"user_type": "SYSTEM"}, ["b"]),
        ({"query": "ali"}, ["a"]),
        ({}, ["a", "b", "c"]),
    ],
)
def test_users_are_filtered(
    query: dict[str, str], names: list[str], rest: Script
) -> None:
    group = {"origin_company_id": "acme"}
    rest.post(
        USERS,
        {
            "origin_user_id": "a",
            "origin_user_name": "Alistair",
            "shared_credential_group": group,
        },
    )
    rest.post(USERS, {"origin_user_id": "b", "is_test": True, "user_type": "SYSTEM"})
    gone = rest.post(USERS, {"origin_user_id": "c"}).body["id"]
    rest.delete(f"{USERS}{gone}/")

    found = rest.get(USERS, **query).body["results"]

    assert sorted(user["origin_user_id"] for user in found) == names


def test_user_is_changed_but_never_renamed_at_the_origin(
    rest: Script, erin: RegisteredUser
) -> None:
    path = f"{USERS}{erin.pk}/"

    changed = rest.patch(
        path,
        {
            "origin_user_name": "E.",
            "shared_credential_group": {"origin_company_id": "x"},
        },
    )
    cleared = rest.patch(path, {"shared_credential_group": None})
    refused = rest.patch(path, {"origin_user_id": "other"})

    assert changed.body["origin_user_name"] == "E."
    assert changed.body["shared_credential_group"]["origin_company_id"] == "x"
    assert cleared.body["shared_credential_group"] is None
    assert (refused.status, list(refused.fields)) == (400, ["origin_user_id"])


def test_deleted_user_is_deactivated_and_may_come_back(
    rest: Script, erin: RegisteredUser
) -> None:
    path = f"{USERS}{erin.pk}/"

    gone = rest.delete(path)
    away = rest.get(path).body
    back = rest.patch(path, {"is_active": True}).body

    assert (gone.status, gone.body) == (204, None)
    assert (away["is_active"], back["is_active"]) == (False, True)
    assert away["deactivated_at"] is not None


def test_origin_id_stands_for_the_id_in_a_path(
    rest: Script, erin: RegisteredUser
) -> None:
    answer = rest.get(f"{USERS}external_id:erin/")

    assert answer.body["id"] == erin.pk


@pytest.mark.parametrize("way", ["pack", "user"])
def test_grant_is_given_once_and_taken_back_once(
    way: str, rest: Script, erin: RegisteredUser, pack: ToolPack
) -> None:
    paths = {
        "pack": f"/v1/tool-packs/{pack.slug}/registered-users/{erin.pk}/",
        "user": f"{USERS}{erin.pk}/tool-packs/{pack.pk}/",
    }

    given, again = rest.put(paths[way]), rest.put(paths[way])
    listed = rest.get(f"/v1/tool-packs/{pack.pk}/registered-users/").body
    taken, missing = rest.delete(paths[way]), rest.delete(paths[way])

    assert (given.status, again.status) == (201, 200)
    assert listed["count"] == 1
    assert listed["results"][0]["registered_user"] == erin.pk
    assert given.body["tool_pack"] == str(pack.pk)
    assert (taken.status, missing.status) == (204, 404)
    assert not Grant.objects.exists()


def test_grant_raises_the_revision_of_its_user_alone(
    rest: Script, erin: RegisteredUser, pack: ToolPack
) -> None:
    before = Revision.objects.get(workspace_id=pack.workspace_id, subject="").number

    rest.put(f"{USERS}{erin.pk}/tool-packs/{pack.pk}/")

    after = Revision.objects.get(workspace_id=pack.workspace_id, subject="").number
    assert after == before
    assert Revision.objects.filter(subject=erin.pk).exists()


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.ADMIN, 201),
        (Role.DEVELOPER, 201),
        (Role.SECURITY, 403),
        (Role.READ_ONLY, 403),
    ],
)
def test_roles_decide_who_may_enrol(
    role: Role, status: int, workspace: Workspace
) -> None:
    answer = script(workspace, role=role).post(USERS, {"origin_user_id": "x"})

    assert answer.status == status
