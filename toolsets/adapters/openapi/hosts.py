"""Which server an operation is called at, and whether the tool set's headers may go there.

The headers go to one origin: that of `baseUrl`, else that of the document's address, else (a pasted document) that of the
server which the document names. So whoever writes a document cannot have the credentials sent to a place of their own.
"""

from collections.abc import Mapping
from typing import Any

from toolsets.adapters.definitions import ToolMalformed
from toolsets.adapters.failures import DocumentInvalid, ServerNotConfirmed
from toolsets.adapters.openapi.documents import Document
from toolsets.adapters.openapi.operations import Operation
from toolsets.adapters.openapi.servers import address_of, chosen, origin


class Hosts:
    """The servers of a document that came from `found_at` ("" when it was pasted)."""

    def __init__(
        self,
        document: Document,
        adapter: Mapping[str, Any],
        *,
        found_at: str,
        has_headers: bool,
    ) -> None:
        """Choose the server of the document.

        Raises:
            DocumentInvalid: it names none that can be called.
            ServerNotConfirmed: it is elsewhere than the document, and headers would go there.
        """
        self._found_at = found_at
        self._name = adapter.get("serverName") or ""
        self._base_url = (adapter.get("baseUrl") or "").rstrip("/")
        self._given = adapter.get("baseUrl") or adapter.get("url") or ""
        self._base = self._base_url or self._chosen(document)
        if has_headers and self._given and origin(self._base) != origin(self._given):
            raise ServerNotConfirmed(
                f"The document says that its API is at {self._base}, which is not where the document is, so the headers "
                "of the tool set are not sent there. If that is the right place, set baseUrl to it."
            )

    def _chosen(self, document: Document) -> str:
        try:
            server = chosen(document.root.get("servers"), self._name)
            return address_of(server, relative_to=self._found_at)
        except ToolMalformed as exc:
            raise DocumentInvalid(
                f"The document does not say where its API is: {exc.message}. Set baseUrl, or serverName to one it names."
            ) from exc

    def server_of(self, operation: Operation) -> dict[str, str]:
        """Where one operation is, as its configuration says it: the server, and the address given by the operator.

        Raises:
            ToolMalformed: it is on another origin than the document's other operations.
        """
        return {"server": self._address_of(operation), "given": self._given}

    def _address_of(self, operation: Operation) -> str:
        own = operation.raw.get("servers") or operation.path_item.get("servers")
        if self._base_url or not own:
            return self._base
        address = address_of(self._one_of(own), relative_to=self._found_at)
        if origin(address) != origin(self._base):
            raise ToolMalformed(
                f"it is at {address[:120]}, and this tool set calls {self._base[:120]}. "
                "Connect it as a tool set of its own, with that baseUrl"
            )
        return address

    def _one_of(self, servers: Any) -> Mapping[str, Any]:
        try:
            return chosen(servers, self._name)
        except ToolMalformed:
            return chosen(servers, "")
