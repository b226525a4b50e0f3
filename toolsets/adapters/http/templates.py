"""Templates of the author of a tool over the arguments of a call: Liquid, within limits, that includes and reads nothing.

A template does not render to text but to parts (`parts.py`), so that nothing in it can get past the encoding of the
position it stands in.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TextIO, cast

from django.core.exceptions import ValidationError
from liquid import Environment, RenderContext
from liquid.ast import Node
from liquid.builtin.content import ContentNode, Literal
from liquid.builtin.output import Output as OutputTag
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.echo_tag import EchoTag
from liquid.exceptions import LiquidError, LiquidInterrupt
from liquid.output import LimitedStringIO
from liquid.token import Token

from toolsets.adapters.http.delimiters import check_delimiters
from toolsets.adapters.http.parts import JsonText, Part, Parts, json_text, output_of
from toolsets.adapters.http.requests import RequestRefused

LONGEST_TEMPLATE = 32_768
_LARGEST_OUTPUT = 16 * 1024 * 1024
_LONGEST_TEXT = 1024 * 1024
_LONGEST_LIST = 10_000
_CPU_SECONDS = 0.25
_NOT_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_TAGS_LEFT_OUT = ("include", "render", "increment", "decrement", "tablerow")
_FILTERS_LEFT_OUT = ("strip_html", "safe")
_BREAKS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)  # fmt: skip
"""What filters raise over values that they were not made for, beside the errors of Liquid."""


class _ContentNode(ContentNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        if not isinstance(buffer, Parts):
            return super().render_to_output(context, buffer)
        buffer.literal(self.text)
        return len(self.text)


class _OutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        cast(_Context, context).check_time()
        value = self.expression.evaluate(context)
        if not isinstance(buffer, Parts):  # inside a capture, which is a value later
            return buffer.write(output_of(value).as_text)
        buffer.output(value)
        return 1


class _Literal(Literal):
    node_class = _ContentNode


class _Output(OutputTag):
    node_class = _OutputNode


class _Echo(EchoTag):
    node_class = _OutputNode  # type: ignore[assignment]


class _Context(RenderContext):
    """A rendering that ends when it takes too long, and bounds what filters are given."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ends_at = time.thread_time() + _CPU_SECONDS

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        self.check_time()
        found = super().filter(name, token)
        return _bounded(
            found,
            longest=_SLOW.get(name, _LONGEST_TEXT),
            size=_MULTIPLYING.get(name),
        )

    def get_buffer(self, buf: TextIO | None = None) -> LimitedStringIO:
        return LimitedStringIO(_LARGEST_OUTPUT, newline="")  # line breaks stay

    def loop(self, namespace: Mapping[str, object], forloop: Any) -> Any:
        self.check_time()
        return super().loop(namespace, forloop)

    def check_time(self) -> None:
        if time.thread_time() > self.ends_at:
            raise _TooLarge("it takes too long", token=None)


class _TooLarge(LiquidError):
    """A template asks for more than it may have."""


def _bounded(
    found: Callable[..., object], *, longest: int, size: Callable[..., int] | None
) -> Callable[..., object]:
    """The filter, refusing what is too large to be given to one, or would make something that is."""

    def bounded(*args: Any, **kwargs: Any) -> object:
        for value in args:
            _check_size(value, longest)
        if size is not None and size(*map(_text, args)) > _LONGEST_TEXT:
            raise _TooLarge("a filter makes too much of its values", token=None)
        return found(*args, **kwargs)

    return bounded


def _check_size(value: Any, longest: int) -> None:
    if isinstance(value, str):
        is_large = len(value) > longest
    elif isinstance(value, list | tuple | dict | range):
        is_large = len(value) > min(longest, _LONGEST_LIST)
    else:
        is_large = isinstance(value, int) and value.bit_length() > 4096
    if is_large:
        raise _TooLarge("a value is too large for a filter", token=None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _replaced_size(text: str, wanted: str, by: str = "") -> int:
    return len(text) + text.count(wanted) * max(0, len(by) - len(wanted))


def _joined_size(joined: str, separator: str = " ") -> int:
    return len(joined) + joined.count(",") * len(separator)


_MULTIPLYING: Mapping[str, Callable[..., int]] = {
    "replace": _replaced_size,
    "join": _joined_size,
}
"""Filters that may make much more than they are given, and how much."""

_SLOW: Mapping[str, int] = {"date": 200, "uniq": 1000}
"""Filters whose work grows faster than what they are given, and how much that may be."""


class _Environment(Environment):
    block_nesting_limit = 30
    context_depth_limit = 30
    loop_iteration_limit = 5000
    local_namespace_limit = 4 * 1024 * 1024
    output_stream_limit = _LARGEST_OUTPUT


def _environment() -> _Environment:
    environment = _Environment()
    for tag in (_Literal, _Output, _Echo):
        environment.add_tag(tag)
    for name in _TAGS_LEFT_OUT:
        del environment.tags[name]
    for name in _FILTERS_LEFT_OUT:
        del environment.filters[name]
    environment.add_filter("json", lambda value: JsonText(json_text(value)))
    return environment


_ENVIRONMENT = _environment()


class Template:
    """One parsed template."""

    def __init__(self, source: str) -> None:
        """Parse `source`.

        Raises:
            ValidationError: it is no template, or asks for what there is not; the message names the line.
        """
        if len(source) > LONGEST_TEMPLATE:
            raise ValidationError(
                f"A template is at most {LONGEST_TEMPLATE} characters long."
            )
        if _NOT_TEXT.search(source):
            raise ValidationError("A template holds characters only, and no NUL.")
        check_delimiters(source)
        try:
            self._template = _ENVIRONMENT.from_string(source)
            analysis = self._template.analyze()
        except LiquidError as exc:
            raise ValidationError(_shown(exc, source)) from exc
        for name, spans in analysis.filters.items():
            if name not in _ENVIRONMENT.filters:
                line = source.count("\n", 0, spans[0].index) + 1
                raise ValidationError(f"Line {line}: there is no filter {name[:60]!r}.")
        self.literals = tuple(_literals(self._template.nodes))

    def render(self, arguments: Mapping[str, Any]) -> list[Part]:
        """The author's text and the values, in their order.

        Raises:
            RequestRefused: it cannot be rendered over these arguments.
        """
        context = _Context(self._template, globals=arguments)
        rendered = Parts(most=_LARGEST_OUTPUT)
        try:
            for node in self._template.nodes:
                node.render(context, rendered)
        except LiquidError as exc:
            raise _refused(str(exc.message)) from exc
        except LiquidInterrupt as exc:
            raise _refused("break and continue stand in loops only") from exc
        except _BREAKS as exc:
            raise _refused(type(exc).__name__) from exc
        return rendered.joined


def _refused(reason: str) -> RequestRefused:
    return RequestRefused(
        f"The tool's template cannot be rendered over these arguments: {reason[:200]}. Nothing was sent."
    )


def _shown(error: LiquidError, source: str) -> str:
    try:
        where = error.context()
    except ValueError:  # after the last character
        where = None
    line = where[0] if where else source.count("\n") + 1
    return f"Line {line}: {str(error.message)[:300]}."


def _literals(nodes: Iterable[Node]) -> Iterator[str]:
    context = cast(RenderContext, None)  # only tags that are left out ask for it
    for node in nodes:
        if isinstance(node, _ContentNode):
            yield node.text
        yield from _literals(node.children(context))
