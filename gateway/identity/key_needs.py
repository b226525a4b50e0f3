"""Says what each key of the ring is still needed for, and so which may be dropped."""

from dataclasses import dataclass
from datetime import datetime

from gateway.encryption import ring_names
from gateway.identity.keys import living_by_signing_key, signing_keys
from gateway.identity.reencrypting import values_by_key


@dataclass(frozen=True, kw_only=True)
class KeyNeed:
    """A key of the ring: how many encrypted values only it opens, and how many living API keys it signed."""

    name: str
    values: int
    api_keys: int

    @property
    def is_needed(self) -> bool:
        return bool(self.values or self.api_keys)


@dataclass(frozen=True, kw_only=True)
class RingNeeds:
    """What stands on the ring, newest key first, and what no key of it serves."""

    keys: list[KeyNeed]
    unreadable_values: int
    void_api_keys: int

    @property
    def older(self) -> list[KeyNeed]:
        return self.keys[1:]


def ring_needs(*, at: datetime) -> RingNeeds:
    """Look at every encrypted value and API key. One whose signer was never noted counts for the oldest key."""
    values, signed = values_by_key(), living_by_signing_key(at=at)
    signers = signing_keys()
    signed[signers[-1]] += signed.pop("", 0)
    return RingNeeds(
        keys=[
            KeyNeed(name=name, values=values[place], api_keys=signed[signers[place]])
            for place, name in enumerate(ring_names())
        ],
        unreadable_values=values[None],
        void_api_keys=sum(
            count for name, count in signed.items() if name not in signers
        ),
    )
