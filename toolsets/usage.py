"""Remembers when secrets were last used, at most once a minute, in rows that raise no revision."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from toolsets.models import Secret, SecretUse

_APART = timedelta(seconds=60)


def note_secret_use(secret_ids: Collection[str], *, at: datetime) -> None:
    """Write that the secrets are used, except for those of which that was written less than a minute ago."""
    if not secret_ids:
        return
    known = SecretUse.objects.filter(pk__in=secret_ids)
    last = dict(known.values_list("pk", "last_used_at"))
    if old := [pk for pk, before in last.items() if at - before >= _APART]:
        known.filter(pk__in=old, last_used_at__lt=at).update(last_used_at=at)
    if new := set(secret_ids) - set(last):
        _write_first_use(new, at)


def _write_first_use(secret_ids: Collection[str], at: datetime) -> None:
    held = Secret.objects.filter(pk__in=secret_ids).values_list("pk", flat=True)
    uses = [SecretUse(secret_id=pk, last_used_at=at) for pk in held]
    try:
        with transaction.atomic():
            SecretUse.objects.bulk_create(uses, ignore_conflicts=True)
    except IntegrityError:  # one was deleted meanwhile; the others are noted next time
        return
