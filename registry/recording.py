"""Answers the news that tools changed by remembering their new definitions, in the same transaction."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from registry.fingerprints import fingerprint
from registry.models import ToolVersion, current_fingerprints
from toolsets.models import Tool


def record_versions(*, tools: Sequence[Tool], **_: Any) -> None:
    """Remember each tool's definition as its current version, where it differs from the one that is."""
    now = timezone.now()
    known = current_fingerprints([tool.pk for tool in tools])
    fresh = [
        ToolVersion(
            workspace_id=tool.workspace_id,
            tool=tool,
            fingerprint=digest,
            definition=tool.definition,
            first_seen_at=now,
        )
        for tool in tools
        if known.get(tool.pk) != (digest := fingerprint(tool.definition))
    ]
    ToolVersion.objects.filter(
        tool__in=[v.tool_id for v in fresh if v.tool_id in known],
        replaced_at__isnull=True,
    ).update(replaced_at=now)
    ToolVersion.objects.bulk_create(fresh, batch_size=500)
