"""Keeps apart the edits of people who have the same form open.

The page carries a digest of what each field showed. When the form comes back, a field that still says the same is nobody's
edit: it gets what is stored now, whoever changed it meanwhile. A field that its reader changed, and somebody else too, is a
conflict: nothing is saved, and the form says what is stored, for its reader to decide. `editing.hold` settles what two
people send at the same moment.
"""

import json
import time
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core import signing
from django.utils.choices import flatten_choices
from django.utils.functional import cached_property
from django.utils.text import get_text_list

from gateway.audit import trail

if TYPE_CHECKING:
    _Form = forms.Form
else:
    _Form = object

_SEEN: Final = "_seen"
_SALT: Final = "toolcrib.seen"
_SKEW_SECONDS: Final = 5
_LONGEST: Final = 2000
_NOT_SHOWN: Final = "something else, which is not shown"


class Edited(_Form):
    """Stands before the class of a form about something that is there already; `found` is that, as it was read.

    What is special about a form, it says itself. `unshown`: fields that show nothing of what they replace, each with what
    stands for that; left empty they say nothing. `together`: sets of fields of which one means nothing without the others,
    so that an edit of one meets an edit of any. `called`: names for fields whose labels are none. `recorded`: what the audit
    trail names a field by, where that is not the field's own name. A field may say how its values are compared (`canonical`) and how they read
    (`in_words`). A page without digests, as one that was opened before an upgrade, counts as opened just now.
    """

    reader: str = ""
    """The profile that has the form open."""

    def __init__(self, *args: Any, found: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.found = copy(self.instance) if found is None else found  # type: ignore[attr-defined]
        self._unshown: Mapping[str, Any] = getattr(self, "unshown", {})

    @property
    def seen(self) -> str:
        """What the page carries: what each field shows."""
        return sealed(self._stored_digests)

    def clean(self) -> Any:
        conflicts = self._conflicts()
        cleaned = super().clean()
        for name in conflicts:
            self.add_error(name, f"Stored now: {self._in_words(name)}")
        if conflicts:
            self.add_error(None, self._said_of(conflicts))
        return cleaned

    def _conflicts(self) -> list[str]:
        """The fields that would undo what somebody else changed; those that the reader left alone are brought up to date."""
        shown, stored = self._page.shown, self._stored_digests
        moved = {name for name in stored if shown.get(name, stored[name]) != stored[name]}  # fmt: skip
        mine = {name for name in stored if self._is_mine(name, shown)}
        for name in stored.keys() - mine - self._unshown.keys():
            self._bring_up_to_date(name)
        met = mine & moved
        for group in getattr(self, "together", ()):
            met |= group & moved if group & mine else set()
        return [name for name in self.fields if name in met]

    def _is_mine(self, name: str, shown: Mapping[str, str]) -> bool:
        """Whether the reader changed the field, to something else than is stored now."""
        field, typed = self.fields[name], self[name].data
        if name in self._unshown:
            return _even(field, typed) is not None
        said, stored = _digest(field, typed), self._stored_digests[name]
        if said in {stored, shown.get(name, stored)}:
            return False
        return name in self.errors or self.cleaned_data.get(name) != self._stored(name)

    def _bring_up_to_date(self, name: str) -> None:
        field = self.fields[name]
        self.errors.pop(name, None)
        self.cleaned_data[name] = self._stored(name)
        field.bound_data = lambda data, initial: initial  # type: ignore[method-assign]

    @cached_property
    def _page(self) -> "Page":
        return page_of(self.data)

    @cached_property
    def _stored_digests(self) -> dict[str, str]:
        return {
            name: _digest(field, self._shown(name))
            for name, field in self.fields.items()
            if not field.disabled
        }

    def _shown(self, name: str) -> Any:
        """What the field shows of what is stored, or what stands for that."""
        if name in self._unshown:
            return self._unshown[name]
        field = self.fields[name]
        return field.prepare_value(self.get_initial_for_field(field, name))

    def _stored(self, name: str) -> Any:
        """What is stored, as the form would have it after cleaning."""
        field = self.fields[name]
        initial = self.get_initial_for_field(field, name)
        if isinstance(field, forms.ModelChoiceField):
            rows: Any = field.queryset
            return rows.model._base_manager.filter(pk=initial).first()
        return initial

    def _in_words(self, name: str) -> str:
        field = self.fields[name]
        if name in self._unshown:
            return _NOT_SHOWN
        said = getattr(field, "in_words", lambda _: "")(self._stored(name))
        text = said or _words(field, self._stored(name))
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

    def _said_of(self, names: list[str]) -> str:
        called = getattr(self, "called", {})
        labels = [called.get(name) or str(self[name].label) for name in names]
        listed = get_text_list(list(dict.fromkeys(labels)), "and")
        recorded = getattr(self, "recorded", {})
        fields = {recorded.get(name, name) for name in names}
        return said_of(listed, fields, self._page, self.found, reader=self.reader)


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page that is sent back says of itself: when it was opened, and the digest of what each field showed."""

    opened_at: datetime
    shown: Mapping[str, str]


def page_of(data: Mapping[str, Any]) -> Page:
    """The page that was sent; one that carries nothing that we wrote counts as opened just now, and showed nothing."""
    try:
        read = signing.loads(data.get(_SEEN, ""), salt=_SALT)
    except signing.BadSignature:
        return Page(opened_at=datetime.now(UTC), shown={})
    opened = datetime.fromtimestamp(read["at"] - _SKEW_SECONDS, tz=UTC)
    return Page(opened_at=opened, shown=read["fields"])


def sealed(digests: Mapping[str, str]) -> str:
    """What a page carries, so that it can be read back with `page_of`."""
    page = {"at": int(time.time()), "fields": dict(digests)}
    return signing.dumps(page, salt=_SALT, compress=True)


def digest(value: Any) -> str:
    """A short digest of something that JSON can say."""
    text = json.dumps(value, sort_keys=True)
    return sha256(text.encode()).hexdigest()[:16]


def said_of(
    listed: str, fields: Iterable[str], page: Page, subject: Any, *, reader: str
) -> str:
    """The words for a conflict: who changed what is `listed` of `subject`, as far as the audit trail knows, and what to do.

    `fields` are what the trail names the same by.
    """
    event = trail.last_change(subject, fields, since=page.opened_at)
    somebody = event.actor_label if event else ""
    if event and event.actor_id == reader:
        somebody = "You, on another page,"
    return (
        f"{somebody or 'Somebody'} changed {listed} after you opened this page, so nothing is saved yet. "
        "What you typed still stands here, and what is stored now is said with it. Save again to put yours in its place."
    )


def _digest(field: forms.Field, value: Any) -> str:
    return digest(_even(field, value))


def _even(field: forms.Field, value: Any) -> Any:
    """A value without the differences that browsers make: it is the same whether it is stored or comes from a form."""
    canonical = getattr(field, "canonical", None)
    return _plain(
        canonical(value) if canonical else value, getattr(field, "strip", True)
    )


def _plain(value: Any, is_stripped: bool) -> Any:
    if value is None or value is False:
        return None
    if isinstance(value, Mapping):
        return {str(k): _plain(v, is_stripped) for k, v in value.items()} or None
    if isinstance(value, list | tuple):
        return [_plain(inner, is_stripped) for inner in value] or None
    text = str(value).replace("\r\n", "\n")
    return (text.strip() if is_stripped else text) or None


def _words(field: forms.Field, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(field, forms.ModelChoiceField):
        return "nothing" if value is None else str(value)
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        labels: dict[Any, Any] = dict(flatten_choices(choices))
        values = value if isinstance(value, list) else [value]
        return ", ".join(str(labels.get(one, one)) for one in values) or "nothing"
    prepared = field.prepare_value(value)
    return "nothing" if prepared in field.empty_values else str(prepared)
