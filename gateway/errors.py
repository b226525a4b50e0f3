"""The two bases of every failure that Toolcrib anticipates.

    GatewayError            something broke, here or upstream
    └── Refused             a rule said no, or held the answer back

A concrete error is defined beside the code that raises it. Its `code` is the one word by which REST, MCP, the recorded
row and the documentation name it; its message says to a person or a model what happened and what to do next.
"""

from typing import ClassVar


class GatewayError(Exception):
    """Something broke."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(GatewayError):
    """A rule said no."""

    code: ClassVar[str] = "refused"
