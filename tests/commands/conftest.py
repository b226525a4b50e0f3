"""Commands as scripts and people run them."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What came of a command."""

    out: str
    err: str
    failure: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def nobody_else(settings: Any) -> None:
    """Commands do the work themselves, as they do without Redis, wherever these tests run."""
    settings.REDIS_URL = ""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a `manage.py` command, with `told` on its standard input."""

    def ran(*arguments: str, told: str = "") -> Ran:
        out, err, failure = io.StringIO(), io.StringIO(), ""
        monkeypatch.setattr(sys, "stdin", io.StringIO(told))
        try:
            call_command(*arguments, stdout=out, stderr=err)
        except CommandError as exc:
            failure = str(exc)
        return Ran(out=out.getvalue(), err=err.getvalue(), failure=failure)

    return ran
