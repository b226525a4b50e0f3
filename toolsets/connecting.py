"""Connects upstreams as tool sets, changes them, archives them, and takes them away."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone

from gateway.audit import trail
from gateway.audit.differences import differences
from gateway.audit.trail import Actor
from gateway.errors import Refused
from gateway.identity.editing import ChangedMeanwhile, hold, settled
from gateway.identity.models import Workspace
from gateway.identity.roles import Right, allows
from gateway.identity.validation import slug_from
from toolsets import confidential, documents, holders
from toolsets.adapters.settings import check_adapter
from toolsets.destinations import check_credentials_stay
from toolsets.errors import ExternalIdTaken, ToolSetManaged
from toolsets.models import SyncState, Tool, ToolSet
from toolsets.secrets import store_secret

CHANGEABLE = frozenset(
    {
        "name",
        "slug",
        "external_id",
        "labels",
        "bundle_key",
        "description",
        "adapter_type",
        "adapter",
        "tags",
        "interactions",
        "allowed_networks",
        "sync_interval_seconds",
        "is_managed",
    }
)
INTERACTIONS = frozenset({"elicitation", "sampling", "roots"})
_HEADERS = "adapter.headers"
_SHORTEST_INTERVAL = timedelta(seconds=10)
_DECIDES_TOOLS = (
    "url",
    "document",
    "baseUrl",
    "serverName",
    "includeTools",
    "excludeTools",
    "toolApprovals",
)


class NetworksForbidden(Refused):
    """Who makes the change may not decide which private networks a tool set reaches."""

    code = "networks_forbidden"


class ToolSetInUse(Refused):
    """Packs hold the tool set."""

    code = "tool_set_in_use"


def connect(
    workspace: Workspace,
    *,
    name: str,
    adapter_type: str,
    adapter: Mapping[str, Any] | documents.Taken,
    description: str = "",
    slug: str = "",
    external_id: str = "",
    labels: Mapping[str, str] | None = None,
    bundle_key: str = "",
    tags: Sequence[str] | None = None,
    interactions: Mapping[str, bool] | None = None,
    allowed_networks: Sequence[str] | None = None,
    sync_interval_seconds: int | None = None,
    is_managed: bool = False,
    secrets: Mapping[str, str] | None = None,
    actor: Actor,
) -> ToolSet:
    """Connect an upstream. If it lists its tools, its first sync is due at once; the caller wakes a worker after the commit.

    `secrets` are values by name, which are stored with it.

    Raises:
        ValidationError: a field is wrong; entries are named like the fields, those of the adapter `adapter.<member>`, and
            those of a secret `name` and `value`.
        ExternalIdTaken: another tool set of the workspace has this external id.
        ToolSetManaged: a person asked for a managed set.
        NetworksForbidden: the actor's role may not open private networks.
    """
    check_may_connect(
        actor, is_managed=is_managed, allowed_networks=allowed_networks or []
    )
    taken = documents.take(adapter)
    tool_set = ToolSet(
        workspace=workspace,
        name=name,
        slug=slug or _free_slug(workspace, name),
        external_id=external_id,
        labels=dict(labels or {}),
        bundle_key=bundle_key,
        description=description,
        adapter_type=adapter_type,
        adapter=confidential.restored(taken.adapter, {}, at=_HEADERS),
        tags=list(tags or []),
        interactions=dict(interactions or {}),
        allowed_networks=list(allowed_networks or []),
        sync_interval_seconds=sync_interval_seconds,
        is_managed=is_managed,
        created_by_id=actor.profile_id,
    )
    _check(tool_set)
    with transaction.atomic():
        _save(tool_set)
        documents.keep(tool_set, taken)
        SyncState.objects.create(
            tool_set=tool_set,
            due_at=timezone.now() if tool_set.is_syncable else None,
            requested_by_id=actor.profile_id if tool_set.is_syncable else None,
        )
        trail.record(
            actor,
            "tool_set.created",
            subject=tool_set,
            changes=_first_settings(tool_set),
        )
        _store(tool_set, secrets, actor)
    return tool_set


def change(
    tool_set: ToolSet,
    *,
    secrets: Mapping[str, str] | None = None,
    actor: Actor,
    **fields: Any,
) -> ToolSet:
    """Give fields (see `CHANGEABLE`) new values. A changed adapter gets a new version, and its sync is due at once.

    In its headers, `confidential.MASK` keeps the value that is there. `secrets` are stored with it, as in `connect`.

    Raises:
        ValidationError, ExternalIdTaken: as `connect`.
        ToolSetManaged: a person would change `is_managed`, or what decides about the tools of a managed set.
        NetworksForbidden: the actor's role may not say which private networks it reaches.
        CredentialsStay: what is kept would go elsewhere, and the actor's role may not read it.
        ChangedMeanwhile: somebody else changed one of the fields, or the adapter's version, since `tool_set` was read.
    """
    if unknown := set(fields) - CHANGEABLE:
        raise TypeError(f"A tool set has no changeable {sorted(unknown)}.")
    current: ToolSet = ToolSet.objects.in_workspace(tool_set.workspace_id).get(
        pk=tool_set.pk
    )
    taken = documents.take(fields.get("adapter"), current=tool_set.adapter)
    given = {**fields}
    if "adapter" in fields:
        given["adapter"] = taken.adapter
        fields["adapter"] = confidential.restored(
            taken.adapter, tool_set.adapter, at=_HEADERS
        )
    changes = differences(current, fields)
    if not changes and not secrets:
        return current
    check_may_change(current, given, actor)
    _check_kind(current, changes)
    for name in changes:
        setattr(current, name, fields[name])
    _check(current, only=set(changes))
    with transaction.atomic():
        hold(tool_set, changes)
        if {"adapter", "adapter_type", "allowed_networks"} & set(changes):
            _claim_adapter(current, seen_version=tool_set.adapter_version)
            _make_due(current, actor)
        if changes:
            _save(current, update_fields=sorted(changes))
            trail.record(
                actor, "tool_set.updated", subject=current, changes=_recordable(changes)
            )
        if "adapter" in changes:
            documents.keep(current, taken)
        _store(current, secrets, actor)
    return current


def archive(tool_set: ToolSet, *, actor: Actor) -> ToolSet:
    """Take the set out of service: its tools can be neither listed nor called, and it is not synced."""
    return _move(
        tool_set,
        ToolSet.State.ACTIVE,
        ToolSet.State.ARCHIVED,
        "tool_set.archived",
        actor,
    )


def unarchive(tool_set: ToolSet, *, actor: Actor) -> ToolSet:
    """Put the set back into service, with its tools as they were; its sync is due at once."""
    moved = _move(
        tool_set,
        ToolSet.State.ARCHIVED,
        ToolSet.State.ACTIVE,
        "tool_set.unarchived",
        actor,
    )
    _make_due(moved, actor)
    return moved


def delete(tool_set: ToolSet, *, actor: Actor) -> None:
    """Take the set away, with its tools, secrets and events.

    Raises:
        ToolSetInUse: packs hold it; the message names them.
    """
    _check_unused(tool_set)
    _delete(tool_set, actor)


def detach_and_delete(tool_set: ToolSet, *, actor: Actor) -> None:
    """Detach the set from every pack that holds it, then take it away.

    Raises:
        ToolSetInUse: somebody attached it again meanwhile; its tools are gone by then.
    """
    settled(lambda: _detach(tool_set, actor))
    _delete(tool_set, actor)


@transaction.atomic
def _detach(tool_set: ToolSet, actor: Actor) -> None:
    holders.let_go(tool_set, actor=actor)


def _check_unused(tool_set: ToolSet) -> None:
    if held := holders.holds_on(tool_set):
        names = ", ".join(hold.name for hold in held[:20])
        more = f" and {len(held) - 20} more" if len(held) > 20 else ""
        raise ToolSetInUse(
            f"Tool packs hold {tool_set}: {names}{more}. Detach it there first, archive it instead, "
            "or confirm that it shall be detached from them and deleted (over REST: ?confirm=true)."
        )


def _delete(tool_set: ToolSet, actor: Actor) -> None:
    """Out of service first; then its tools, which may be many, in portions; then the rest."""
    archive(tool_set, actor=actor)
    Tool.objects.in_workspace(tool_set.workspace_id).filter(
        tool_set=tool_set
    ).delete_in_portions()
    try:
        with transaction.atomic():
            hold(tool_set)  # before what hangs on it
            trail.record(actor, "tool_set.deleted", subject=tool_set)
            ToolSet.objects.in_workspace(tool_set.workspace_id).filter(
                pk=tool_set.pk
            ).delete()
    except ProtectedError as exc:
        _check_unused(tool_set)
        raise ToolSetInUse("Something uses the tool set. Try again.") from exc


@transaction.atomic
def _move(
    tool_set: ToolSet,
    before: ToolSet.State,
    after: ToolSet.State,
    action: str,
    actor: Actor,
) -> ToolSet:
    rows = ToolSet.objects.in_workspace(tool_set.workspace_id).filter(pk=tool_set.pk)
    if rows.filter(state=before).update(state=after):
        trail.record(
            actor, action, subject=tool_set, changes={"state": [before, after]}
        )
    tool_set.refresh_from_db()
    return tool_set


def _free_slug(workspace: Workspace, name: str) -> str:
    taken = ToolSet.objects.in_workspace(workspace).values_list("slug", flat=True)
    return slug_from(name, taken=set(taken), fallback="tool-set")


def check_may_connect(
    actor: Actor, *, is_managed: bool, allowed_networks: Sequence[str]
) -> None:
    """Raise `ToolSetManaged` or `NetworksForbidden` where `actor` may not connect such a set."""
    if is_managed and actor.is_person:
        raise ToolSetManaged("Only API keys may make a tool set managed.")
    if allowed_networks:
        _check_may_open_networks(actor)


def check_may_change(current: ToolSet, given: Mapping[str, Any], actor: Actor) -> None:
    """Judge whether `actor` may give `current` these values, in which `confidential.MASK` stands for what is kept.

    Raises:
        ToolSetManaged, NetworksForbidden, CredentialsStay: as `change`.
    """
    changes = differences(current, given)
    _check_managed(current, changes, actor)
    if "allowed_networks" in changes:
        _check_may_open_networks(actor)
    if "adapter" in changes:
        check_credentials_stay(current, given["adapter"], actor=actor)


def _check_may_open_networks(actor: Actor) -> None:
    if not allows(actor.role, Right.NETWORKS):
        raise NetworksForbidden(
            "Which private networks a tool set may reach is decided by people and keys with the role admin."
        )


def _check_managed(
    current: ToolSet, changes: Mapping[str, list[Any]], actor: Actor
) -> None:
    if not actor.is_person:
        return
    if "is_managed" in changes:
        raise ToolSetManaged("Only API keys may change whether a tool set is managed.")
    if not current.is_managed or not {"adapter", "adapter_type"} & set(changes):
        return
    before, after = changes.get("adapter", [{}, {}])
    if "adapter_type" in changes or any(
        before.get(member) != after.get(member) for member in _DECIDES_TOOLS
    ):
        raise ToolSetManaged(
            "This tool set is managed: only API keys may change its address, filters and approvals."
        )


def _check_kind(current: ToolSet, changes: Mapping[str, list[Any]]) -> None:
    """Tools that people wrote are no tools of an upstream, nor the other way round."""
    before, after = changes.get("adapter_type", [None, None])
    is_other = (before in ToolSet.SYNCABLE) != (after in ToolSet.SYNCABLE)
    if is_other and current.tools.exists():
        raise ValidationError(
            {
                "adapter_type": f"This set has tools of the {before} adapter. Connect the upstream as another tool set."
            }
        )


def _check(tool_set: ToolSet, *, only: Collection[str] = CHANGEABLE) -> None:
    errors: dict[str, list[str]] = {}
    _collect(errors, lambda: check_values(tool_set, only=only))
    if "slug" in only and "slug" not in errors:
        _collect(errors, lambda: _check_slug_free(tool_set))
    if errors:
        raise ValidationError(errors)
    if tool_set.external_id and "external_id" in only:
        _check_external_id_free(tool_set)


def check_values(tool_set: ToolSet, *, only: Collection[str]) -> None:
    """Judge fields of a tool set by themselves, whatever others there are.

    Raises:
        ValidationError: as `connect`.
    """
    errors: dict[str, list[str]] = {}
    _collect(errors, lambda: _clean_fields(tool_set, {*only}))
    if {"adapter", "adapter_type"} & {*only}:
        _collect(errors, lambda: check_adapter(tool_set.adapter_type, tool_set.adapter))
    if errors:
        raise ValidationError(errors)


def _collect(errors: dict[str, list[str]], check: Any) -> None:
    try:
        check()
    except ValidationError as exc:
        errors.update(exc.message_dict)


def _clean_fields(tool_set: ToolSet, wanted: set[str]) -> None:
    skipped = {f.name for f in tool_set._meta.fields} - wanted | {"adapter"}
    tool_set.clean_fields(exclude=skipped)
    asked = tool_set.interactions
    if set(asked) - INTERACTIONS or not all(
        isinstance(v, bool) for v in asked.values()
    ):
        raise ValidationError(
            {"interactions": "Give elicitation, sampling and roots as true or false."}
        )
    interval = tool_set.sync_interval_seconds
    if interval is not None and interval < _SHORTEST_INTERVAL.total_seconds():
        raise ValidationError({"sync_interval_seconds": "At least 10 seconds."})


def _check_slug_free(tool_set: ToolSet) -> None:
    others = ToolSet.objects.in_workspace(tool_set.workspace_id).exclude(pk=tool_set.pk)
    if others.filter(slug=tool_set.slug).exists():
        raise ValidationError(
            {"slug": f"Another tool set of this workspace is called {tool_set.slug}."}
        )


def _check_external_id_free(tool_set: ToolSet) -> None:
    others = ToolSet.objects.in_workspace(tool_set.workspace_id).exclude(pk=tool_set.pk)
    if other := others.filter(external_id=tool_set.external_id).first():
        raise ExternalIdTaken("tool set", tool_set.external_id, existing_id=other.pk)


def _save(tool_set: ToolSet, *, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            tool_set.save(update_fields=update_fields, force_insert=not update_fields)
    except IntegrityError:  # a race for the slug or the external id
        _check(tool_set, only={"slug", "external_id"})
        raise


def _claim_adapter(tool_set: ToolSet, *, seen_version: int) -> None:
    rows = ToolSet.objects.filter(pk=tool_set.pk, adapter_version=seen_version)
    if not rows.update(adapter_version=F("adapter_version") + 1):
        raise ChangedMeanwhile(
            "The adapter was changed in the meantime. Read the tool set again and repeat your change."
        )
    tool_set.adapter_version = seen_version + 1


def _store(tool_set: ToolSet, secrets: Mapping[str, str] | None, actor: Actor) -> None:
    for name, value in (secrets or {}).items():
        store_secret(
            tool_set.workspace, name=name, value=value, tool_set=tool_set, actor=actor
        )


def _make_due(tool_set: ToolSet, actor: Actor) -> None:
    SyncState.objects.filter(tool_set=tool_set).make_due(
        at=timezone.now(), requested_by_id=actor.profile_id
    )


def _first_settings(tool_set: ToolSet) -> dict[str, list[Any]]:
    settings = {"adapter": _without_header_values(tool_set.adapter)}
    if tool_set.allowed_networks:
        settings["allowed_networks"] = tool_set.allowed_networks
    return {name: [None, value] for name, value in settings.items()}


def _recordable(changes: dict[str, list[Any]]) -> dict[str, list[Any]]:
    if "adapter" not in changes:
        return changes
    return changes | {
        "adapter": [_without_header_values(side) for side in changes["adapter"]]
    }


def _without_header_values(adapter: Mapping[str, Any]) -> dict[str, Any]:
    if "headers" not in adapter:
        return dict(adapter)
    return {**adapter, "headers": dict.fromkeys(adapter["headers"], "***")}
