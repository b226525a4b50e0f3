"""Who may do what in a workspace: the role matrix, as one pure table."""

from enum import Enum

from django.db import models


class Role(models.TextChoices):
    ADMIN = "admin", "Admin"
    DEVELOPER = "developer", "Developer"
    SECURITY = "security", "Security"
    READ_ONLY = "read_only", "Read only"


class Right(Enum):
    """One column of the matrix; a cell with a condition is a right of its own."""

    READ = "read"
    BUILD = "connect, sync, packs, users"
    OWN_KEYS = "make, rotate and revoke one's own keys"
    REVOKE_KEYS = "revoke anybody's keys and credentials"
    KEYS = "everybody's keys, credentials and secrets"
    GOVERN = "rules, baselines, approvals"
    READ_TEST_BODIES = "bodies of calls of one's own test users"
    READ_BODIES = "bodies of calls"
    MEMBERS = "members"
    NETWORKS = "let a tool set reach private networks"


_MATRIX: dict[str, frozenset[Right]] = {
    Role.ADMIN: frozenset(Right),
    Role.DEVELOPER: frozenset(
        {Right.READ, Right.BUILD, Right.OWN_KEYS, Right.READ_TEST_BODIES}
    ),
    Role.SECURITY: frozenset(
        {Right.READ, Right.REVOKE_KEYS, Right.GOVERN, Right.READ_BODIES}
    ),
    Role.READ_ONLY: frozenset({Right.READ}),
}


def allows(role: str, right: Right) -> bool:
    """Whether `role` has `right`; an unknown role has none."""
    return right in _MATRIX.get(role, frozenset())


def covers(role: str, other: str) -> bool:
    """Whether `role` has every right that `other` has."""
    return _MATRIX.get(role, frozenset()) >= _MATRIX.get(other, frozenset())
