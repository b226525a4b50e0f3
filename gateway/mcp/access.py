"""Who is at the door, and what they came for: a token and a URL become a visit, true at this moment."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import GatewayError, Refused
from gateway.identity.callers import Caller
from gateway.identity.keys import Claims
from gateway.identity.models import ApiKey
from gateway.identity.remembering import CallerMemory
from gateway.identity.revisions import RevisionReader, Revisions
from gateway.lane import Lane
from toolpacks.surface_memory import SurfaceMemory
from toolpacks.surfaces import PackSurface, UserAccess

_LONGEST_REFERENCE = 160


class NotHere(GatewayError):
    """There is no such pack or registered user for this caller."""

    code = "not_found"


class KeyNotAllowed(Refused):
    """The key is good, but not for this."""

    code = "key_not_allowed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """Which MCP endpoint a request came to, and with which token."""

    token: str
    pack: str
    registered_user: str

    def __repr__(self) -> str:
        return f"<Door {self.pack}>"

    @property
    def may_lead_somewhere(self) -> bool:
        """Whether the database need be asked: no pack and no user is called by so much, or by such characters."""
        references = (self.pack, self.registered_user)
        return all(len(r) <= _LONGEST_REFERENCE and "\0" not in r for r in references)


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """A caller at a pack, on behalf of a registered user."""

    caller: Caller
    pack: PackSurface
    user: UserAccess


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the database about what is true now, already on its way."""

    door: Door
    claims: Claims
    pack: PackSurface | None
    user: UserAccess | None
    revisions: Awaitable[Revisions]

    def is_about(self, pack: PackSurface) -> bool:
        """Whether the answer tells of every tool set that shapes `pack`."""
        return pack is self.pack or (
            self.pack is not None and pack.tool_sets == self.pack.tool_sets
        )


class Callers(Protocol):
    """Who stands behind a token, as `CallerMemory` tells it."""

    def claims(self, token: str) -> Claims: ...

    def known(self, claims: Claims, shared_revision: int) -> Caller | None: ...

    async def caller(self, claims: Claims, shared_revision: int) -> Caller: ...


class Access:
    """Opens doors, remembering what cannot have changed. One per event loop."""

    def __init__(self, lane: Lane, callers: Callers | None = None) -> None:
        self.revisions = RevisionReader(lane)
        self._callers = callers or CallerMemory()
        self._surfaces = SurfaceMemory()

    async def enter(self, door: Door) -> Visit:
        """The visit as it is in the database at some moment after this call.

        Raises:
            TokenInvalid: the token is forged, expired, rotated away or revoked.
            KeyNotAllowed: the key may not call tools, not here, or not for this user.
            NotHere: no such pack or registered user, or the pack was not granted.
            DatabaseAway: the database does not answer.
        """
        return await self.answered(self.ask(door))

    def recall(self, door: Door) -> Visit | None:
        """The visit as it was when somebody last looked; whoever uses it must `ask` before anything leaves the house.

        Raises:
            TokenInvalid: the token is forged or expired.
        """
        claims = self._callers.claims(door.token)
        pack = self._surfaces.known_pack(claims.workspace_id, door.pack)
        user = self._surfaces.known_user(claims.workspace_id, door.registered_user)
        caller = self._callers.known(claims, pack.number) if pack else None
        if pack is None or user is None or caller is None:
            return None
        try:
            return _checked(caller, pack, user)
        except GatewayError:
            return None

    def ask(self, door: Door) -> Asked:
        """Ask the database now; `answered` waits for what it says. Raises TokenInvalid as `recall`."""
        claims = self._callers.claims(door.token)
        pack = self._surfaces.known_pack(claims.workspace_id, door.pack)
        return self._ask(door, claims, pack)

    def _ask(self, door: Door, claims: Claims, pack: PackSurface | None) -> Asked:
        user = self._surfaces.known_user(claims.workspace_id, door.registered_user)
        revisions = self.revisions.current(
            claims.workspace_id,
            user.registered_user_id if user else "",
            pack.tool_sets if pack else (),
        )
        return Asked(door, claims, pack, user, revisions)

    async def answered(self, asked: Asked) -> Visit:
        """The visit as it is in the database at some moment after it was asked for. Raises as `enter`."""
        while True:
            now = await asked.revisions
            workspace, door = asked.claims.workspace_id, asked.door
            caller = await self._callers.caller(asked.claims, now.shared)
            if not door.may_lead_somewhere:
                return _checked(caller, None, None)
            pack = await self._surfaces.pack(workspace, door.pack, asked.pack, now)
            if pack is not None and not asked.is_about(pack):
                asked = self._ask(door, asked.claims, pack)
                continue
            user = await self._surfaces.user(
                workspace, door.registered_user, asked.user, now.own
            )
            return _checked(caller, pack, user)


def _checked(
    caller: Caller, pack: PackSurface | None, user: UserAccess | None
) -> Visit:
    if ApiKey.Scope.RUNTIME not in caller.scopes:
        raise KeyNotAllowed("This API key does not have the scope runtime:all.")
    if pack is None or user is None or not user.is_active:
        raise NotHere(
            "There is no such tool pack or registered user. Check the MCP URL."
        )
    if caller.is_limited_to_packs and caller.key_id not in pack.limited_keys:
        raise KeyNotAllowed("This API key may not use this tool pack.")
    if not caller.may_act_for(user.registered_user_id):
        raise KeyNotAllowed("This API key may not act for this registered user.")
    if pack.is_granted_only and pack.pack_id not in user.packs:
        raise NotHere(
            "There is no such tool pack or registered user. Check the MCP URL."
        )
    return Visit(caller=caller, pack=pack, user=user)
