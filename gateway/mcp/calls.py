"""One tool call, from the caller's words to the caller's answer: admit, forward, release, and record all of it.

Read this file first. Every way in goes through `call_tool`, and all that `forward` takes is an `AdmittedCall`, which
only `admit` builds: a new entry point cannot forget a check.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.errors import Refused
from gateway.mcp.access import Visit
from gateway.mcp.arguments import check_arguments
from gateway.mcp.credentials import Credentials
from gateway.mcp.headers import check_param_headers, header_paths
from gateway.mcp.outputs import misfit
from gateway.mcp.protocol import INVALID_PARAMS, MISSING_CAPABILITY, RpcError
from gateway.mcp.questions import lacks, question, relayed_capabilities
from gateway.mcp.recording import Record
from gateway.mcp.records import RecordWriter
from gateway.mcp.requests import AdmittedCall, CallRequest
from gateway.mcp.results import UNEXPECTED_ANSWER, encoded, fitted, unexpected
from gateway.mcp.states import Binding, arguments_digest, opened_state
from toolpacks.surfaces import SurfaceTool
from toolsets.adapters.calling import Answer, Target, ToolRequest, UpstreamAnsweredError
from toolsets.adapters.forwarding import Forwarder

_CHANGED = (
    "The tool changed while it was being called. List the tools again and call it anew."
)


class UnauthorizedTool(RpcError):
    """The tool is unknown, or not on the caller's surface; from outside the two look the same."""

    def __init__(self) -> None:
        super().__init__(
            INVALID_PARAMS,
            "This tool is not available here. List the tools again and call one of those.",
            {"code": "unauthorized_tool", "status": 403},
            status=403,
        )


class ApprovalRequired(Refused):
    """The tool needs a person's approval, which this gateway cannot ask for yet."""

    code = "approval_required"


class ChangedMeanwhile(Refused):
    """What the call was admitted to is not what it is now."""

    code = "changed_meanwhile"


@dataclass(frozen=True, kw_only=True, slots=True)
class Crib:
    """What the pipeline works with, one of each per process."""

    process_id: str
    records: RecordWriter
    credentials: Credentials
    forwarder: Forwarder
    call_timeout_seconds: float
    most_result_bytes: int


async def call_tool(request: CallRequest, crib: Crib) -> bytes:
    """Admit, forward, release and record one tool call; its result as JSON, as the caller's revision has it.

    Raises:
        Refused: a rule stopped the call.
        GatewayError: the upstream or the gateway broke, or the call could not be recorded.
        RpcError: the call breaks the protocol, or names a tool that is not there.
    """
    async with Record(request, crib.records, crib.process_id) as record:
        call = await admit(request, crib.credentials)
        asked = request.access.ask(request.door)
        await record.open(call)
        call = await confirm(
            call, await request.access.answered(asked), crib.credentials
        )
        with record.upstream():
            answer = await forward(call, crib, on_sent=record.sent)
        return encoded(await release(answer, call, record))


async def admit(request: CallRequest, credentials: Credentials) -> AdmittedCall:
    """Check the call against every rule, by what was last known of them. Only what is true now may refuse it."""
    try:
        return await _admit(request, request.visit, credentials)
    except (Refused, RpcError):
        return await _admit(
            request, await request.access.enter(request.door), credentials
        )


async def _admit(
    request: CallRequest, visit: Visit, credentials: Credentials
) -> AdmittedCall:
    """The credential is opened last; what waits for it is checked again."""
    while True:
        tool = checked_tool(request, visit)
        target = credentials.held(tool.tool_set)
        if target is not None:
            return _admitted(request, visit, tool, target)
        await credentials.open(visit.pack.workspace_id, tool.tool_set)
        visit = await request.access.enter(request.door)


async def confirm(
    call: AdmittedCall, visit: Visit, credentials: Credentials
) -> AdmittedCall:
    """Admit the call once more where something changed since it was admitted, by what is true now.

    The question goes to the database in the round that writes the call's row, so it costs the call no time of its own.
    """
    if (
        visit.pack is call.visit.pack
        and visit.user is call.visit.user
        and visit.caller is call.visit.caller
    ):
        return call
    confirmed = await _admit(call.request, visit, credentials)
    if confirmed.tool.tool_id != call.tool.tool_id:
        raise ChangedMeanwhile(_CHANGED)
    return confirmed


def checked_tool(request: CallRequest, visit: Visit) -> SurfaceTool:
    """The tool on the caller's surface, if the call may go to it as it stands."""
    tool = visit.pack.tools.get(request.name)
    if tool is None:
        raise UnauthorizedTool
    if request.client.is_modern:
        check_param_headers(tool, request.arguments, request.headers)
    check_arguments(tool.parameters, request.arguments)
    if tool.requires_approval:
        raise ApprovalRequired(
            "This tool needs an operator's approval, which this gateway cannot ask for yet. "
            "Use another tool, or ask the operator to lift the requirement."
        )
    return tool


async def forward(
    call: AdmittedCall, crib: Crib, *, on_sent: Callable[[], None]
) -> Answer:
    """Send the call to its upstream: the only step that touches the network."""
    request = call.request
    crib.credentials.note_use(call.target, call.tool)
    try:
        return await crib.forwarder.call(
            call.target,
            ToolRequest(
                name=call.tool.upstream_name,
                config=call.tool.config,
                arguments=request.arguments,
                deadline=asyncio.get_running_loop().time() + crib.call_timeout_seconds,
                max_result_bytes=crib.most_result_bytes,
                header_paths=header_paths(call.tool),
                capabilities=call.capabilities,
                input_responses=request.input_responses,
                request_state=call.state.upstream_state if call.state else None,
                on_progress=request.on_progress,
                after_wait=partial(_confirm_after_wait, call, crib.credentials),
                on_sent=on_sent,
            ),
        )
    except UpstreamAnsweredError as exc:
        if exc.rpc_code == MISSING_CAPABILITY and lacks(request.client, exc.data):
            raise RpcError(MISSING_CAPABILITY, exc.message, exc.data) from exc
        raise


async def release(answer: Answer, call: AdmittedCall, record: Record) -> dict[str, Any]:
    """Let the answer out in what the caller's revision knows, or pass on what the upstream asks."""
    if answer.result.get("resultType") == "input_required":
        asked = question(
            answer.result, call, call_id=record.call_id, round_number=record.round
        )
        record.waits(size=answer.size)
        return asked
    client = call.request.client
    result = fitted(answer.result, client)
    if found := await misfit(answer, call.tool, client):
        record.answered(size=answer.size, code=UNEXPECTED_ANSWER)
        return unexpected(result, found, client)
    record.answered(
        size=answer.size, code="tool_error" if result.get("isError") else ""
    )
    return result


def _admitted(
    request: CallRequest, visit: Visit, tool: SurfaceTool, target: Target
) -> AdmittedCall:
    may_ask = relayed_capabilities(request.client, tool.tool_set)
    goes_on = request.request_state is not None
    binding = Binding(
        profile_id=visit.caller.profile_id,
        registered_user_id=visit.user.registered_user_id,
        tool_id=tool.tool_id,
        arguments_digest=arguments_digest(request.arguments)
        if request.client.is_modern
        else "",
    )
    return AdmittedCall(
        request=request,
        visit=visit,
        tool=tool,
        target=target,
        binding=binding,
        state=opened_state(request.request_state, binding) if goes_on else None,
        capabilities=may_ask,
    )


async def _confirm_after_wait(call: AdmittedCall, credentials: Credentials) -> None:
    """Before the first byte leaves after a wait, see that the call would still go to the same place."""
    visit = await call.request.access.enter(call.request.door)
    confirmed = await confirm(call, visit, credentials)
    is_same = confirmed.target.key == call.target.key
    if not is_same or confirmed.tool.config != call.tool.config:
        raise ChangedMeanwhile(_CHANGED)
