"""Says what a change would change, in the words of the audit trail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model


def differences(subject: Model, wanted: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The fields of `subject` whose value differs from the wanted one, each as `[before, after]`, ready for JSON."""
    return {
        name: [_plain(getattr(subject, name)), _plain(value)]
        for name, value in wanted.items()
        if getattr(subject, name) != value
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, datetime):
        return value.isoformat()
    return value
