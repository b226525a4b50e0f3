"""Opens what an upstream wants to see of us: the tool set's headers, with their secrets filled in."""

import asyncio
import logging
from functools import partial

from django.utils import timezone

from gateway.database import DatabaseAway, in_database
from gateway.identity.remembering import Remembered
from toolpacks.surfaces import SurfaceTool, SurfaceToolSet
from toolsets.adapters.calling import SessionKey, Target
from toolsets.headers import OpenedHeaders, opened_headers
from toolsets.models import ToolSet
from toolsets.usage import note_secret_use

log = logging.getLogger(__name__)

_MOST_TARGETS = 10_000
_RECORD_SECONDS = 60.0
_HOLDER = "tool_set"


class Credentials:
    """The opened targets of this process, each under the generation of its secrets. One per event loop."""

    def __init__(self) -> None:
        self._targets: Remembered[SessionKey, Target] = Remembered(_MOST_TARGETS)
        self._headers: Remembered[SessionKey, OpenedHeaders] = Remembered(_MOST_TARGETS)
        self._used: set[tuple[SessionKey, str]] = set()

    @staticmethod
    def key(tool_set: SurfaceToolSet) -> SessionKey:
        """Under what the tool set's target, and the sessions opened with it, are held."""
        return (
            tool_set.tool_set_id,
            tool_set.adapter_version,
            _HOLDER,
            tool_set.credential_generation,
        )

    def held(self, tool_set: SurfaceToolSet) -> Target | None:
        return self._targets.get(self.key(tool_set))

    async def open(self, workspace_id: str, tool_set: SurfaceToolSet) -> None:
        """Fill in the headers, so that `held` answers; calls that arrive together open them once.

        Raises:
            MissingSecret, HeaderRefused: a header cannot be sent as it stands.
            DatabaseAway: the database does not answer.
        """
        await self._targets.get_or_load(
            self.key(tool_set), partial(self._opened, workspace_id, tool_set)
        )

    def note_use(self, target: Target, tool: SurfaceTool) -> None:
        """Remember that secrets are being sent to the target; they are written down later."""
        self._used.add((target.key, tool.config if target.secrets else ""))

    async def record_use_forever(self) -> None:
        """Once a minute, write down which secrets were used, until cancelled."""
        while True:
            await asyncio.sleep(_RECORD_SECONDS)
            await self.record_use()

    async def record_use(self) -> None:
        """Write down which secrets were used since the last time."""
        used, self._used = self._used, set()
        ids = {
            secret_id
            for key, config in used
            if (headers := self._headers.get(key)) is not None
            for secret_id in headers.used_with(config)
        }
        try:
            await in_database(note_secret_use, ids, at=timezone.now())
        except DatabaseAway:
            log.warning("use of secrets not written")
        except Exception:
            log.exception("use of secrets not written")

    async def _opened(self, workspace_id: str, tool_set: SurfaceToolSet) -> Target:
        key = self.key(tool_set)
        headers = await in_database(_headers, workspace_id, tool_set.tool_set_id)
        self._headers.put(key, headers)
        return Target(
            key=key,
            adapter=tool_set.adapter_type,
            networks=tool_set.networks,
            url=tool_set.url,
            headers=headers.sent,
            secrets=headers.secrets,
            protocol_version=tool_set.protocol_version,
            transport=tool_set.transport,
        )


def _headers(workspace_id: str, tool_set_id: str) -> OpenedHeaders:
    tool_set = ToolSet.objects.in_workspace(workspace_id).filter(pk=tool_set_id).first()
    return opened_headers(tool_set) if tool_set else OpenedHeaders()
