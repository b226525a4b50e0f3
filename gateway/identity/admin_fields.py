"""Form fields for JSON that people should not have to write: lists of words, and labels."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from django.forms import TextInput
else:
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput


class WordsField(forms.CharField):
    """A list of words, typed with commas between them."""

    widget = TextInput

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [word.strip() for word in (value or "").split(",") if word.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or []) != self.to_python(data))


class LabelsField(forms.CharField):
    """Labels, typed as `key=value` with commas between them."""

    widget = TextInput

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return ", ".join(f"{key}={word}" for key, word in value.items())

    def to_python(self, value: Any) -> Any:
        pairs = [pair.strip() for pair in (value or "").split(",") if pair.strip()]
        if any("=" not in pair for pair in pairs):
            raise ValidationError(
                "Write labels as key=value, with commas between them."
            )
        return {k.strip(): v.strip() for k, v in (p.split("=", 1) for p in pairs)}

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(dict(initial or {}) != self.to_python(data))
