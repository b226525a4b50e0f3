"""Remembers compiled surfaces: as long as their revision stands, within a bound on bytes, compiling each only once."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from gateway.database import in_database
from gateway.identity.remembering import Remembered
from gateway.identity.revisions import Revisions
from toolpacks.surfaces import Missing, PackSurface, UserAccess, compile_pack, load_user

Reference = tuple[str, str]
"""A workspace's id, and how a URL calls a pack or a registered user of it."""

Wanted = tuple[Reference, tuple[str, ...], Revisions]
"""Which surface is compiled, and the tool sets and revisions that are known to stand when that begins."""

_MOST_BYTES = 256 * 1024 * 1024
_MOST_USERS = 50_000


class SurfaceMemory:
    """The surfaces that this process serves. One per event loop."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._packs: OrderedDict[Reference, PackSurface | Missing] = OrderedDict()
        self._users: Remembered[Reference, UserAccess] = Remembered(_MOST_USERS)
        self._compiling: dict[Wanted, asyncio.Future[PackSurface | Missing]] = {}

    async def pack(
        self,
        workspace_id: str,
        reference: str,
        known: PackSurface | None,
        now: Revisions,
    ) -> PackSurface | None:
        """The pack's surface at the revisions `now` or later; None when there is no such pack.

        `now` tells of the tool sets of `known`. When the surface has others, ask about those, and come back with it as
        what is known.

        Raises:
            DatabaseAway: the database does not answer.
        """
        key = (workspace_id, reference)
        held = self._packs.get(key)
        if held is None or not _may_stand(held, known, now):
            held = await self._compiled(key, known, now)
        else:
            self._packs.move_to_end(key)
        return held if isinstance(held, PackSurface) else None

    def known_pack(self, workspace_id: str, reference: str) -> PackSurface | None:
        """The pack's surface as it was last compiled; it may be out of date."""
        held = self._packs.get((workspace_id, reference))
        return held if isinstance(held, PackSurface) else None

    def known_user(self, workspace_id: str, reference: str) -> UserAccess | None:
        """What was last known of the registered user; it may be out of date."""
        return self._users.get((workspace_id, reference))

    async def user(
        self, workspace_id: str, reference: str, known: UserAccess | None, number: int
    ) -> UserAccess | None:
        """The registered user as they are now: what is `known`, while their own revision is still `number`."""
        if known is not None and known.number >= number:
            return known
        loaded = await in_database(load_user, workspace_id, reference)
        if isinstance(loaded, Missing):
            return None
        self._users.put((workspace_id, reference), loaded)
        return loaded

    async def _compiled(
        self, key: Reference, known: PackSurface | None, now: Revisions
    ) -> PackSurface | Missing:
        wanted = (key, known.tool_sets if known else (), now._replace(own=0))
        compiling = self._compiling.get(wanted)
        if compiling is None:
            compiling = self._compiling[wanted] = asyncio.ensure_future(
                in_database(compile_pack, *key)
            )
            compiling.add_done_callback(self._keeper(wanted))
        return await asyncio.shield(compiling)

    def _keeper(
        self, wanted: Wanted
    ) -> Callable[["asyncio.Future[PackSurface | Missing]"], None]:
        def keep(done: "asyncio.Future[PackSurface | Missing]") -> None:
            self._compiling.pop(wanted, None)
            if not done.cancelled() and done.exception() is None:
                self._keep(wanted[0], done.result())

        return keep

    def _keep(self, key: Reference, surface: PackSurface | Missing) -> None:
        held = self._packs.get(key)
        if held is not None and _is_newer(held, surface):
            return
        self._bytes += _size(surface) - (_size(held) if held else 0)
        self._packs[key] = surface
        self._packs.move_to_end(key)
        while self._bytes > self._most_bytes and len(self._packs) > 1:
            _, dropped = self._packs.popitem(last=False)
            self._bytes -= _size(dropped)


def _may_stand(
    held: PackSurface | Missing, known: PackSurface | None, now: Revisions
) -> bool:
    """Whether `now` does not tell that what is held has changed."""
    if isinstance(held, Missing) or known is None or held.tool_sets != known.tool_sets:
        return held.number >= now.shared
    return held.is_current(now)


def _is_newer(held: PackSurface | Missing, other: PackSurface | Missing) -> bool:
    if isinstance(held, PackSurface) and isinstance(other, PackSurface):
        mine, others = (
            (held.number, held.set_numbers),
            (other.number, other.set_numbers),
        )
        return mine > others
    return held.number > other.number


def _size(surface: PackSurface | Missing) -> int:
    return surface.size if isinstance(surface, PackSurface) else 200
