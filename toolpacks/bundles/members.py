"""What a resource of a bundle may say: its members, where each stands, which field it is, and what it must be."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from toolpacks.models import ToolPack
from toolsets.models import Tool, ToolSet
from toolsets.writing import NO_PARAMETERS

Document = dict[str, Any]
"""A resource in its one canonical form: members in the order of the table, defaults left out, free objects sorted."""

Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member. `wrong` says in words what a value should be, or nothing when it is that."""

    path: Path
    field: str
    wrong: Callable[[Any], str]
    default: Any = None
    is_required: bool = False


def _must_be(kind: type, words: str) -> Callable[[Any], str]:
    def wrong(value: Any) -> str:
        is_it = isinstance(value, kind) and (
            kind is bool or (value is not True and value is not False)
        )
        return "" if is_it else words

    return wrong


def _one_of(*choices: str) -> Callable[[Any], str]:
    def wrong(value: Any) -> str:
        return "" if value in choices else f"Give one of {', '.join(choices)}."

    return wrong


def _wrong_words(value: Any) -> str:
    is_list = isinstance(value, list) and all(isinstance(word, str) for word in value)
    return "" if is_list else "Give a list of texts."


def _wrong_union(*members: str) -> Callable[[Any], str]:
    def wrong(value: Any) -> str:
        is_one = (
            isinstance(value, dict) and len(value) == 1 and set(value) <= {*members}
        )
        if is_one and isinstance(next(iter(value.values())), dict):
            return ""
        return f"Give an object with exactly one of {', '.join(members)}, which is an object."

    return wrong


def in_order(value: Any) -> Any:
    """A JSON value with the members of its objects in the order of their names."""
    if isinstance(value, Mapping):
        return {name: in_order(value[name]) for name in sorted(value)}
    return [in_order(inner) for inner in value] if isinstance(value, list) else value


_text = _must_be(str, "Give text.")
_flag = _must_be(bool, "Give true or false.")
_number = _must_be(int, "Give a whole number.")
_object = _must_be(dict, "Give an object.")

TOOL_SET = (
    Member(path=("name",), field="name", wrong=_text, is_required=True),
    Member(path=("slug",), field="slug", wrong=_text),
    Member(path=("labels",), field="labels", wrong=_object, default={}),
    Member(path=("managed",), field="is_managed", wrong=_flag, default=False),
    Member(path=("spec", "description"), field="description", wrong=_text, default=""),
    Member(
        path=("spec", "adapter"),
        field="adapter",
        wrong=_wrong_union(*ToolSet.AdapterType.values),
        is_required=True,
    ),
    Member(path=("spec", "tags"), field="tags", wrong=_wrong_words, default=[]),
    Member(
        path=("spec", "interactions"), field="interactions", wrong=_object, default={}
    ),
    Member(
        path=("spec", "allowedNetworks"),
        field="allowed_networks",
        wrong=_wrong_words,
        default=[],
    ),
    Member(
        path=("spec", "syncIntervalSeconds"),
        field="sync_interval_seconds",
        wrong=_number,
    ),
)
DECISIONS = (
    Member(path=("externalId",), field="external_id", wrong=_text, default=""),
    Member(path=("labels",), field="labels", wrong=_object, default={}),
    Member(
        path=("spec", "status"),
        field="status",
        wrong=_one_of(Tool.Status.AVAILABLE, Tool.Status.OMITTED),
        default=Tool.Status.AVAILABLE.value,
    ),
    Member(path=("spec", "requiresApproval"), field="requires_approval", wrong=_flag),
)
"""What people decide about a tool that is synced from an upstream; without a decision, filters and the upstream decide."""

WRITTEN_TOOL = (
    Member(path=("name",), field="name", wrong=_text),
    Member(path=("title",), field="title", wrong=_text, default=""),
    Member(path=("labels",), field="labels", wrong=_object, default={}),
    Member(path=("spec", "description"), field="description", wrong=_text, default=""),
    Member(
        path=("spec", "config"),
        field="config",
        wrong=_wrong_union(ToolSet.AdapterType.HTTP.value),
        default={ToolSet.AdapterType.HTTP.value: {}},
    ),
    Member(
        path=("spec", "parameters"),
        field="parameters",
        wrong=_object,
        default=in_order(NO_PARAMETERS),
    ),
    Member(
        path=("spec", "status"),
        field="status",
        wrong=_one_of(Tool.Status.AVAILABLE, Tool.Status.OMITTED),
        default=Tool.Status.AVAILABLE.value,
    ),
    Member(
        path=("spec", "requiresApproval"),
        field="requires_approval",
        wrong=_flag,
        default=False,
    ),
)
"""A tool that is written by hand, whole: the bundle is where it is defined."""

TOOL_PACK = (
    Member(path=("name",), field="name", wrong=_text, is_required=True),
    Member(path=("slug",), field="slug", wrong=_text),
    Member(path=("description",), field="description", wrong=_text, default=""),
    Member(
        path=("access",),
        field="access",
        wrong=_one_of(*ToolPack.Access.values),
        default=ToolPack.Access.OPEN.value,
    ),
    Member(
        path=("defaultForNewUsers",),
        field="default_for_new_users",
        wrong=_flag,
        default=False,
    ),
    Member(path=("connectors",), field="connectors", wrong=_object, default={}),
)


def document_of(members: Iterable[Member], values: Mapping[str, Any]) -> Document:
    """The canonical document with these values, by field."""
    document: Document = {}
    for member in members:
        value = values[member.field]
        if value != member.default:
            _put(document, member.path, value)
    return document


def values_of(members: Iterable[Member], document: Mapping[str, Any]) -> dict[str, Any]:
    """The value of each field, with the default of what the document does not say."""
    return {
        member.field: _at(document, member.path, member.default) for member in members
    }


def _put(document: Document, path: Path, value: Any) -> None:
    *outer, name = path
    for step in outer:
        document = document.setdefault(step, {})
    document[name] = value


def _at(document: Mapping[str, Any], path: Path, default: Any) -> Any:
    value: Any = document
    for step in path:
        if step not in value:
            return default
        value = value[step]
    return value
