"""The cast: one account with two workspaces, the people who work in them, and upstreams."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import hypothesis
import pytest
from django.contrib.auth import get_user_model

from gateway.audit.models import AuditEvent
from gateway.audit.trail import Actor
from gateway.identity.models import Account, Membership, Profile, Workspace
from gateway.identity.roles import Role
from tests.rest import Script, script
from tests.toolsets.adapters.http.recording import Recorder, recorder
from tests.upstreams import App, Upstream, served

hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")

pytest_plugins = ["tests.distribution", "tests.reporting"]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a login and a membership."""

    profile: Profile
    workspace: Workspace
    role: Role

    @property
    def actor(self) -> Actor:
        return Actor(
            account_id=self.profile.account_id,
            workspace_id=self.workspace.pk,
            profile_id=self.profile.pk,
            label=str(self.profile),
            is_person=True,
            role=self.role,
            source=AuditEvent.Source.ADMIN,
        )


def person(name: str, workspace: Workspace, role: Role) -> Person:
    """A new login called `name`, and its membership in `workspace`."""
    email = f"{name.lower()}@example.com"
    user = get_user_model().objects.create_user(
        username=name.lower(), email=email, password="a long pass phrase", is_staff=True
    )
    profile = Profile.objects.create(
        account=workspace.account,
        type=Profile.Type.USER,
        user=user,
        name=name,
        email=email,
    )
    Membership.objects.create(workspace=workspace, profile=profile, role=role)
    return Person(profile=profile, workspace=workspace, role=role)


@pytest.fixture
def account(db: None) -> Account:
    return Account.objects.create(name="Acme")


@pytest.fixture
def workspace(account: Account) -> Workspace:
    return Workspace.objects.create(account=account, name="Workshop", slug="workshop")


@pytest.fixture
def other_workspace(account: Account) -> Workspace:
    return Workspace.objects.create(account=account, name="Elsewhere", slug="elsewhere")


@pytest.fixture
def alice(workspace: Workspace) -> Person:
    """An admin of the workspace."""
    return person("Alice", workspace, Role.ADMIN)


@pytest.fixture
def dan(workspace: Workspace) -> Person:
    """A developer in the workspace."""
    return person("Dan", workspace, Role.DEVELOPER)


@pytest.fixture
def sam(workspace: Workspace) -> Person:
    """Security in the workspace."""
    return person("Sam", workspace, Role.SECURITY)


@pytest.fixture
def rita(workspace: Workspace) -> Person:
    """Somebody who may only look."""
    return person("Rita", workspace, Role.READ_ONLY)


@pytest.fixture
def mallory(other_workspace: Workspace) -> Person:
    """An admin of the other workspace."""
    return person("Mallory", other_workspace, Role.ADMIN)


@pytest.fixture
def serve() -> Iterator[Callable[[App], Upstream]]:
    """Serve ASGI apps on loopback ports until the test ends."""
    with ExitStack() as running:
        yield lambda app: running.enter_context(served(app))


@pytest.fixture
def upstream() -> Iterator[Recorder]:
    """An HTTP API that records what it is sent."""
    with recorder() as recording:
        yield recording


@pytest.fixture
def rest(workspace: Workspace) -> Script:
    """A script with an admin's key for REST."""
    return script(workspace)


@pytest.fixture
def elsewhere(other_workspace: Workspace) -> Script:
    """A script with an admin's key of the other workspace."""
    return script(other_workspace)
