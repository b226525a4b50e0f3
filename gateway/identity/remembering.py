"""Remembers verified tokens and loaded callers, each only for as long as it is true."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from django.utils import timezone

from gateway.database import in_database
from gateway.identity.callers import Caller, caller_for_claims
from gateway.identity.keys import Claims, TokenInvalid, verify

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_TOKENS = 20_000
_CALLERS = 20_000


class Remembered(Generic[K, V]):
    """A bounded memory that forgets the least recently used, and loads what many ask for at once only once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[K, V] = OrderedDict()
        self._loading: dict[K, asyncio.Future[V]] = {}

    def get(self, key: K) -> V | None:
        value = self._held.get(key)
        if value is not None:
            self._held.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        self._held[key] = value
        self._held.move_to_end(key)
        while len(self._held) > self._most:
            self._held.popitem(last=False)

    async def get_or_load(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        """The value of `key`; `load` runs once however many ask meanwhile, and its failure reaches all of them."""
        if (held := self.get(key)) is not None:
            return held
        if (loading := self._loading.get(key)) is None:
            loading = self._loading[key] = asyncio.ensure_future(load())
            loading.add_done_callback(lambda done: self._loaded(key, done))
        return await asyncio.shield(loading)

    def _loaded(self, key: K, done: "asyncio.Future[V]") -> None:
        self._loading.pop(key, None)
        if not done.cancelled() and done.exception() is None:
            self.put(key, done.result())

    def __len__(self) -> int:
        return len(self._held)


class CallerMemory:
    """The callers behind tokens that were seen before. One per event loop."""

    def __init__(self) -> None:
        self._claims: Remembered[bytes, Claims] = Remembered(_TOKENS)
        self._callers: Remembered[tuple[str, int, int], Caller] = Remembered(_CALLERS)

    def claims(self, token: str) -> Claims:
        """What the token says; its signature is checked once, its expiry every time.

        Raises:
            TokenInvalid: it is not ours, or has expired.
        """
        digest = hashlib.sha256(token.encode()).digest()
        claims = self._claims.get(digest)
        if claims is None:
            claims = verify(token)
            self._claims.put(digest, claims)
        if claims.expires_at is not None and time.time() >= claims.expires_at:
            raise TokenInvalid
        return claims

    def known(self, claims: Claims, shared_revision: int) -> Caller | None:
        """The caller as it was at that revision, if it was loaded then and its key has not expired since."""
        caller = self._callers.get((claims.key_id, claims.generation, shared_revision))
        return caller if caller and not _has_expired(caller) else None

    async def caller(self, claims: Claims, shared_revision: int) -> Caller:
        """The caller as its rows were at `shared_revision` or later.

        Raises:
            TokenInvalid: the key has expired, was rotated or revoked.
            DatabaseAway: the database does not answer.
        """
        caller = await self._callers.get_or_load(
            (claims.key_id, claims.generation, shared_revision),
            lambda: in_database(caller_for_claims, claims, at=timezone.now()),
        )
        if _has_expired(caller):
            raise TokenInvalid
        return caller


def _has_expired(caller: Caller) -> bool:
    return caller.expires_at is not None and time.time() >= caller.expires_at
