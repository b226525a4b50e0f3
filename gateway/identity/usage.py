"""Remembers when an API key was last used, at most once a minute, in a row that raises no revision."""

from datetime import datetime, timedelta

from gateway.identity.models import ApiKeyUse

_APART = timedelta(seconds=60)


def note_use(key_id: str, *, at: datetime) -> None:
    """Write that the key is used, unless that was written less than a minute ago."""
    known = ApiKeyUse.objects.filter(api_key_id=key_id)
    last = known.values_list("last_used_at", flat=True).first()
    if last is None:
        ApiKeyUse.objects.bulk_create(
            [ApiKeyUse(api_key_id=key_id, last_used_at=at)], ignore_conflicts=True
        )
    elif at - last >= _APART:
        known.filter(last_used_at=last).update(last_used_at=at)
