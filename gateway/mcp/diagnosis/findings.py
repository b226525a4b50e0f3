"""What a look at an installation finds: how good it is, and what to do where it is not."""

from dataclasses import dataclass
from enum import Enum


class Grade(Enum):
    """How good a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one look found. `cause` and `fix` are empty where all is well."""

    about: str
    grade: Grade
    said: str
    cause: str = ""
    fix: str = ""


def ok(about: str, said: str) -> Finding:
    return Finding(about=about, grade=Grade.OK, said=said)


def problem(about: str, said: str, *, cause: str, fix: str) -> Finding:
    return Finding(about=about, grade=Grade.PROBLEM, said=said, cause=cause, fix=fix)


def warning(about: str, said: str, *, cause: str, fix: str) -> Finding:
    return Finding(about=about, grade=Grade.WARNING, said=said, cause=cause, fix=fix)
