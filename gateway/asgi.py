"""The ASGI application: MCP endpoints go straight to the gateway, everything else to Django."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import django
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402 - the apps must be loaded first

from gateway.errors import GatewayError  # noqa: E402
from gateway.mcp.endpoint import PATH  # noqa: E402
from gateway.mcp.http import Receive, Scope, Send  # noqa: E402
from gateway.mcp.process import WebProcess  # noqa: E402
from gateway.worker import EmbeddedWorker  # noqa: E402


async def started_worker() -> EmbeddedWorker | None:
    """The worker of this process, where no Redis connects it to others."""
    if settings.REDIS_URL:
        return None
    worker = EmbeddedWorker()
    await asyncio.to_thread(worker.start)
    return worker


class Application:
    """Routes requests, and runs what lives as long as the process."""

    def __init__(
        self,
        *,
        start_worker: Callable[[], Awaitable[EmbeddedWorker | None]] = started_worker,
    ) -> None:
        self._django: Any = get_asgi_application()
        self._process: WebProcess | None = None
        self._start_worker = start_worker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif (door := PATH.fullmatch(scope["path"])) and self._process is not None:
            await self._process.endpoint(scope, receive, send, door[1], door[2])
        else:
            await self._django(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with WebProcess() as self._process:
                worker = await self._start_worker()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                if worker is not None:
                    await asyncio.to_thread(worker.stop)
            await send({"type": "lifespan.shutdown.complete"})
        except GatewayError as exc:
            await send({"type": "lifespan.startup.failed", "message": exc.message})


application = Application()
