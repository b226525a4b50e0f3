"""Form fields in which a person edits headers, secrets and filters without writing JSON."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from toolsets.confidential import MASK, TELLING, is_confidential, is_telling
from toolsets.filters import validate_filter

ATTRIBUTES = {
    "ATTRIBUTE_NAME": "Name",
    "ATTRIBUTE_TITLE": "Title",
    "ATTRIBUTE_DESCRIPTION": "Description",
}
MATCHERS = {
    "exact": "is exactly",
    "startsWith": "starts with",
    "endsWith": "ends with",
    "contains": "contains",
    "regex": "matches regex",
}
OPERATORS = {
    "OPERATOR_AND": "all of these hold",
    "OPERATOR_OR": "any of these holds",
}
_PATH = re.compile(r"^filters\[(\d+)\][\w.]*: ")


class RowsWidget(forms.Widget):
    """Rows of inputs that can be added and removed."""

    template_name = "toolcrib/widgets/rows.html"
    row_template = ""
    parts: tuple[str, ...] = ()

    def __init__(self, *, add_label: str, **extra: Any) -> None:
        super().__init__()
        self.extra = {"add_label": add_label, **extra}

    def get_context(
        self, name: str, value: Any, attrs: dict[str, Any] | None
    ) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        return {
            **context,
            **self.extra,
            "name": name,
            "row_template": self.row_template,
            "rows": self.rows(value),
        }

    def rows(self, value: Any) -> list[dict[str, Any]]:
        """What each row shows."""
        raise NotImplementedError

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        columns = [data.getlist(f"{name}-{part}") for part in self.parts]
        rows = [
            dict(zip(self.parts, row, strict=True))
            for row in zip(*columns, strict=False)
        ]
        return [row for row in rows if any(row[part].strip() for part in self.typed)]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    @property
    def typed(self) -> tuple[str, ...]:
        """The parts that a person types: a row without any is not there."""
        return self.parts

    def _render(
        self, template_name: str, context: dict[str, Any], renderer: Any = None
    ) -> SafeString:
        return render_to_string(template_name, context)


class PairsWidget(RowsWidget):
    """Rows of a name and a value."""

    row_template = "toolcrib/widgets/pair.html"
    parts = ("name", "value")

    def rows(self, value: Any) -> list[dict[str, Any]]:
        if isinstance(value, Mapping):
            return [{"name": name, "value": text} for name, text in value.items()]
        return list(value or [])


class HeadersWidget(PairsWidget):
    """Rows of headers; beside a value that is a secret itself stands what to do about it."""

    row_template = "toolcrib/widgets/header.html"

    class Media:
        js = ("toolcrib/headers.js",)

    def __init__(self, *, is_template: bool = False, **extra: Any) -> None:
        super().__init__(
            add_label="Add a header", telling=TELLING, is_template=is_template, **extra
        )

    def rows(self, value: Any) -> list[dict[str, Any]]:
        return [
            {
                **row,
                "is_hidden": row["value"] == MASK and is_telling(row["name"]),
                "is_secret": is_confidential(
                    row["name"], row["value"], is_template=self.extra["is_template"]
                ),
            }
            for row in super().rows(value)
        ]


class SecretPairsWidget(PairsWidget):
    """Rows of a name and a value that is never shown again, not even after an error.

    `taken` are the names of secrets that are stored already, which nothing but a person may write anew.
    """

    taken: Iterable[str] = ()

    def get_context(
        self, name: str, value: Any, attrs: dict[str, Any] | None
    ) -> dict[str, Any]:
        shown = super().get_context(name, value, attrs)
        return {**shown, "taken": " ".join(sorted(self.taken))}

    def rows(self, value: Any) -> list[dict[str, Any]]:
        return [{**row, "value": ""} for row in super().rows(value)]


class PairsField(forms.Field):
    """A mapping of names to values."""

    def canonical(self, value: Any) -> list[tuple[str, str]]:
        """The pairs in one order, whether they are stored or come from a form."""
        pairs = (
            value.items()
            if isinstance(value, Mapping)
            else ((row["name"], row["value"]) for row in value or [])
        )
        return sorted((name.strip(), str(text).strip()) for name, text in pairs)

    def in_words(self, value: Mapping[str, str]) -> str:
        return "; ".join(f"{name}: {text}" for name, text in (value or {}).items())

    def to_python(self, value: Any) -> dict[str, str]:
        names = [row["name"].strip() for row in value or []]
        if "" in names:
            raise ValidationError("A value has no name. Name it, or remove the row.")
        if len({name.lower() for name in names}) < len(names):
            raise ValidationError("A name is given twice.")
        return {row["name"].strip(): row["value"].strip() for row in value or []}

    def has_changed(self, initial: Any, data: Any) -> bool:
        return True


class SecretsField(PairsField):
    """Secrets to store: each needs a value."""

    def to_python(self, value: Any) -> dict[str, str]:
        secrets = super().to_python(value)
        if empty := [name for name, text in secrets.items() if not text]:
            raise ValidationError(f"{empty[0]} has no value.")
        return secrets


class FilterWidget(RowsWidget):
    """Rows of conditions, and how they combine."""

    row_template = "toolcrib/widgets/condition.html"
    parts = ("attribute", "matcher", "text", "case")

    def __init__(self) -> None:
        super().__init__(
            add_label="Add a condition",
            attributes=ATTRIBUTES,
            matchers=MATCHERS,
            operators=OPERATORS,
        )

    @property
    def typed(self) -> tuple[str, ...]:
        return ("text",)

    def get_context(
        self, name: str, value: Any, attrs: dict[str, Any] | None
    ) -> dict[str, Any]:
        chosen = (value or {}).get("operator") or "OPERATOR_AND"
        return {**super().get_context(name, value, attrs), "operator": chosen}

    def rows(self, value: Any) -> list[dict[str, Any]]:
        return [_shown(condition) for condition in (value or {}).get("filters") or []]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        rows = super().value_from_datadict(data, files, name)
        if not rows:
            return None
        operator = data.get(f"{name}-operator", "OPERATOR_AND")
        return {"operator": operator, "filters": [_condition(row) for row in rows]}


class FilterField(forms.Field):
    """A filter as an adapter holds it; None when there is no condition."""

    widget = FilterWidget

    def canonical(self, value: Any) -> Any:
        """The conditions as the form shows them, whether they are stored or come from it."""
        rows = [_shown(condition) for condition in (value or {}).get("filters") or []]
        operator = (value or {}).get("operator") or "OPERATOR_AND"
        return [operator, *rows] if rows else None

    def in_words(self, value: Any) -> str:
        return " ".join(spoken(value))

    def clean(self, value: Any) -> Any:
        try:
            if value is not None:
                validate_filter(value)
        except ValidationError as exc:
            raise ValidationError([_in_words(text) for text in exc.messages]) from exc
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return True


def spoken(tool_filter: Mapping[str, Any] | None) -> list[str]:
    """The conditions of a filter, in words."""
    said = tool_filter or {}
    rows = [_shown(row) for row in said.get("filters") or []]
    joined = "or" if said.get("operator") == "OPERATOR_OR" else "and"
    return [
        (f"{joined} " if index else "")
        + f"{ATTRIBUTES[row['attribute']]} {MATCHERS[row['matcher']]} “{row['text']}”"
        + (" (exact case)" if row["case"] else "")
        for index, row in enumerate(rows)
    ]


def _in_words(fault: str) -> str:
    """A fault without the path of the member, which nobody typed here."""
    return _PATH.sub(lambda found: f"Condition {int(found[1]) + 1} ", fault)


def _shown(condition: Mapping[str, Any]) -> dict[str, Any]:
    matcher = condition.get("matcher") or {}
    kind = next((kind for kind in MATCHERS if kind in matcher), "contains")
    return {
        "attribute": condition.get("attribute", "ATTRIBUTE_NAME"),
        "matcher": kind,
        "text": matcher.get(kind, ""),
        "case": "exact" if matcher.get("caseSensitive") else "",
    }


def _condition(row: Mapping[str, str]) -> dict[str, Any]:
    matcher: dict[str, Any] = {row["matcher"]: row["text"]}
    if row["case"]:
        matcher["caseSensitive"] = True
    return {"attribute": row["attribute"], "matcher": matcher}
