"""Changing the ring of encryption keys: which rings fit, what is encrypted anew, and which keys may be dropped."""

import io
from collections.abc import Sequence

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from gateway.encryption import place_of_key
from gateway.identity.callers import caller_for_token
from gateway.identity.installation import RingDiffers, adopt_ring, check_ring
from gateway.identity.keys import TokenInvalid, rotate_key
from gateway.identity.models import ApiKey, Revision, Workspace
from gateway.identity.reencrypting import encrypted_columns, reencrypt
from tests.rest import installer, script
from toolsets.models import SecretValue
from toolsets.secrets import store_secret

pytestmark = pytest.mark.django_db

NEWER, NEWEST = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def run(command: str, *arguments: str) -> str:
    said = io.StringIO()
    call_command(command, *arguments, stdout=said)
    return said.getvalue()


def keep(workspace: Workspace, count: int) -> None:
    for number in range(count):
        name, actor = f"S{number}", installer(workspace)
        store_secret(workspace, name=name, value=f"value {number}", actor=actor)


def as_stored() -> dict[str, str]:
    """What stands in the database for each secret."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_id, value FROM toolsets_secretvalue")
        return dict(cursor.fetchall())


def places() -> set[int | None]:
    return {place_of_key(value) for value in as_stored().values()}


@pytest.mark.parametrize(
    ("adopted", "ring"),
    [("a", "a"), ("a", "ab"), ("ab", "ab"), ("ab", "ba"), ("ab", "bac"), ("b", "ba")],
)
def test_ring_fits_that_reads_all_and_writes_what_all_read(
    adopted: str, ring: Sequence[str]
) -> None:
    check_ring(adopted=set(adopted), ring=ring)


@pytest.mark.parametrize(
    ("adopted", "ring", "said"),
    [
        ("a", "b", "1 of 1 are missing"),
        ("ab", "a", "1 of 2 are missing"),
        ("ab", "cb", "1 of 2 are missing"),
        ("a", "ba", "the first one is new"),
        ("ab", "cab", "the first one is new"),
    ],
)
def test_ring_that_others_could_not_work_with_is_refused(
    adopted: str, ring: Sequence[str], said: str
) -> None:
    with pytest.raises(RingDiffers, match=said):
        check_ring(adopted=set(adopted), ring=ring)


def test_every_secret_is_encrypted_anew_and_reads_as_before(
    workspace: Workspace, settings: Settings
) -> None:
    keep(workspace, 250)
    settings.ENCRYPTION_KEYS = [NEWER, *settings.ENCRYPTION_KEYS]
    adopt_ring()
    revisions = list(Revision.objects.values_list())

    said = run("rotate_encryption_keys")

    assert "100 of 250 looked at, 100 encrypted anew, 150 remaining" in said
    assert "250 of 250 secrets were encrypted anew" in said
    assert places() == {0}
    values = SecretValue.objects.order_by("pk").values_list("value", flat=True)
    assert sorted(values) == sorted(f"value {n}" for n in range(250))
    assert list(Revision.objects.values_list()) == revisions


def test_repeating_it_writes_nothing(workspace: Workspace, settings: Settings) -> None:
    keep(workspace, 3)
    settings.ENCRYPTION_KEYS = [NEWER, *settings.ENCRYPTION_KEYS]
    adopt_ring()
    run("rotate_encryption_keys")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        said = run("rotate_encryption_keys")

    assert "0 of 3 secrets were encrypted anew; 3 were under the newest" in said
    assert not [q["sql"] for q in queries if q["sql"].startswith("UPDATE")]


def test_interrupted_it_goes_on_where_it_was(
    workspace: Workspace, settings: Settings
) -> None:
    keep(workspace, 250)
    settings.ENCRYPTION_KEYS = [NEWER, *settings.ENCRYPTION_KEYS]

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reencrypt(on_progress=interrupt)
    tally = reencrypt(on_progress=lambda _: None)

    assert (tally.total, tally.rewritten, tally.remaining) == (250, 150, 0)
    assert places() == {0}


def test_value_that_somebody_replaces_meanwhile_stays(
    workspace: Workspace, settings: Settings
) -> None:
    keep(workspace, 1)
    settings.ENCRYPTION_KEYS = [NEWER, *settings.ENCRYPTION_KEYS]
    (column,) = encrypted_columns()
    (read,) = column.rows.values_list("pk", "sealed")
    store_secret(workspace, name="S0", value="theirs", actor=installer(workspace))

    updated = column.rows.filter(pk=read[0], sealed=read[1]).update(value="ours")

    assert updated == 0
    assert SecretValue.objects.get().value == "theirs"


def test_value_that_no_key_opens_is_named_and_stops_no_other(
    workspace: Workspace, settings: Settings
) -> None:
    keep(workspace, 1)
    lost = next(iter(as_stored()))
    settings.ENCRYPTION_KEYS = [NEWER]
    adopt_ring()
    store_secret(workspace, name="OTHER", value="x", actor=installer(workspace))
    settings.ENCRYPTION_KEYS = [NEWEST, NEWER]
    adopt_ring()

    with pytest.raises(CommandError, match=f"SecretValue.value of {lost}"):
        run("rotate_encryption_keys")

    assert places() == {0, None}


def test_new_key_in_front_that_others_lack_is_not_written_with(
    workspace: Workspace, settings: Settings
) -> None:
    keep(workspace, 1)
    adopt_ring()
    before = as_stored()
    settings.ENCRYPTION_KEYS = [NEWER, *settings.ENCRYPTION_KEYS]

    with pytest.raises(CommandError, match="Put it behind the others"):
        run("rotate_encryption_keys")

    assert as_stored() == before


def test_old_key_is_needed_until_secrets_and_api_keys_are_under_the_new(
    workspace: Workspace, settings: Settings
) -> None:
    keep(workspace, 2)
    key = script(workspace).key
    assert key is not None
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [NEWER, *old]
    adopt_ring()

    said = run("rotate_encryption_keys")
    assert "is still needed: 0 secrets, 1 API keys" in said

    token = rotate_key(key, actor=installer(workspace)).token
    assert "may be dropped" in run("rotate_encryption_keys")
    settings.ENCRYPTION_KEYS = [NEWER]
    assert "These 1 keys belong to this database now" in run("adopt_keys")
    assert caller_for_token(token, at=timezone.now()).key_id == key.pk


def test_key_that_is_needed_is_not_dropped(
    workspace: Workspace, settings: Settings
) -> None:
    signed = script(workspace)
    keep(workspace, 1)
    settings.ENCRYPTION_KEYS = [NEWER]

    with pytest.raises(CommandError, match="1 stored secrets cannot be read"):
        run("adopt_keys")
    SecretValue.objects.all().delete()
    with pytest.raises(CommandError, match="1 API keys were signed"):
        run("adopt_keys")

    run("adopt_keys", "--void-api-keys")
    with pytest.raises(TokenInvalid):
        caller_for_token(signed.token, at=timezone.now())


def test_revoked_and_expired_keys_need_no_signing_key(
    workspace: Workspace, settings: Settings
) -> None:
    script(workspace)
    ApiKey.objects.update(expires_at=timezone.now())
    settings.ENCRYPTION_KEYS = [NEWER]

    assert "These 1 keys" in run("adopt_keys")
