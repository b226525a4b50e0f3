"""Forms as a browser has them: what it sends when a person changes some of what a page shows, or nothing."""

from collections import defaultdict
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.test import Client

_CHECKED = {"checkbox", "radio"}
_NOT_SENT = {"file", "submit", "button", "search"}


class _Forms(HTMLParser):
    """Collects the fields of the form that is saved: the one that carries what it showed."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: dict[str, list[str]] = {}
        self._fields: dict[str, list[str]] = defaultdict(list)
        self._templates = 0
        self._area, self._select = "", ""
        self._text: list[str] = []
        self._is_many = False
        self._options: list[str] = []
        self._chosen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._fields = defaultdict(list)
        if tag == "template":
            self._templates += 1
        if self._templates or "disabled" in has:
            return
        if tag == "input" and has.get("name"):
            self._input(has)
        elif tag == "textarea":
            self._area, self._text = has.get("name", ""), []
        elif tag == "select":
            self._select, self._is_many = has.get("name", ""), "multiple" in has
            self._options, self._chosen = [], []
        elif tag == "option" and self._select:
            options = self._chosen if "selected" in has else self._options
            options.append(has.get("value", ""))

    def _input(self, has: dict[str, str]) -> None:
        kind = has.get("type", "text")
        if kind in _NOT_SENT or (kind in _CHECKED and "checked" not in has):
            return
        default = "on" if kind in _CHECKED else ""
        self._fields[has["name"]].append(has.get("value", default))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._templates -= 1
        elif tag == "textarea" and self._area:
            text = "".join(self._text).removeprefix("\n")
            self._fields[self._area].append(text.replace("\n", "\r\n"))
            self._area = ""
        elif tag == "select" and self._select:
            first = [] if self._is_many else self._options[:1]
            self._fields[self._select] += self._chosen or first
            self._select = ""
        elif tag == "form" and "_seen" in self._fields:
            self.saved = dict(self._fields)


def form_in(page: str) -> dict[str, list[str]]:
    """What the form of this page says."""
    found = _Forms()
    found.feed(page)
    assert found.saved, "the page has no form that carries what it showed"
    return found.saved


class Window:
    """A page that a person has open, with a form that they fill in."""

    def __init__(self, client: Client, address: str) -> None:
        self._client, self._address = client, address
        self._page = client.get(address).content.decode()
        self.form: dict[str, Any] = form_in(self._page)

    def says(self, text: str) -> bool:
        return text in unescape(self._page)

    def type(self, **typed: Any) -> "Window":
        self.form.update(typed)
        return self

    def save(self) -> bool:
        """Send the form; whether it was saved. Where it was not, the window shows what came back."""
        answer = self._client.post(self._address, self.form)
        if answer.status_code == 302:
            return True
        self._page = answer.content.decode()
        self.form = form_in(self._page)
        return False
