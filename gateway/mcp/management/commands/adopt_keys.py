"""`manage.py adopt_keys`: says that the keys were changed on purpose."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from gateway.identity.installation import adopt_ring
from gateway.identity.key_needs import ring_needs


class Command(BaseCommand):
    help = (
        "Record that this process's ENCRYPTION_KEYS belong to the database from now on: every process must have all "
        "of them. It refuses when a stored secret could not be read with them, or an API key would be void."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--void-api-keys",
            action="store_true",
            help="accept that API keys signed with a dropped key stop working",
        )

    def handle(self, *args: Any, void_api_keys: bool, **options: Any) -> None:
        needs = ring_needs(at=timezone.now())
        if needs.unreadable_values:
            raise CommandError(
                f"{needs.unreadable_values} stored secrets cannot be read with these keys. Keep the old keys in "
                "ENCRYPTION_KEYS, after the new ones, until manage.py rotate_encryption_keys has run."
            )
        if needs.void_api_keys and not void_api_keys:
            raise CommandError(
                f"{needs.void_api_keys} API keys were signed with a key that is missing here, and would stop working. "
                "Keep the old key in ENCRYPTION_KEYS until they are rotated or have expired, or say --void-api-keys."
            )
        adopt_ring()
        readable = sum(key.values for key in needs.keys)
        self.stdout.write(
            f"These {len(needs.keys)} keys belong to this database now; {readable} stored secrets can be read with them."
        )
