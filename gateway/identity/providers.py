"""Numbers that only a higher app knows and a lower one shows: named providers, registered in `AppConfig.ready()`."""

from collections.abc import Callable, Mapping, Sequence

Provider = Callable[[str, Sequence[str]], Mapping[str, int]]
"""Takes a workspace's id and the ids of rows; gives each row's number, leaving out those whose number is zero."""

TOOL_SET_AGENTS = "tool_set.agent_count"
"""How many agent profiles reach each tool set."""

_providers: dict[str, Provider] = {}


def register(name: str, provider: Provider) -> None:
    _providers[name] = provider


def ask(name: str, workspace_id: str, ids: Sequence[str]) -> Mapping[str, int]:
    """Each row's number; empty when no app registered a provider of this name."""
    provider = _providers.get(name)
    return provider(workspace_id, ids) if provider and ids else {}
