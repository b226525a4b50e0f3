"""An edit is made anew when it met another, in whichever way that showed."""

from collections.abc import Callable
from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction

from gateway.identity.editing import ChangedMeanwhile, hold, settled
from gateway.identity.models import Account, Workspace
from tests.together import together

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="on SQLite writers do not collide"
)


def _crossing(accounts: list[Account], met: Barrier) -> Callable[[], None]:
    """Renames two accounts; on its first try, it waits after the one until somebody else has the other."""
    waits = [met.wait]

    def rename() -> None:
        with transaction.atomic():
            for account in accounts:
                Account.objects.filter(pk=account.pk).update(name="Renamed")
                if waits:
                    waits.pop()(60)

    return rename


def _accounts() -> list[Account]:
    return [Account.objects.create(name=name) for name in ("One", "Other")]


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_who_lost_a_deadlock_tries_again() -> None:
    accounts, met = _accounts(), Barrier(2)
    edits = [_crossing(rows, met) for rows in (accounts, accounts[::-1])]

    together(*(lambda edit=edit: settled(edit) for edit in edits))

    assert {account.name for account in Account.objects.all()} == {"Renamed"}


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_deadlock_within_a_larger_transaction_ends_all_of_it() -> None:
    accounts, met = _accounts(), Barrier(2)

    def rename(rows: list[Account]) -> str:
        try:
            with transaction.atomic():
                settled(_crossing(rows, met))
        except OperationalError:
            return "broken"
        return "done"

    ends = together(lambda: rename(accounts), lambda: rename(accounts[::-1]))

    assert sorted(ends) == ["broken", "done"]


def test_a_database_that_is_away_is_not_asked_again() -> None:
    asked = []

    def edit() -> None:
        asked.append(1)
        raise OperationalError("the connection is closed")

    with pytest.raises(OperationalError):
        settled(edit)
    assert len(asked) == 1


def test_what_is_gone_cannot_be_held(workspace: Workspace) -> None:
    Workspace.objects.filter(pk=workspace.pk).delete()

    with pytest.raises(ChangedMeanwhile, match="Workshop"):
        hold(workspace)
