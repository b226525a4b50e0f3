"""The gateway behind a short address that needs no key, because the conformance suite can give neither.

It belongs to the tests: the product has no anonymous mode. `PACK_PATH` and `PACK_KEY` say where `/mcp` leads, and as whom.
"""

import os
import socket
from typing import Any

import uvicorn
from django.conf import settings

from gateway.asgi import application as gateway


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http" and scope["path"] == "/mcp":
        path = os.environ["PACK_PATH"]
        authorization = f"Bearer {os.environ['PACK_KEY']}"
        scope = {
            **scope,
            "path": path,
            "raw_path": path.encode(),
            "headers": [
                *scope["headers"],
                (b"authorization", authorization.encode()),
            ],
        }
    await gateway(scope, receive, send)


class _Announced(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print("Toolcrib is ready, behind the wrapper of the tests", flush=True)  # noqa: T201 - whoever starts it waits for this


if __name__ == "__main__":
    _Announced(
        uvicorn.Config(
            application,
            host="127.0.0.1",
            port=settings.PORT,
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
        )
    ).run()
