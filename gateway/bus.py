"""Wake-ups between processes: small messages that may be lost, so nothing may depend on one arriving.

In one process they go through memory; with `REDIS_URL` they also reach every other process. Whoever listens must find
out by itself, a little later, what a lost message would have told it.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from threading import Lock
from typing import Any

import redis
import redis.asyncio
from django.conf import settings

from gateway.ids import new_id

Listener = Callable[[dict[str, Any]], None]

log = logging.getLogger(__name__)
_CHANNEL = "toolcrib:bus"
_RECONNECT_SECONDS = 1.0
_process = new_id("bus")
_listeners: dict[str, list[tuple[asyncio.AbstractEventLoop, Listener]]] = {}
_lock = Lock()
_publisher: redis.Redis | None = None


def listen(topic: str, listener: Listener) -> None:
    """Call `listener` on the running event loop with the content of each message on `topic`, until `unlisten`."""
    with _lock:
        _listeners.setdefault(topic, []).append((asyncio.get_running_loop(), listener))


def unlisten(topic: str, listener: Listener) -> None:
    with _lock:
        _listeners[topic] = [
            pair for pair in _listeners.get(topic, []) if pair[1] != listener
        ]


def publish(topic: str, content: dict[str, Any]) -> None:
    """Tell every listener of `topic`, in this process and, through Redis, in the others. Blocks for milliseconds at most."""
    _deliver(topic, content)
    if not settings.REDIS_URL:
        return
    try:
        _redis().publish(
            _CHANNEL, json.dumps({"from": _process, "topic": topic, "content": content})
        )
    except redis.RedisError as exc:
        log.warning(
            "bus message not published",
            extra={"topic": topic, "cause": type(exc).__name__},
        )


def _deliver(topic: str, content: dict[str, Any]) -> None:
    with _lock:
        pairs = list(_listeners.get(topic, []))
    for loop, listener in pairs:
        with contextlib.suppress(RuntimeError):  # the loop has closed
            loop.call_soon_threadsafe(listener, content)


def _redis() -> redis.Redis:
    global _publisher
    if _publisher is None:
        _publisher = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5
        )
    return _publisher


async def relay_from_other_processes() -> None:
    """Deliver what other processes publish, until cancelled; reconnects by itself."""
    if not settings.REDIS_URL:
        return
    while True:
        try:
            await _relay_until_lost()
        except (redis.RedisError, OSError) as exc:
            log.warning("bus connection lost", extra={"cause": type(exc).__name__})
        await asyncio.sleep(_RECONNECT_SECONDS)


async def _relay_until_lost() -> None:
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2)
    async with client, client.pubsub() as subscription:
        await subscription.subscribe(_CHANNEL)
        async for message in subscription.listen():
            if message["type"] != "message":
                continue
            envelope = json.loads(message["data"])
            if envelope["from"] != _process:
                _deliver(envelope["topic"], envelope["content"])
