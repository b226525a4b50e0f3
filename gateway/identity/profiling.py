"""Makes, changes and takes away agent profiles."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from gateway.audit import trail
from gateway.audit.differences import differences
from gateway.audit.trail import Actor
from gateway.errors import Refused
from gateway.identity.editing import hold
from gateway.identity.models import AgentProfile, Workspace

CHANGEABLE = frozenset({"name", "external_id", "scope_tags"})
_UNIQUE = {"name": "name", "external_id": "external id"}


class AgentProfileInUse(Refused):
    """API keys are bound to the agent profile."""

    code = "in_use"


def create_agent_profile(
    workspace: Workspace,
    *,
    name: str,
    external_id: str = "",
    scope_tags: list[str] | None = None,
    actor: Actor,
) -> AgentProfile:
    """Make a named agent.

    Raises:
        ValidationError: a field is wrong, or the name or external id is taken.
    """
    agent = AgentProfile(
        workspace=workspace,
        name=name,
        external_id=external_id,
        scope_tags=scope_tags or [],
        created_by_id=actor.profile_id,
    )
    _check(agent, CHANGEABLE)
    with transaction.atomic():
        _save(agent)
        trail.record(actor, "agent_profile.created", subject=agent)
    return agent


def change_agent_profile(
    agent: AgentProfile, *, actor: Actor, **fields: Any
) -> AgentProfile:
    """Give fields (see `CHANGEABLE`) new values.

    Raises:
        ValidationError: a field is wrong, or the name or external id is taken.
        ChangedMeanwhile: somebody else changed one of the fields since `agent` was read.
    """
    if unknown := set(fields) - CHANGEABLE:
        raise TypeError(f"An agent profile has no changeable {sorted(unknown)}.")
    current: AgentProfile = AgentProfile.objects.in_workspace(agent.workspace_id).get(
        pk=agent.pk
    )
    changes = differences(current, fields)
    if not changes:
        return current
    for name in changes:
        setattr(current, name, fields[name])
    _check(current, frozenset(changes))
    with transaction.atomic():
        hold(agent, changes)
        _save(current, update_fields=sorted(changes))
        trail.record(actor, "agent_profile.updated", subject=current, changes=changes)
    return current


def delete_agent_profile(agent: AgentProfile, *, actor: Actor) -> None:
    """Take an agent away.

    Raises:
        AgentProfileInUse: API keys are bound to it.
    """
    try:
        with transaction.atomic():
            trail.record(actor, "agent_profile.deleted", subject=agent)
            AgentProfile.objects.in_workspace(agent.workspace_id).filter(
                pk=agent.pk
            ).delete()
    except ProtectedError as exc:
        keys = ", ".join(sorted(str(key) for key in exc.protected_objects)[:20])
        raise AgentProfileInUse(f"API keys are bound to it: {keys}.") from exc


def _check(agent: AgentProfile, wanted: frozenset[str]) -> None:
    agent.clean_fields(exclude={f.name for f in agent._meta.fields} - wanted)
    _check_free(agent, wanted)


def _check_free(agent: AgentProfile, wanted: frozenset[str]) -> None:
    others = AgentProfile.objects.in_workspace(agent.workspace_id).exclude(pk=agent.pk)
    for field, words in _UNIQUE.items():
        value = getattr(agent, field)
        if field in wanted and value and others.filter(**{field: value}).exists():
            raise ValidationError(
                {field: f"Another agent profile of this workspace has this {words}."}
            )


def _save(agent: AgentProfile, *, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            agent.save(update_fields=update_fields, force_insert=not update_fields)
    except IntegrityError:  # a race for the name or the external id
        _check_free(agent, CHANGEABLE)
        raise
