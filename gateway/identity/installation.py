"""What makes a database and a process fit each other: the ring of keys, and the triggers that raise revisions."""

from collections.abc import Sequence, Set

from gateway.encryption import ring_names
from gateway.errors import Refused
from gateway.identity import triggers
from gateway.identity.models import Installation


class RingDiffers(Refused):
    """This process's encryption keys do not go with those of this database."""

    code = "key_ring_differs"


class TriggersMissing(Refused):
    """The database lacks triggers that raise revisions, so an edit would not be seen."""

    code = "triggers_missing"

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"The database lacks {len(names)} of its triggers ({', '.join(names[:3])}, …), so edits would not reach "
            "running agents. Run manage.py migrate: it makes them again."
        )


def check_fit() -> None:
    """Make sure that this process may serve this database; a new database takes this process's ring as its own.

    Raises:
        RingDiffers: it could not read what others write, or they not what it writes.
        TriggersMissing: the database would not raise revisions.
    """
    check_ring(adopted=adopted_keys(), ring=ring_names())
    if absent := triggers.missing():
        raise TriggersMissing(absent)


def check_ring(*, adopted: Set[str], ring: Sequence[str]) -> None:
    """A ring, newest key first, must hold every adopted key and write with one of them; it may hold others.

    So every process reads what any other writes, also while they are given other rings one by one.

    Raises:
        RingDiffers: it does not.
    """
    if lacking := adopted - set(ring):
        raise RingDiffers(
            f"ENCRYPTION_KEYS differ from the keys of this database: {len(lacking)} of {len(adopted)} are missing, so "
            "its secrets and API keys could not be read. Give this process the same ENCRYPTION_KEYS as the others. In "
            "the embedded mode they are in secrets.json beside the database: put the file back that belongs to it."
        )
    if ring[0] not in adopted:
        raise RingDiffers(
            "ENCRYPTION_KEYS differ from the keys of this database: the first one is new to it, and a process that "
            "lacks it could not read what this one writes. Put it behind the others in every process, run manage.py "
            "adopt_keys, and only then put it first. With every process stopped, adopt_keys alone will do."
        )


def adopted_keys() -> frozenset[str]:
    """The names of the keys that every process of this database must have."""
    known, _ = Installation.objects.get_or_create(
        pk=1, defaults={"ring_fingerprint": _fingerprint()}
    )
    return frozenset(known.ring_fingerprint.split("-"))


def adopt_ring() -> None:
    """Take this process's ring as the one that belongs to the database."""
    Installation.objects.update_or_create(
        pk=1, defaults={"ring_fingerprint": _fingerprint()}
    )


def _fingerprint() -> str:
    return "-".join(sorted(ring_names()))
