"""Reading a request's body, however it comes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.mcp.http import Gone, HttpError, read_body


def receiving(*parts: bytes, ends: bool = True) -> Callable[[], Awaitable[Any]]:
    """A client that sends `parts`, and then nothing more or its leaving."""
    messages = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    if ends:
        messages[-1]["more_body"] = False
    else:
        messages.append({"type": "http.disconnect"})

    async def receive() -> Any:
        return messages.pop(0)

    return receive


def body(*parts: bytes, ends: bool = True, most: int = 10) -> bytes:
    return asyncio.run(read_body(receiving(*parts, ends=ends), most=most))


@pytest.mark.parametrize(
    "parts", [(b"",), (b"0123456789",), (b"01", b"23"), (b"", b"", b"0123456789")]
)
def test_body_is_put_together(parts: tuple[bytes, ...]) -> None:
    assert body(*parts) == b"".join(parts)


@pytest.mark.parametrize("parts", [(b"0123456789a",), (b"012345", b"67890")])
def test_body_over_the_bound_is_refused(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(HttpError) as refused:
        body(*parts)

    assert refused.value.status == 413


@pytest.mark.parametrize("parts", [(), (b"01",), (b"01", b"23")])
def test_client_that_leaves_is_gone(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(Gone):
        body(*parts, ends=False)
