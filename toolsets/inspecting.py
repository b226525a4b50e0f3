"""Looks at what an OpenAPI document would bring in, before a tool set that reads it is saved."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, ClassVar

from django.conf import settings

from gateway.audit import trail
from gateway.audit.trail import Actor
from gateway.errors import Refused
from toolsets.adapters.failures import ListingFailed, listing_failed
from toolsets.adapters.lister import list_tools
from toolsets.adapters.listing import Listing, Source
from toolsets.adapters.settings import check_adapter
from toolsets.confidential import restored, secrets_in
from toolsets.destinations import check_credentials_stay
from toolsets.documents import adapter_with_document, as_kept
from toolsets.header_rules import names_in, resolve
from toolsets.headers import OpenedHeaders, secret_values
from toolsets.models import ToolSet
from toolsets.previewing import Preview, preview_of

_LONGEST_SECONDS = 60
_MOST_AT_ONCE = 3
_MOST_OF_A_WORKSPACE = 2

_under_way: Counter[str] = Counter()
_turns = Lock()


class InspectionsBusy(Refused):
    """As many documents are read for previews as one process of the web reads at once: each takes a process of its own."""

    code: ClassVar[str] = "inspections_busy"


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a sync would make of the document, with what it would skip, and headers that would open its operations."""

    preview: Preview
    skipped: list[str]
    skipped_count: int
    notes: list[str]
    wanted_headers: list[tuple[str, str]]


def inspect(
    tool_set: ToolSet,
    *,
    adapter: Mapping[str, Any],
    secrets: Mapping[str, str],
    actor: Actor,
) -> Inspection:
    """Read the document of `adapter` as a sync of `tool_set`, saved or not, would; nothing of it is kept.

    `secrets` are those that somebody is about to store with it; they come before those that are stored.

    Raises:
        ValidationError: the adapter is wrong; entries are named `adapter.<member>`.
        CredentialsStay: what the set keeps would go elsewhere, and the actor's role may not read it. Nothing was read.
        InspectionsBusy: too many are under way. Nothing was read.
        MissingSecret, HeaderRefused, ListingFailed: it cannot be read.
    """
    given = as_kept(adapter, current=tool_set.adapter)
    adapter = restored(adapter, tool_set.adapter, at="adapter.headers")
    kept = restored(given, tool_set.adapter, at="adapter.headers")
    check_adapter(ToolSet.AdapterType.OPENAPI, kept)
    check_credentials_stay(tool_set, given, actor=actor)
    headers = adapter.get("headers") or {}
    known = {**secret_values(tool_set, names_in(headers)), **secrets}
    opened = OpenedHeaders(
        sent=resolve(headers, known), secrets=known, typed=tuple(secrets_in(adapter))
    )
    with _turn(tool_set.workspace_id):
        trail.record(
            actor,
            "tool_set.inspected",
            subject=tool_set,
            changes={"url": [None, adapter.get("url", "")]},
        )
        listing = _listed(tool_set, adapter, opened)
    return Inspection(
        preview=preview_of(listing.tools.values(), adapter),
        skipped=[opened.masked(said) for said in listing.skipped],
        skipped_count=listing.skipped_count,
        notes=listing.notes,
        wanted_headers=[(name, value) for name, value in listing.wanted_headers],
    )


@contextmanager
def _turn(workspace_id: str) -> Iterator[None]:
    """One of the few turns of this process, of which no workspace takes all."""
    with _turns:
        if (
            _under_way.total() >= _MOST_AT_ONCE
            or _under_way[workspace_id] >= _MOST_OF_A_WORKSPACE
        ):
            raise InspectionsBusy(
                "Other documents are being read just now. Try again in a moment."
            )
        _under_way[workspace_id] += 1
    try:
        yield
    finally:
        with _turns:
            _under_way[workspace_id] -= 1
            if not _under_way[workspace_id]:
                del _under_way[workspace_id]


def _listed(
    tool_set: ToolSet, adapter: Mapping[str, Any], opened: OpenedHeaders
) -> Listing:
    source = Source(
        adapter_type=ToolSet.AdapterType.OPENAPI,
        adapter={k: v for k, v in _whole(tool_set, adapter).items() if k != "headers"},
        headers=opened.sent,
        networks=tool_set.reachable_networks,
        timeout_seconds=min(settings.SYNC_TIMEOUT_SECONDS, _LONGEST_SECONDS),
        max_tools=settings.SYNC_MAX_TOOLS,
        proxy=settings.UPSTREAM_PROXY,
    )
    try:
        return list_tools(source, on_progress=lambda _: None)
    except ListingFailed as exc:
        raise listing_failed(exc.code, opened.masked(exc.message)) from exc


def _whole(tool_set: ToolSet, adapter: Mapping[str, Any]) -> Mapping[str, Any]:
    """The adapter with the document itself, where it refers to the one that the set keeps."""
    kept = tool_set.adapter.get("document")
    if not kept or adapter.get("document") != kept:
        return adapter
    return {**adapter, "document": adapter_with_document(tool_set)["document"]}
