"""What apps above this one tell the dashboard about tool sets: they register here, since nothing imports upwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True, kw_only=True)
class Link:
    """Something that uses a tool set, and where its page is."""

    text: str
    address: str
    note: str = ""


UsersOf = Callable[[HttpRequest, Sequence[str]], dict[str, list[Link]]]
"""For tool set ids, the packs that hold each."""

_providers: list[UsersOf] = []


def register(users_of: UsersOf) -> None:
    if users_of not in _providers:
        _providers.append(users_of)


def users_of(request: HttpRequest, tool_sets: Sequence[Any]) -> dict[str, list[Link]]:
    """Who uses each of these tool sets, by id."""
    ids = [tool_set.pk for tool_set in tool_sets]
    users: dict[str, list[Link]] = {pk: [] for pk in ids}
    for provider in _providers:
        for pk, links in provider(request, ids).items():
            users[pk].extend(links)
    return users
