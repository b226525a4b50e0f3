"""Different changes that meet at the same moment: none of them keeps what another waits for, so none of them breaks.

Where two writers hold the same rows in another order, PostgreSQL ends one of them with an OperationalError, which these
tests do not catch.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gateway.errors import Refused
from gateway.identity.joining import change_role, remove_member
from gateway.identity.models import Membership
from gateway.identity.roles import Role
from tests.conftest import Person
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)

_ROUNDS = 12


def _outcome(deed: Callable[[], Any]) -> str:
    """What became of it: "done", or the code of its refusal."""
    try:
        deed()
    except Refused as exc:
        return str(exc.code)
    return "done"


def _at_once(*deeds: Callable[[], Any]) -> list[str]:
    """What became of each of `deeds`, in the order of the words."""
    return sorted(together(*(partial(_outcome, deed) for deed in deeds)))


def _membership(person: Person) -> Membership:
    return Membership.objects.get(profile=person.profile)


@pytest.mark.parametrize("leave", [partial(change_role, role=Role.READ_ONLY), remove_member])  # fmt: skip
def test_of_two_admins_who_leave_at_once_one_stays(
    leave: Any, alice: Person, dan: Person
) -> None:
    members = [_membership(person) for person in (alice, dan)]

    for _ in range(_ROUNDS):
        Membership.objects.bulk_create(
            [Membership(pk=one.pk, workspace=one.workspace, profile=one.profile, role=Role.ADMIN) for one in members],
            update_conflicts=True, unique_fields=["id"], update_fields=["role"],
        )  # fmt: skip
        rows = [_membership(person) for person in (alice, dan)]

        outcomes = _at_once(*(partial(leave, row, actor=alice.actor) for row in rows))

        assert outcomes == ["done", "last_admin"]
