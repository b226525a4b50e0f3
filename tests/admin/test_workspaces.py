"""The current workspace: chosen in the session, switchable on every page, never beyond the person's memberships."""

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from gateway.identity.models import AgentProfile, ApiKey, Membership, Workspace
from gateway.identity.roles import Role
from tests.admin.conftest import NAME, Dashboard, World
from tests.conftest import Person

_SWITCH = "admin:switch_workspace"


def test_switching_shows_the_other_workspace_from_then_on(
    world: World, alice: Person, other_workspace: Workspace, dashboard: Dashboard
) -> None:
    Membership.objects.create(
        workspace=other_workspace, profile=alice.profile, role=Role.READ_ONLY
    )
    client = dashboard(alice)
    tool_sets = reverse("admin:toolsets_toolset_changelist")
    assert NAME in client.get(tool_sets).content.decode()

    client.post(reverse(_SWITCH), {"workspace": other_workspace.pk})

    page = client.get(tool_sets).content.decode()
    assert NAME not in page
    assert "Elsewhere" in page
    assert "Read only" in page


def test_nobody_switches_to_a_workspace_that_is_not_theirs(
    alice: Person, mallory: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)

    answer = client.post(reverse(_SWITCH), {"workspace": mallory.workspace.pk})

    assert answer.status_code == 404
    assert "Elsewhere" not in client.get(reverse("admin:index")).content.decode()


def test_switching_is_a_post(alice: Person, dashboard: Dashboard) -> None:
    assert dashboard(alice).get(reverse(_SWITCH)).status_code == 403


def test_a_lost_membership_ends_the_sight_of_the_workspace(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)
    client.get(reverse("admin:index"))

    Membership.objects.filter(profile=alice.profile).delete()

    assert client.get(reverse("admin:toolsets_toolset_changelist")).status_code == 403
    assert (
        "You are in no workspace" in client.get(reverse("admin:index")).content.decode()
    )


def test_a_superuser_makes_a_workspace_with_its_first_admin(
    admin_client: Client, alice: Person
) -> None:
    answer = admin_client.post(
        reverse("admin:identity_workspace_add"),
        {
            "account": alice.workspace.account_id,
            "name": "New ground",
            "admin_email": "first@example.com",
        },
    )

    made = Membership.objects.get(workspace__name="New ground")
    user = User.objects.get(username="first@example.com")
    assert made.role == Role.ADMIN
    assert made.profile.user == user
    assert "no-store" in answer["Cache-Control"]
    assert "first password" in answer.content.decode()


def test_a_member_is_added_with_a_password_that_is_shown_once(
    alice: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)

    answer = client.post(
        reverse("admin:identity_membership_add"),
        {"email": "new@example.com", "name": "Nina", "role": Role.DEVELOPER},
    )

    user = User.objects.get(username="new@example.com")
    page = answer.content.decode()
    password = page.split('id="password" class="tc-mono">')[1].split("<")[0]
    assert user.check_password(password)
    members = client.get(reverse("admin:identity_membership_changelist"))
    assert password not in members.content.decode()


def test_the_last_admin_cannot_be_removed_or_demoted(
    alice: Person, dashboard: Dashboard
) -> None:
    own = Membership.objects.get(profile=alice.profile)
    client = dashboard(alice)

    demoted = client.post(
        reverse("admin:identity_membership_change", args=[own.pk]),
        {"role": Role.READ_ONLY},
    )
    client.post(
        reverse("admin:identity_membership_delete", args=[own.pk]), {"post": "yes"}
    )

    own.refresh_from_db()
    assert own.role == Role.ADMIN
    assert "only admin" in demoted.content.decode()


def test_members_are_managed_by_admins_alone(dan: Person, dashboard: Dashboard) -> None:
    address = reverse("admin:identity_membership_add")

    assert dashboard(dan).get(address).status_code == 403


def test_an_agent_profile_is_made_in_the_current_workspace(
    dan: Person, dashboard: Dashboard
) -> None:
    dashboard(dan).post(
        reverse("admin:identity_agentprofile_add"),
        {"name": "Support bot", "external_id": "", "scope_tags": "code, eng"},
    )

    agent = AgentProfile.objects.in_workspace(dan.workspace).get()
    assert agent.scope_tags == ["code", "eng"]
    assert agent.created_by == dan.profile


def test_a_second_agent_profile_of_the_same_name_is_an_error_of_the_form(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    answer = dashboard(alice).post(
        reverse("admin:identity_agentprofile_add"), {"name": NAME}
    )

    assert answer.status_code == 200
    assert "Another agent profile" in answer.content.decode()


def test_an_agent_profile_of_a_key_is_not_deleted_and_the_page_says_why(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    ApiKey.objects.filter(pk=world.key.pk).update(agent_profile=world.agent)

    answer = dashboard(alice).post(
        reverse("admin:identity_agentprofile_delete", args=[world.agent.pk]),
        {"post": "yes"},
        follow=True,
    )

    assert AgentProfile.objects.filter(pk=world.agent.pk).exists()
    assert "API keys are bound to it" in answer.content.decode()
