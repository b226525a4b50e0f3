"""REST about registered users and the packs that they have."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.identity.api.base import WorkspaceView
from gateway.identity.editing import settled
from gateway.identity.models import RegisteredUser
from gateway.identity.roles import Right
from gateway.rest.addresses import EXTERNAL_ID
from gateway.rest.numbered_pages import NUMBERED_PAGE, numbered_page
from gateway.rest.operations import operation
from gateway.rest.updates import errors_at
from toolpacks import enrolling, granting
from toolpacks.api.answers import grant_json, packs_json, user_json
from toolpacks.api.lists import UserList
from toolpacks.api.serializers import UserBody, UserChanges
from toolpacks.api.shapes import (
    GrantPage,
    GrantShape,
    RegisteredUserPage,
    RegisteredUserShape,
    ToolPackPage,
)
from toolpacks.api.views import PackView
from toolpacks.models import Grant, ToolPack

_ERROR_PATHS = {
    "name": ("origin_user_name",),
    "email": ("origin_user_email",),
    "company": ("shared_credential_group",),
    "origin_company_id": ("shared_credential_group", "origin_company_id"),
    "origin_company_name": ("shared_credential_group", "origin_company_name"),
}


class UserView(WorkspaceView):
    """What views about registered users have in common."""

    topic = "Registered users"

    def user(self, reference: str) -> RegisteredUser:
        """The user with this id, or with `external_id:<origin user id>`."""
        rows = RegisteredUser.objects.in_workspace(self.caller.workspace_id)
        chosen = {"pk": reference}
        if reference.startswith(EXTERNAL_ID):
            chosen = {"origin_user_id": reference.removeprefix(EXTERNAL_ID)}
        user: RegisteredUser | None = (
            rows.select_related("company").filter(**chosen).first()
        )
        if user is None:
            raise Http404
        return user

    def with_company(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields of a domain call, with the company's row for what was said of it."""
        if "shared_credential_group" not in fields:
            return fields
        group = fields.pop("shared_credential_group")
        company = group and enrolling.company_of_origin(
            self.workspace,
            group["origin_company_id"],
            name=group.get("origin_company_name"),
        )
        return {**fields, "company": company}


class RegisteredUsers(UserView):
    """The registered users of the workspace."""

    rights: ClassVar = {"GET": Right.READ, "POST": Right.BUILD}

    @operation(
        "listRegisteredUsers",
        "List registered users",
        answers={200: RegisteredUserPage},
        query=[*NUMBERED_PAGE, UserList],
    )
    def get(self, request: Request) -> Response:
        rows = RegisteredUser.objects.in_workspace(self.caller.workspace_id)
        chosen = UserList.chosen(rows.select_related("company"), request.query_params)
        return numbered_page(
            chosen.order_by("pk"), request, lambda users: map(user_json, users)
        )

    @operation(
        "enrollRegisteredUser",
        "Enrol a registered user, once for each origin id",
        body=UserBody,
        answers={201: RegisteredUserShape, 200: RegisteredUserShape},
    )
    def post(self, request: Request) -> Response:
        """Enrol a user; one who is known already is answered as they are, with 200."""
        body = UserBody(data=self.body)
        body.is_valid(raise_exception=True)
        with errors_at(_ERROR_PATHS):
            user, created = enrolling.enroll_user(
                self.workspace,
                **self.with_company(dict(body.validated_data)),
                actor=self.actor,
            )
        return Response(user_json(user), status=201 if created else 200)


class OneRegisteredUser(UserView):
    """One registered user. DELETE deactivates them; what is recorded of them stays."""

    rights: ClassVar = {
        "GET": Right.READ,
        "PATCH": Right.BUILD,
        "DELETE": Right.BUILD,
    }

    @operation(
        "getRegisteredUser",
        "Get a registered user",
        answers={200: RegisteredUserShape},
    )
    def get(self, request: Request, user: str) -> Response:
        return Response(user_json(self.user(user)))

    @operation(
        "updateRegisteredUser",
        "Change a registered user",
        body=UserChanges,
        answers={200: RegisteredUserShape},
        refusals=(409,),
    )
    def patch(self, request: Request, user: str) -> Response:
        held = self.user(user)
        body = UserChanges(data=self.body)
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        if fields.pop("origin_user_id", held.origin_user_id) != held.origin_user_id:
            raise ValidationError(
                {"origin_user_id": "The origin id of a registered user never changes."}
            )
        is_active = fields.pop("is_active", None)
        with errors_at(_ERROR_PATHS):
            fields = self.with_company(fields)
            settled(
                lambda: enrolling.change_user(
                    self.user(held.pk), **fields, actor=self.actor
                )
            )
        if is_active is True:
            enrolling.reactivate_user(held, actor=self.actor)
        elif is_active is False:
            enrolling.deactivate_user(held, actor=self.actor)
        return Response(user_json(self.user(held.pk)))

    @operation(
        "deactivateRegisteredUser",
        "Deactivate a registered user",
        answers={204: None},
    )
    def delete(self, request: Request, user: str) -> Response:
        enrolling.deactivate_user(self.user(user), actor=self.actor)
        return Response(status=204)


class PacksOfUser(UserView):
    """The packs that a registered user has."""

    rights: ClassVar = {"GET": Right.READ}

    @operation(
        "listPacksOfUser",
        "List the packs that a registered user has",
        answers={200: ToolPackPage},
        query=NUMBERED_PAGE,
    )
    def get(self, request: Request, user: str) -> Response:
        rows = ToolPack.objects.in_workspace(self.caller.workspace_id)
        rows = rows.filter(grants__registered_user=self.user(user))
        return numbered_page(rows.order_by("created_at", "pk"), request, packs_json)


class UsersOfPack(PackView):
    """The grants of a pack: which registered users have it."""

    rights: ClassVar = {"GET": Right.READ}

    @operation(
        "listUsersOfPack",
        "List which registered users have a pack",
        answers={200: GrantPage},
        query=NUMBERED_PAGE,
    )
    def get(self, request: Request, pack: str) -> Response:
        rows = Grant.objects.in_workspace(self.caller.workspace_id).filter(
            pack=self.pack(pack)
        )
        return numbered_page(
            rows.order_by("pk"), request, lambda grants: map(grant_json, grants)
        )


class OneGrant(UserView, PackView):
    """Whether a registered user has a pack: PUT gives it, DELETE takes it back."""

    rights: ClassVar = {"PUT": Right.BUILD, "DELETE": Right.BUILD}

    @operation(
        "grantPack",
        "Give a registered user a pack",
        answers={201: GrantShape, 200: GrantShape},
    )
    def put(self, request: Request, user: str, pack: str) -> Response:
        given, created = granting.grant(
            self.pack(pack), self.user(user), actor=self.actor
        )
        return Response(grant_json(given), status=201 if created else 200)

    @operation(
        "withdrawPack", "Take a pack from a registered user", answers={204: None}
    )
    def delete(self, request: Request, user: str, pack: str) -> Response:
        if not granting.withdraw(self.pack(pack), self.user(user), actor=self.actor):
            raise Http404
        return Response(status=204)
