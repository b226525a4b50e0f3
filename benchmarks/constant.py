"""What a server costs that only sends bytes: one answer of `ANSWER_FILE`'s bytes, whatever is asked."""

import os
from pathlib import Path

from benchmarks.upstream import Message, Receive, Send, body_of, respond

ANSWER = (
    Path(os.environ["ANSWER_FILE"]).read_bytes() if "ANSWER_FILE" in os.environ else b""
)


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] != "http":
        return
    await body_of(receive)
    await respond(send, 200, ANSWER)
