"""Every REST route and method, taken from the URLconf, asks for a key, for its scope, and for the right it names."""

from collections.abc import Iterator

import pytest

from gateway.identity.models import ApiKey, Workspace
from gateway.identity.roles import Right, Role
from tests.rest import Script, script
from tests.routes import Route, address, methods_of, rest_routes

pytestmark = pytest.mark.django_db

ROUTES = rest_routes()


class _Anything(dict[str, str]):
    """Stands for any object that does not exist."""

    def __missing__(self, key: str) -> str:
        return "ours"


def test_no_route_answers_anybody_without_a_key(workspace: Workspace) -> None:
    stranger = Script(key=None, token="")

    for route, method, path in _every_request(workspace):
        answer = stranger.send(method, path, {})
        assert (answer.status, answer.code) == (401, "not_authenticated"), route


def test_every_route_refuses_a_key_for_the_runtime_alone(workspace: Workspace) -> None:
    runtime = script(workspace, scopes=(ApiKey.Scope.RUNTIME,))

    for route, method, path in _every_request(workspace):
        answer = runtime.send(method, path, {})
        assert (answer.status, answer.code) == (403, "missing_scope"), route


@pytest.mark.parametrize("role", Role.values)
def test_every_route_refuses_exactly_the_roles_without_its_right(
    role: str, workspace: Workspace
) -> None:
    caller = script(workspace, role=Role(role))

    for route, method, path in _every_request(workspace):
        is_refused = caller.send(method, path, {}).status == 403
        assert is_refused is not _has(role, route.view.rights[method]), (route, method)


def _every_request(workspace: Workspace) -> Iterator[tuple[Route, str, str]]:
    """Each route and method, with an address at which there is nothing."""
    for route in ROUTES:
        for method in methods_of(route):
            yield route, method, address(route, _Anything(workspace_id=workspace.pk))


def _has(role: str, right: Right) -> bool:
    """The matrix of the design, written down a second time."""
    return (
        right
        in {
            Role.ADMIN: set(Right),
            Role.DEVELOPER: {Right.READ, Right.BUILD, Right.OWN_KEYS},
            Role.SECURITY: {Right.READ, Right.REVOKE_KEYS, Right.GOVERN},
            Role.READ_ONLY: {Right.READ},
        }[Role(role)]
    )


def test_every_write_needs_more_than_reading() -> None:
    allowed = {
        "RevokeApiKey"
    }  # it asks for the right to revoke itself, or the key's maker

    lax = {
        route.view.__name__
        for route in ROUTES
        for method in methods_of(route)
        if method != "GET" and route.view.rights[method] is Right.READ
    }

    assert lax == allowed
