"""`manage.py adopt_keys`: says that the keys were changed on purpose."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.encryption import UndecipherableError
from gateway.identity.installation import adopt_ring
from toolsets.models import SecretValue


class Command(BaseCommand):
    help = (
        "Record that this process's ENCRYPTION_KEYS belong to the database from now on. "
        "It refuses when a stored secret could not be read with them."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            readable = sum(1 for _ in SecretValue.objects.iterator(chunk_size=200))
        except UndecipherableError as exc:
            raise CommandError(
                "A stored secret cannot be read with these keys. Keep the old keys in ENCRYPTION_KEYS, after the new ones."
            ) from exc
        adopt_ring()
        self.stdout.write(
            f"The keys belong to this database now; {readable} stored secrets can be read with them."
        )
