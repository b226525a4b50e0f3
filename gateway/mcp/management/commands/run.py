"""`manage.py run`: prepares the database, makes the demo on first run, and serves until Ctrl-C."""

import argparse
import contextlib
import json
import socket
from pathlib import Path
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from gateway.errors import GatewayError
from gateway.identity.installation import check_fit
from gateway.identity.models import Account
from gateway.mcp import demo
from gateway.mcp.demo import Demo
from gateway.mcp.example import ExampleServer
from gateway.mcp.listeners import end_streams

_GRACE_SECONDS = 5


class Command(BaseCommand):
    help = (
        "Migrate, make the demo on first run, and serve on HOST and PORT until Ctrl-C."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--no-demo",
            action="store_true",
            help="neither make the demo nor run its example server",
        )

    def handle(self, *args: Any, no_demo: bool, **options: Any) -> None:
        listener = _listen(settings.HOST, settings.PORT)
        try:
            with ExampleServer() as example:
                Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
                call_command("migrate", verbosity=0, interactive=False)
                check_fit()
                shown = None if no_demo else _demo(example)
                with contextlib.suppress(KeyboardInterrupt):
                    _serve(listener, announcement=_announcement(shown))
        except GatewayError as exc:
            raise CommandError(exc.message) from exc
        finally:
            listener.close()
        self.stdout.write("Toolcrib has stopped. Everything it knew is still there.")


def _listen(host: str, port: int) -> socket.socket:
    """Take the port first, so that a busy one is said before anything is changed."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as exc:
        raise CommandError(
            f"Cannot listen on {host}:{port}: {exc.strerror}. "
            f"Stop what uses it, or choose another port: PORT={port + 1} make run"
        ) from exc
    return listener


def _demo(example: ExampleServer) -> Demo | None:
    known = demo.recall()
    if known is None and Account.objects.exists():
        return None
    url = example.start(preferred_url=demo.example_url_of(known) if known else "")
    if known is None:
        return demo.create_on_first_run(example_url=url)
    demo.follow_example(known, example_url=url)
    return known


class _AnnouncedServer(uvicorn.Server):
    """Says where it is as soon as it can be reached there, and goodbye to whoever listens before it stops."""

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._announcement, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        end_streams()  # they would keep the server waiting until its grace is over
        await super().shutdown(sockets)


def _serve(listener: socket.socket, *, announcement: str) -> None:
    config = uvicorn.Config(
        "gateway.asgi:application",
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    _AnnouncedServer(config, announcement).run(sockets=[listener])


def _announcement(shown: Demo | None) -> str:
    if shown is None:
        return (
            f"\nToolcrib is ready at {settings.PUBLIC_URL}/admin/ (Ctrl-C stops it).\n"
        )
    return f"""
Toolcrib is ready (Ctrl-C stops it).

  Admin      {shown.admin_url}
  Sign in    {shown.admin_username} / {shown.admin_password}
  MCP        {shown.mcp_url}
  Key        {shown.api_key}

Paste this into the configuration of an MCP client:

{_client_snippet(shown)}

The same is in {demo.path()}, which only you can read.
"""


def _client_snippet(shown: Demo) -> str:
    server = {
        "type": "http",
        "url": shown.mcp_url,
        "headers": {"Authorization": f"Bearer {shown.api_key}"},
    }
    return json.dumps({"mcpServers": {"toolcrib": server}}, indent=2)
