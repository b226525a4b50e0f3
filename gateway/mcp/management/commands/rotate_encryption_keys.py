"""`manage.py rotate_encryption_keys`: brings every stored secret under the newest key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from gateway.errors import GatewayError
from gateway.identity.installation import check_fit
from gateway.identity.key_needs import RingNeeds, ring_needs
from gateway.identity.reencrypting import Tally, reencrypt


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret anew under the first of ENCRYPTION_KEYS. It may run beside everything else, "
        "be interrupted and be repeated."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            check_fit()
        except GatewayError as exc:
            raise CommandError(exc.message) from exc
        tally = reencrypt(on_progress=self._tell)
        self.stdout.write(
            f"{tally.rewritten} of {tally.total} secrets were encrypted anew; "
            f"{tally.total - tally.rewritten - len(tally.unreadable)} were under the newest key already."
        )
        self.stdout.write(spoken_needs(ring_needs(at=timezone.now())))
        if tally.unreadable:
            raise CommandError(
                f"{len(tally.unreadable)} cannot be read with these keys, and stay as they are: "
                f"{', '.join(tally.unreadable[:20])}. Put the key back that they were encrypted with, or store them again."
            )

    def _tell(self, tally: Tally) -> None:
        self.stdout.write(
            f"{tally.looked_at} of {tally.total} looked at, {tally.rewritten} encrypted anew, {tally.remaining} remaining"
        )


def spoken_needs(needs: RingNeeds) -> str:
    """Which of the older keys may be dropped, in words."""
    if not needs.older:
        return "There is one key, so there is none to drop."
    return "\n".join(
        f"Key {key.name} is still needed: {key.values} secrets, {key.api_keys} API keys."
        if key.is_needed
        else f"Key {key.name} is not needed any more: it may be dropped from ENCRYPTION_KEYS."
        for key in needs.older
    )
