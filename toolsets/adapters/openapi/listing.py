"""Lists the operations of an OpenAPI document as tools."""

from collections.abc import Iterator
from time import monotonic

from gateway import network
from gateway.errors import GatewayError
from toolsets.adapters.definitions import ToolMalformed
from toolsets.adapters.failures import (
    AddressNotAllowed,
    CredentialNotAccepted,
    ListingFailed,
    ListingTimedOut,
    ListingTooLarge,
    NotFollowed,
    TooManyTools,
    UpstreamNotReached,
)
from toolsets.adapters.listing import Listing, OnProgress, Source
from toolsets.adapters.openapi import documents, names
from toolsets.adapters.openapi.documents import Document
from toolsets.adapters.openapi.hosts import Hosts
from toolsets.adapters.openapi.operations import Operation, ToolWriter, operations_of
from toolsets.adapters.openapi.security import Security
from toolsets.adapters.openapi.servers import origin

_MOST_PACKED = 256 * 1024 * 1024


def list_tools(source: Source, on_progress: OnProgress) -> Listing:
    """Read the document of `source`, and make a tool of each operation.

    Raises:
        ListingFailed: in one of its kinds, each with a `code` of its own.
    """
    ends_at = monotonic() + source.timeout_seconds
    content, found_at = _content(source)
    document = documents.read(content)
    listing = Listing(document=documents.packed_as_json(document))
    headers_set = frozenset(name.lower() for name in source.headers)
    security = Security(document=document, headers_set=headers_set)
    hosts = Hosts(
        document, source.adapter, found_at=found_at, has_headers=bool(source.headers)
    )
    writer = ToolWriter(document, headers_set=headers_set)
    room = _MOST_PACKED
    for name, operation in _named(document, listing, source.max_tools):
        if monotonic() > ends_at:
            raise ListingTimedOut(
                f"The document could not be read within {source.timeout_seconds:g} seconds."
            )
        room -= _add(listing, operation, name, writer, hosts)
        if room < 0:
            raise ListingTooLarge(
                f"The tools of the document take more than {_MOST_PACKED // 1024**2} MiB. Give a smaller document."
            )
        security.take(operation.raw)
        on_progress(len(listing.tools))
    listing.notes = [note] if (note := security.note()) else []
    listing.wanted_headers = security.headers()
    listing.is_complete = True
    return listing


def _content(source: Source) -> tuple[bytes, str]:
    """The document's text, and the address that it was found at in the end: "" when it was pasted."""
    if pasted := source.adapter.get("document"):
        return pasted.encode(errors="replace"), ""
    url, base_url = source.adapter["url"], source.adapter.get("baseUrl")
    goes_there_too = not base_url or origin(base_url) == origin(url)
    try:
        fetched = network.fetch(
            url,
            headers=source.headers if goes_there_too else {},
            networks=source.networks,
            timeout_seconds=source.timeout_seconds,
            max_bytes=documents.MOST_BYTES,
        )
    except GatewayError as exc:
        raise _named_failure(exc) from exc
    return fetched.body, fetched.final_url


def _named_failure(failure: GatewayError) -> ListingFailed:
    if isinstance(failure, network.FetchAnswered):
        return _answered(failure)
    kinds: dict[type[GatewayError], type[ListingFailed]] = {
        network.AddressRefused: AddressNotAllowed,
        network.RedirectRefused: NotFollowed,
        network.ResponseTooLarge: ListingTooLarge,
        network.FetchTimedOut: ListingTimedOut,
        network.FetchFailed: UpstreamNotReached,
    }
    kind = next(kind for error, kind in kinds.items() if isinstance(failure, error))
    return kind(failure.message)


def _answered(failure: network.FetchAnswered) -> ListingFailed:
    if failure.status in {401, 403}:
        return CredentialNotAccepted(
            f"The document may not be read: HTTP status {failure.status}. Look at the headers of the tool set."
        )
    return ListingFailed(
        f"There is no document at this address: HTTP status {failure.status}."
    )


def _named(
    document: Document, listing: Listing, max_tools: int
) -> Iterator[tuple[str, Operation]]:
    operations = []
    for one in operations_of(document):
        if isinstance(one, Operation):
            operations.append(one)
        else:
            listing.skip(*one)
        if len(operations) > max_tools:
            raise TooManyTools(
                f"The document has more than {max_tools:,} operations. SYNC_MAX_TOOLS sets the limit."
            )
    called = names.named((one.path, one.method, one.raw) for one in operations)
    return zip(called, operations, strict=True)


def _add(
    listing: Listing, operation: Operation, name: str, writer: ToolWriter, hosts: Hosts
) -> int:
    """Add the tool of one operation, or skip it; the bytes that it takes."""
    try:
        definition = writer.definition(
            operation, name=name, server=hosts.server_of(operation)
        )
    except ToolMalformed as exc:
        listing.skip(operation.label, exc.message)
        return 0
    listing.add(definition)
    return len(definition.packed)
