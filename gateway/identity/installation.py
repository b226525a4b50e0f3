"""What makes a database and a process fit each other: the ring of keys, and the triggers that raise revisions."""

from gateway.encryption import ring_fingerprint
from gateway.errors import Refused
from gateway.identity import triggers
from gateway.identity.models import Installation


class RingDiffers(Refused):
    """This process has other encryption keys than the ones this database was set up with."""

    code = "key_ring_differs"

    def __init__(self) -> None:
        super().__init__(
            "ENCRYPTION_KEYS differ from the keys of this database, so its secrets and API keys could not be read. "
            "Give this process the same ENCRYPTION_KEYS as the others. In the embedded mode they are in secrets.json "
            "beside the database: put the file back that belongs to it. After changing the keys on purpose, run "
            "manage.py adopt_keys once, with every process stopped."
        )


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
        RingDiffers: its secrets are encrypted with other keys.
        TriggersMissing: the database would not raise revisions.
    """
    known, _ = Installation.objects.get_or_create(
        pk=1, defaults={"ring_fingerprint": ring_fingerprint()}
    )
    if known.ring_fingerprint != ring_fingerprint():
        raise RingDiffers
    if absent := triggers.missing():
        raise TriggersMissing(absent)


def adopt_ring() -> None:
    """Take this process's ring as the one that belongs to the database."""
    Installation.objects.update_or_create(
        pk=1, defaults={"ring_fingerprint": ring_fingerprint()}
    )
