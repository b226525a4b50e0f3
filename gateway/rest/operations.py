"""What each method of a REST view does, said once: the API's description shows it, and requests are held to it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from django.core.exceptions import ValidationError
from rest_framework.serializers import BaseSerializer

from gateway.rest.queries import spellings_of

Handler = TypeVar("Handler", bound=Callable[..., Any])
Schema = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A query parameter by its documented name; `also` are the other names under which it is understood."""

    name: str
    schema: Schema
    description: str
    also: tuple[str, ...] = ()

    @property
    def spellings(self) -> list[str]:
        return spellings_of(self.name, *self.also)


class Parameterized(Protocol):
    """What has parameters of its own: the filters of a list."""

    @classmethod
    def parameters(cls) -> list[Parameter]: ...


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one view. `answers` says what each status carries; None is no body."""

    name: str
    summary: str
    answers: Mapping[int, Any]
    body: Any = None
    parameters: list[Parameter] = field(default_factory=list)
    refusals: tuple[int, ...] = ()

    def check_query(self, given: Iterable[str]) -> None:
        """Refuse parameters that nobody understands.

        Raises:
            ValidationError: with one entry for each of them.
        """
        known = {s for parameter in self.parameters for s in parameter.spellings}
        unknown = sorted({name.removesuffix("[]") for name in given} - known)
        if unknown:
            raise ValidationError(
                {name[:100]: "There is no such query parameter." for name in unknown}
            )


def operation(
    name: str,
    summary: str,
    *,
    answers: Mapping[int, type[BaseSerializer[Any]] | Any],
    body: Any = None,
    query: Iterable[Parameter | type[Parameterized]] = (),
    refusals: tuple[int, ...] = (),
) -> Callable[[Handler], Handler]:
    """Describe a method. `refusals` are the statuses of errors beside those that any request may meet."""
    parameters: list[Parameter] = []
    for one in query:
        parameters += [one] if isinstance(one, Parameter) else one.parameters()
    described = Operation(
        name=name,
        summary=summary,
        answers=answers,
        body=body,
        parameters=parameters,
        refusals=refusals,
    )

    def describe(handler: Handler) -> Handler:
        handler.operation = described  # type: ignore[attr-defined]
        return handler

    return describe


def operation_of(view: Any, method: str) -> Operation | None:
    """What is said of a view's method."""
    handler = getattr(view, "get" if method == "HEAD" else method.lower(), None)
    return getattr(handler, "operation", None)
