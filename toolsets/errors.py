"""What more than one process of this app refuses, and the words for it."""

from gateway.errors import Refused


class ToolSetManaged(Refused):
    """A person may not change the tools of a managed set."""

    code = "tool_set_managed"


class ToolSetArchived(Refused):
    """The set is out of service: nothing is sent to its upstream."""

    code = "tool_set_archived"


class ToolsAreSynced(Refused):
    """The set's upstream decides which tools there are."""

    code = "tools_are_synced"


class ExternalIdTaken(Refused):
    """Another row of the same kind has this external id."""

    code = "external_id_taken"

    def __init__(self, kind: str, external_id: str, *, existing_id: str) -> None:
        super().__init__(
            f"The {kind} {existing_id} already has the external id {external_id!r}."
        )
        self.existing_id = existing_id
