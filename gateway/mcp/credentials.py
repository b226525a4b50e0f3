"""Opens what an upstream wants to see of us: the tool set's headers, with their secrets filled in."""

from functools import partial

from gateway.database import in_database
from gateway.identity.remembering import Remembered
from toolpacks.surfaces import SurfaceToolSet
from toolsets.adapters.calling import SessionKey, Target
from toolsets.headers import resolved_headers, tool_secrets
from toolsets.models import ToolSet

_MOST_TARGETS = 10_000
_HOLDER = "tool_set"


class Credentials:
    """The opened targets of this process, each under the generation of its secrets. One per event loop."""

    def __init__(self) -> None:
        self._targets: Remembered[SessionKey, Target] = Remembered(_MOST_TARGETS)

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

    async def _opened(self, workspace_id: str, tool_set: SurfaceToolSet) -> Target:
        headers, secrets = await in_database(
            _opened, workspace_id, tool_set.tool_set_id
        )
        return Target(
            key=self.key(tool_set),
            adapter=tool_set.adapter_type,
            networks=tool_set.networks,
            url=tool_set.url,
            headers=headers,
            secrets=secrets,
            protocol_version=tool_set.protocol_version,
            transport=tool_set.transport,
        )


def _opened(
    workspace_id: str, tool_set_id: str
) -> tuple[dict[str, str], dict[str, str]]:
    """The headers of the tool set, filled in, and the secrets that those of its tools may name."""
    tool_set = ToolSet.objects.in_workspace(workspace_id).filter(pk=tool_set_id).first()
    return (
        (resolved_headers(tool_set), tool_secrets(tool_set)) if tool_set else ({}, {})
    )
