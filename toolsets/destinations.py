"""Where the credentials of a tool set go, and who may have them go elsewhere.

Who may not read a credential must not get it sent to a place of their own choosing either.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, ClassVar

from gateway.audit.trail import Actor
from gateway.errors import Refused
from gateway.identity.roles import Right, allows
from toolsets.adapters.openapi.servers import origin
from toolsets.confidential import confidential_headers, kept_headers
from toolsets.models import Secret, Tool, ToolSet

_MOST_NAMED = 10


class CredentialsStay(Refused):
    """Credentials would go to another place on the word of somebody who may not read them."""

    code: ClassVar[str] = "credentials_stay"


def destination(adapter: Mapping[str, Any]) -> Hashable:
    """What decides which host an adapter's headers go to: an origin or, of a pasted document, its server."""
    address = adapter.get("baseUrl") or adapter.get("url")
    if not address:
        return str(adapter.get("document")), str(adapter.get("serverName") or "")
    try:
        return origin(str(address))
    except ValueError:  # not an address, which is refused elsewhere
        return str(address)


def check_credentials_stay(tool_set: ToolSet, adapter: Any, *, actor: Actor) -> None:
    """Judge the adapter that `tool_set` is about to have, as it was given: with `confidential.MASK` for what is kept.

    A header value that comes with it is nobody else's, and goes where it is told to.

    Raises:
        CredentialsStay: what the set keeps would go elsewhere, and the role of `actor` may not read it.
    """
    if allows(actor.role, Right.KEYS) or not isinstance(adapter, Mapping):
        return
    if destination(adapter) == destination(tool_set.adapter):
        return
    if kept := list(_kept(tool_set, adapter)):
        more = ", and others" if len(kept) > _MOST_NAMED else ""
        raise CredentialsStay(
            "With this change, credentials that your role may not read would go to another address: "
            f"{', '.join(kept[:_MOST_NAMED])}{more}. "
            "Type the values of headers again together with the address, or ask an admin."
        )


def _kept(tool_set: ToolSet, adapter: Mapping[str, Any]) -> Iterator[str]:
    """What the set would send to the new place of what it has, in words."""
    for name in kept_headers(adapter):
        yield f"the header {name}"
    for name in _own_secrets(tool_set):
        yield f"the secret {name} of this tool set"
    yield from _kept_by_tools(tool_set)


def _own_secrets(tool_set: ToolSet) -> list[str]:
    """Also those that no header names now: one may name them again later."""
    rows = Secret.objects.in_workspace(tool_set.workspace_id)
    own = rows.filter(tool_set_id=tool_set.pk).order_by("name")
    return list(own.values_list("name", flat=True))


def _kept_by_tools(tool_set: ToolSet) -> Iterator[str]:
    if tool_set.is_syncable:
        return
    tools = Tool.objects.in_workspace(tool_set.workspace_id).filter(
        tool_set_id=tool_set.pk
    )
    own = tools.exclude(config__headers=None).order_by("name", "pk")
    for tool, headers in own.values_list("name", "config__headers"):
        for name in confidential_headers({"headers": headers}):
            yield f"the header {name} of the tool {tool}"
