"""Reading the answer to one request: a JSON body, or an event stream on which other messages come first."""

from collections.abc import Callable

import aiohttp

from toolsets.adapters.calling import (
    Answer,
    ResultTooLarge,
    UpstreamAnsweredError,
    UpstreamFailed,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamUnauthorized,
)
from toolsets.adapters.mcp.messages import (
    UNSUPPORTED_VERSION,
    Message,
    answered_error,
    answers,
    messages_in,
    result_in,
)
from toolsets.adapters.mcp.sse import EventParser
from toolsets.adapters.sending import read_body, read_some

_LARGEST_ERROR_BODY = 262_144
_REFUSING_STATUSES = frozenset({400, 404, 405})
_REFUSING_CODES = frozenset({-32600, -32000, -32001, UNSUPPORTED_VERSION})


class SessionRefused(UpstreamMisbehaved):
    """The upstream does not know our session, or not the revision we spoke; it executed nothing.

    `version` is the revision to open the next session with, "" when the upstream must be asked; `answer` is the
    JSON-RPC error it gave, if any.
    """

    def __init__(
        self, status: int, *, version: str = "", answer: UpstreamAnsweredError | None
    ) -> None:
        super().__init__(f"The upstream refused the call with HTTP status {status}.")
        self.version = version
        self.answer = answer


def is_event_stream(response: aiohttp.ClientResponse) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/event-stream")


async def read_json_answer(
    response: aiohttp.ClientResponse, request_id: int, limit: int
) -> Answer:
    """The result in a JSON body that answers `request_id`.

    Raises:
        UpstreamError, ResultTooLarge: there is none.
    """
    if not response.headers.get("Content-Type", "").startswith("application/json"):
        raise UpstreamMisbehaved(
            "The upstream's answer is neither JSON nor an event stream."
        )
    body = await read_body(response, limit)
    for message in messages_in(body):
        if answers(message, request_id):
            return Answer(result=result_in(message), size=len(body))
    raise UpstreamMisbehaved("The upstream's answer is not to the call that was made.")


async def read_answer(
    response: aiohttp.ClientResponse, request_id: int, limit: int
) -> Answer:
    """The answer to `request_id`, whichever way it comes.

    Raises:
        UpstreamError, ResultTooLarge: there is none.
    """
    if not is_event_stream(response):
        return await read_json_answer(response, request_id, limit)
    answer = await AnswerStream(request_id, limit=limit).read(response)
    if answer is None:
        raise ended_early()
    return answer


class AnswerStream:
    """Event streams read until the answer to one request comes; a later stream can continue an earlier one."""

    def __init__(
        self,
        request_id: int,
        *,
        limit: int,
        on_other: Callable[[Message], None] | None = None,
    ) -> None:
        self.parser = EventParser(max_event_bytes=limit)
        self.size = 0
        self._request_id = request_id
        self._limit = limit
        self._on_other = on_other

    async def read(self, response: aiohttp.ClientResponse) -> Answer | None:
        """The answer, or None where the stream ends without it.

        Raises:
            UpstreamError, ResultTooLarge: the answer is none, or the stream broke.
        """
        while chunk := await read_some(response):
            self.size += len(chunk)
            if self.size > self._limit:
                raise ResultTooLarge(
                    f"The upstream's answer is larger than the {self._limit} bytes that are allowed."
                )
            for event in self.parser.feed(chunk):
                for message in messages_in(event.data):
                    if answers(message, self._request_id):
                        return Answer(result=result_in(message), size=self.size)
                    if self._on_other is not None:
                        self._on_other(message)
        return None


async def read_error(
    response: aiohttp.ClientResponse, request_id: int
) -> tuple[UpstreamAnsweredError | None, bool]:
    """The JSON-RPC error in the body of a refusal, if any, and whether it names our request."""
    if not response.headers.get("Content-Type", "").startswith("application/json"):
        return None, False
    try:
        (message,) = messages_in(await read_body(response, _LARGEST_ERROR_BODY))
        return answered_error(message), message.get("id") == request_id
    except (UpstreamMisbehaved, ResultTooLarge, ValueError):
        return None, False


def is_session_refused(
    status: int, error: UpstreamAnsweredError | None, *, is_ours: bool
) -> bool:
    """Whether an HTTP status other than 200 speaks of the session or the revision, not of the call."""
    is_about_the_call = (
        error is not None and is_ours and error.rpc_code not in _REFUSING_CODES
    )
    return status in _REFUSING_STATUSES and not is_about_the_call


def check_status(status: int, error: UpstreamAnsweredError | None) -> None:
    """What an HTTP status other than 200 means, where it is no refusal of the session.

    Raises:
        UpstreamError: always.
    """
    if status in (401, 403):
        raise UpstreamUnauthorized(
            f"The upstream does not accept the tool set's credential (HTTP status {status})."
        )
    if error is not None:
        raise error
    if status == 429 or status >= 500:
        raise UpstreamFailed(f"The upstream failed with HTTP status {status}.")
    if 300 <= status < 400:
        raise UpstreamMisbehaved(
            f"The upstream redirects (HTTP status {status}); redirects are not followed. "
            "Give the tool set the address it leads to."
        )
    raise UpstreamMisbehaved(
        f"The upstream answered with HTTP status {status} where an answer was due."
    )


def ended_early() -> UpstreamLost:
    return UpstreamLost(
        "The upstream's answer ended before the result; it may have executed the call."
    )
