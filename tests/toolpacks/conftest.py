"""A tool set with three tools, a pack and a registered user, in the workspace."""

import pytest

from gateway.identity.models import RegisteredUser
from tests.conftest import Person
from tests.toolsets.api.conftest import tool_set_of
from toolpacks import enrolling, packing
from toolpacks.models import ToolPack
from toolsets.models import ToolSet


@pytest.fixture
def github(alice: Person) -> ToolSet:
    return tool_set_of(alice)


@pytest.fixture
def jira(alice: Person) -> ToolSet:
    return tool_set_of(alice, "jira")


@pytest.fixture
def pack(alice: Person) -> ToolPack:
    return packing.create_pack(alice.workspace, name="Support agent", actor=alice.actor)


@pytest.fixture
def erin(alice: Person) -> RegisteredUser:
    """Somebody agents act for."""
    user, _ = enrolling.enroll_user(
        alice.workspace, origin_user_id="erin", name="Erin", actor=alice.actor
    )
    return user
