"""The base of every admin page: unfold behind names of ours, one workspace at a time, rights by role."""

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import (
    Field,
    ForeignKey,
    ManyToManyField,
    Model,
    QuerySet,
    TextField,
)
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from gateway.audit.differences import differences
from gateway.audit.models import AuditEvent
from gateway.audit.trail import Actor
from gateway.errors import GatewayError
from gateway.identity.admin_edits import Edited
from gateway.identity.callers import Caller
from gateway.identity.editing import hold, settled
from gateway.identity.models import Workspace
from gateway.identity.ownership import WorkspaceOwned, WorkspaceQuerySet
from gateway.identity.roles import Right

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.contrib.admin import display
    from django.contrib.admin.views.main import ChangeList
    from django.core.paginator import Paginator as UncountedPaginator

    _Django = _ModelAdmin[Any]
    ModelAdmin = _ModelAdmin[Any]
    ModelForm = forms.ModelForm[Any]
    Textarea = forms.Textarea
else:
    ModelForm = forms.ModelForm
    from django.contrib.admin import ModelAdmin as _Django
    from unfold.admin import ModelAdmin
    from unfold.decorators import display
    from unfold.paginator import InfinitePaginator as UncountedPaginator
    from unfold.views import ChangeList
    from unfold.widgets import UnfoldAdminExpandableTextareaWidget as Textarea

__all__ = [
    "ChangeList",
    "ModelAdmin",
    "ModelForm",
    "SuperuserAdmin",
    "UncountedPaginator",
    "WorkspaceAdmin",
    "actor_of",
    "caller_of",
    "display",
    "may",
    "workspace_of",
]


_ONE_WAY_TO_SAVE = {
    "show_save_and_add_another": False,
    "show_save_and_continue": False,
}


def caller_of(request: HttpRequest) -> Caller:
    """The person behind this request, in the workspace they are in.

    Raises:
        PermissionDenied: they are in none.
    """
    caller: Caller | None = getattr(request, "caller", None)
    if caller is None:
        raise PermissionDenied
    return caller


def workspace_of(request: HttpRequest) -> Workspace:
    """The current workspace.

    Raises:
        PermissionDenied: there is none.
    """
    workspace: Workspace | None = getattr(request, "workspace", None)
    if workspace is None:
        raise PermissionDenied
    return workspace


def actor_of(request: HttpRequest) -> Actor:
    """The person behind this request, as the audit trail names them."""
    return caller_of(request).actor(
        source=AuditEvent.Source.ADMIN, address=request.META.get("REMOTE_ADDR", "")
    )


def may(request: HttpRequest, right: Right | None) -> bool:
    """Whether the person may use `right` in the current workspace; nobody may use None."""
    caller: Caller | None = getattr(request, "caller", None)
    return caller is not None and right is not None and caller.has(right)


class _Untransacted(_Django):
    """Django's admin without its one transaction around a whole request, in which a large form is read and judged.

    What a form saves is one call of the domain, which opens a short transaction of its own; `save_model` opens one where
    there are several calls.
    """

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]


if TYPE_CHECKING:
    _Frame = _Untransacted
else:

    class _Frame(ModelAdmin, _Untransacted):
        """Unfold's admin, which ends in ours instead of Django's."""


class SpokenErrors(_Frame):
    """Shows what the domain refuses as an error of the form, never as a broken page."""

    formfield_overrides = {TextField: {"widget": Textarea}}
    change_form_before_template = "toolcrib/seen.html"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = {**_ONE_WAY_TO_SAVE, **(extra_context or {})}
        show = partial(super().changeform_view, request, object_id, form_url, context)
        try:
            return settled(show)
        except (GatewayError, ValidationError) as exc:
            # Nothing was saved; the same form is shown again, with the reason.
            request.refusal = exc  # type: ignore[attr-defined]
            return show()

    def get_form(
        self,
        request: HttpRequest,
        obj: Any | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if kwargs.get("fields", True) is None:  # Django asks what fields there could be
            return form
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        hidden = [name for name in form.declared_fields if name not in shown]
        if hidden:  # what a person does not see, they do not fill in
            form = type(form.__name__, (form,), dict.fromkeys(hidden))
        if obj is not None:
            reader = getattr(getattr(request, "caller", None), "profile_id", "")
            form = type(form.__name__, (Edited, form), {"reader": reader})
        refusal = getattr(request, "refusal", None)
        return form if refusal is None else _refused(form, refusal)

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = {**(extra_context or {}), "says": getattr(self, "delete_says", "")}
        delete = partial(super().delete_view, request, object_id, context)
        try:
            return settled(delete)
        except GatewayError as exc:
            messages.error(request, exc.message)
            return HttpResponseRedirect(self.address("change", object_id))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name only what is deleted: what hangs on it is the database's business, and may be thousands of rows."""
        return [str(obj) for obj in objs], {}, set(), []

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # it would pass by the domain
        return actions

    def address(self, page: str, *args: object) -> str:
        """The URL of one of this admin's pages."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=[str(arg) for arg in args])

    def page(
        self,
        request: HttpRequest,
        template: str,
        *,
        title: str,
        status: int = 200,
        **context: Any,
    ) -> TemplateResponse:
        """A page of ours in the frame of the dashboard."""
        request.current_app = self.admin_site.name
        frame = self.admin_site.each_context(request)
        return TemplateResponse(
            request,
            template,
            {**frame, "opts": self.opts, "title": title, **context},
            status=status,
        )

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The audit trail is written by the domain; Django's own log would say it twice."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """See `log_addition`."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """See `log_addition`."""

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        raise Http404

    def _get_obj_does_not_exist_redirect(self, *_: Any) -> NoReturn:
        raise Http404  # missing and foreign look the same


class WorkspaceAdmin(SpokenErrors):
    """The admin of rows that belong to a workspace: only the current one's, by the rights of the person's role.

    A right that is None is nobody's: facts are read only, and what ends otherwise is not deleted.
    """

    right_to_view: ClassVar[Right] = Right.READ
    right_to_add: ClassVar[Right | None] = None
    right_to_change: ClassVar[Right | None] = None
    right_to_delete: ClassVar[Right | None] = None

    list_per_page = 50
    show_facets = ShowFacets.NEVER  # they count the whole table
    show_full_result_count = False
    view_on_site = False
    delete_says = "This cannot be undone."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        workspace: Workspace | None = getattr(request, "workspace", None)
        return rows.filter(workspace_id=workspace.pk) if workspace else rows.none()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, self.right_to_view)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.right_to_view) and _is_here(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.right_to_add)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.right_to_change) and _is_here(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.right_to_delete) and _is_here(request, obj)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        kwargs.update(_choices(db_field, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        kwargs.update(_choices(db_field, request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(
        self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        for link in ("can_add_related", "can_change_related", "can_view_related"):
            if field is not None and hasattr(field.widget, link):
                setattr(field.widget, link, False)
        return field

    def row(self, request: HttpRequest, object_id: str) -> Any:
        """The row of the current workspace with this id.

        Raises:
            Http404: it is missing, or another workspace's.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return row

    def require(self, request: HttpRequest, right: Right | None) -> None:
        """Raise PermissionDenied unless the person has `right` and posts: state changes by POST alone."""
        if request.method != "POST" or not may(request, right):
            raise PermissionDenied

    def saved(self, obj: Model, made: Model) -> None:
        """Let the form's instance stand for the row that a domain function made."""
        obj.__dict__.update(made.__dict__)


class SuperuserAdmin(SpokenErrors):
    """The admin of what stands above workspaces: superusers only."""

    list_per_page = 50
    view_on_site = False

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        columns = [f.name for f in obj._meta.concrete_fields if f.name in form.fields]
        changes = differences(form.found, {n: getattr(obj, n) for n in columns})
        with transaction.atomic():
            hold(form.found, changes)
            obj.save(update_fields=sorted(changes))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _is_superuser(request: HttpRequest) -> bool:
    user = request.user
    return user.is_active and user.is_superuser


def _is_here(request: HttpRequest, obj: Any) -> bool:
    return obj is None or obj.workspace_id == workspace_of(request).pk


def _choices(db_field: Any, request: HttpRequest) -> dict[str, Any]:
    """Only rows of the current workspace can be chosen."""
    related = db_field.remote_field.model
    if not issubclass(related, WorkspaceOwned):
        return {}
    rows = WorkspaceQuerySet(related)
    return {"queryset": rows.in_workspace(workspace_of(request)).order_by("pk")}


def _refused(
    form: type[ModelForm], refusal: GatewayError | ValidationError
) -> type[ModelForm]:
    reason = refusal.message if isinstance(refusal, GatewayError) else refusal

    def clean(self: ModelForm) -> None:
        form.clean(self)
        if isinstance(reason, str) or not hasattr(reason, "error_dict"):
            self.add_error(None, reason)
            return
        renamed = getattr(self, "refusal_fields", {})
        for said, errors in reason.error_dict.items():
            field = renamed.get(said, said)
            self.add_error(field if field in self.fields else None, errors)

    return type(form.__name__, (form,), {"clean": clean})
