"""The envelope's metadata, in the spelling of the API."""

from typing import Any


def resource_metadata(row: Any, *, account_id: str) -> dict[str, Any]:
    """The metadata of a named row of a workspace."""
    return {
        **operation_metadata(row, account_id=account_id),
        "name": row.name,
        "externalId": row.external_id,
        "labels": row.labels,
        "bundleKey": row.bundle_key,
    }


def operation_metadata(row: Any, *, account_id: str) -> dict[str, Any]:
    """The metadata of a row without a name, such as an event."""
    return {
        "id": str(row.pk),
        "accountId": account_id,
        "workspaceId": row.workspace_id,
        "profileId": row.created_by_id,
        "externalId": "",
        "labels": {},
        "createdAt": row.created_at,
    }
