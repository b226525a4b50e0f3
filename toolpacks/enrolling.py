"""Enrols the registered users that agents act for, and lets them go."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from gateway.audit import trail
from gateway.audit.differences import differences
from gateway.audit.trail import Actor
from gateway.identity.editing import hold
from gateway.identity.models import Company, Profile, RegisteredUser, Workspace
from toolpacks.models import Grant, ToolPack

CHANGEABLE = frozenset({"name", "email", "company", "user_type", "is_test", "profile"})


def enroll_user(
    workspace: Workspace,
    *,
    origin_user_id: str,
    name: str = "",
    email: str = "",
    company: Company | None = None,
    user_type: str = RegisteredUser.Type.HUMAN,
    is_test: bool = False,
    profile: Profile | None = None,
    actor: Actor,
) -> tuple[RegisteredUser, bool]:
    """The registered user with this origin id, and whether they are new; new ones get the default packs.

    Raises:
        ValidationError: a field is wrong.
    """
    user = RegisteredUser(
        workspace=workspace,
        origin_user_id=origin_user_id,
        name=name,
        email=email,
        company=company,
        user_type=user_type,
        is_test=is_test,
        profile=profile,
        created_by_id=actor.profile_id,
    )
    _check(user, {"origin_user_id", *CHANGEABLE})
    known = RegisteredUser.objects.in_workspace(workspace).filter(
        origin_user_id=origin_user_id
    )
    if existing := known.first():
        return existing, False
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            _give_default_packs(user, actor)
            trail.record(actor, "registered_user.created", subject=user)
    except IntegrityError:  # enrolled at the same moment
        return known.get(), False
    return user, True


def change_user(user: RegisteredUser, *, actor: Actor, **fields: Any) -> RegisteredUser:
    """Give fields (see `CHANGEABLE`) new values; the origin id never changes.

    Raises:
        ValidationError: a field is wrong.
        ChangedMeanwhile: somebody else changed one of the fields since `user` was read.
    """
    if unknown := set(fields) - CHANGEABLE:
        raise TypeError(f"A registered user has no changeable {sorted(unknown)}.")
    current: RegisteredUser = RegisteredUser.objects.in_workspace(
        user.workspace_id
    ).get(pk=user.pk)
    changes = differences(current, fields)
    if not changes:
        return current
    for name in changes:
        setattr(current, name, fields[name])
    _check(current, set(changes))
    with transaction.atomic():
        hold(user, changes)
        current.save(update_fields=sorted(changes))
        trail.record(actor, "registered_user.updated", subject=current, changes=changes)
    return current


@transaction.atomic
def deactivate_user(user: RegisteredUser, *, actor: Actor) -> RegisteredUser:
    """Stop all agents from acting for this user; what is recorded of them stays."""
    rows = RegisteredUser.objects.in_workspace(user.workspace_id).filter(pk=user.pk)
    if rows.filter(deactivated_at=None).update(deactivated_at=timezone.now()):
        trail.record(actor, "registered_user.deactivated", subject=user)
    user.refresh_from_db()
    return user


@transaction.atomic
def reactivate_user(user: RegisteredUser, *, actor: Actor) -> RegisteredUser:
    """Let agents act for this user again."""
    rows = RegisteredUser.objects.in_workspace(user.workspace_id).filter(pk=user.pk)
    if rows.exclude(deactivated_at=None).update(deactivated_at=None):
        trail.record(actor, "registered_user.reactivated", subject=user)
    user.refresh_from_db()
    return user


def company_of_origin(
    workspace: Workspace, origin_company_id: str, *, name: str | None = None
) -> Company:
    """The company with this origin id, made when it is the first user's; `name`, where given, becomes its name.

    Raises:
        ValidationError: the id is not allowed.
    """
    company = Company(
        workspace=workspace,
        origin_company_id=origin_company_id,
        origin_company_name=name or "",
    )
    company.clean_fields(exclude={"workspace"})
    with transaction.atomic():
        kept, created = Company.objects.get_or_create(
            workspace=workspace,
            origin_company_id=origin_company_id,
            defaults={"origin_company_name": name or ""},
        )
        if not created and name is not None and name != kept.origin_company_name:
            kept.origin_company_name = name
            kept.save(update_fields=["origin_company_name"])
    return kept


def _check(user: RegisteredUser, wanted: set[str]) -> None:
    parents = {"company", "profile"}
    user.clean_fields(exclude={f.name for f in user._meta.fields} - wanted | parents)
    if user.company is not None and user.company.workspace_id != user.workspace_id:
        raise ValidationError({"company": "This workspace has no such company."})
    if (
        user.profile is not None
        and not user.profile.memberships.filter(workspace_id=user.workspace_id).exists()
    ):
        raise ValidationError(
            {"profile": "This person is not a member of the workspace."}
        )


def _give_default_packs(user: RegisteredUser, actor: Actor) -> None:
    packs = ToolPack.objects.in_workspace(user.workspace_id).filter(
        default_for_new_users=True
    )
    Grant.objects.bulk_create(
        Grant(
            workspace_id=user.workspace_id,
            pack=pack,
            registered_user=user,
            created_by_id=actor.profile_id,
        )
        for pack in packs
    )
