"""Knows the workspace in which a signed-in person is, and tells the other processes when somebody changed something."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from gateway import bus
from gateway.identity.callers import Caller, caller_for_person
from gateway.identity.models import Membership, Workspace

WORKSPACE_KEY = "workspace_id"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

GetResponse = Callable[[HttpRequest], HttpResponse]


class CurrentWorkspaceMiddleware:
    """Sets `request.workspace` and `request.caller`; both are None without a session or a membership."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        workspace, caller = None, None
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            workspace, caller = _place_of(request)
        request.workspace, request.caller = workspace, caller  # type: ignore[attr-defined]
        return self._get_response(request)


class AnnounceChangesMiddleware:
    """After each successful unsafe request, wakes whoever waits for news of its workspace."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if request.method not in _SAFE and response.status_code < 400:
            caller: Caller | None = getattr(request, "caller", None)
            if caller is not None:
                bus.publish("workspace-changed", {"workspace": caller.workspace_id})
        return response


def _place_of(request: HttpRequest) -> tuple[Workspace | None, Caller | None]:
    user = request.user
    if not user.is_authenticated:
        return None, None
    places = Membership.objects.filter(profile__user_id=user.pk).select_related(
        "workspace"
    )
    chosen = places.filter(workspace_id=request.session.get(WORKSPACE_KEY, ""))
    place = chosen.first() or places.order_by("created_at", "pk").first()
    if place is None:
        return None, None
    return place.workspace, caller_for_person(user, place.workspace)
