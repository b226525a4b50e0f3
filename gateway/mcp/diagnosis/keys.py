"""Looks at the ring of encryption keys: whether it fits, and what its older keys are still needed for."""

from collections.abc import Iterator

from django.utils import timezone

from gateway.checks import encryption_keys_are_usable
from gateway.encryption import ring_names
from gateway.errors import GatewayError
from gateway.identity.installation import adopted_keys, check_ring
from gateway.identity.key_needs import KeyNeed, ring_needs
from gateway.mcp.diagnosis.findings import Finding, ok, problem, warning

_CAUSE = "ENCRYPTION_KEYS were changed, here or elsewhere."


def encryption_keys() -> Iterator[Finding]:
    if unusable := encryption_keys_are_usable():
        said = " ".join(str(message.msg) for message in unusable)
        yield problem("keys", said, cause=_CAUSE, fix=str(unusable[0].hint))
        return
    try:
        check_ring(adopted=adopted_keys(), ring=ring_names())
    except GatewayError as exc:
        yield problem("keys", exc.message, cause=_CAUSE, fix="See docs/scale-out.md.")
        return
    yield from _needs()


def _needs() -> Iterator[Finding]:
    needs = ring_needs(at=timezone.now())
    if needs.unreadable_values:
        yield problem(
            "keys",
            f"{needs.unreadable_values} stored secrets cannot be read.",
            cause="They were encrypted with a key that is not in ENCRYPTION_KEYS any more.",
            fix="Put the key back, last in ENCRYPTION_KEYS, or store these secrets again.",
        )
    else:
        total = sum(key.values for key in needs.keys)
        yield ok("keys", f"All {total} stored secrets can be read.")
    yield from map(_older, needs.older)


def _older(key: KeyNeed) -> Finding:
    if key.is_needed:
        return warning(
            "keys",
            f"The older key {key.name} is still needed by {key.values} secrets and {key.api_keys} API keys.",
            cause="They were encrypted or signed before the newest key came.",
            fix="Run manage.py rotate_encryption_keys; rotate those API keys, or let them expire.",
        )
    return warning(
        "keys",
        f"The older key {key.name} is not needed any more.",
        cause="Everything is under a newer key.",
        fix="Run manage.py adopt_keys without it, then drop it from ENCRYPTION_KEYS everywhere.",
    )
