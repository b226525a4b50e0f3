"""Fingerprints: a digest that changes whenever what an upstream says about a tool does."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson


def fingerprint(definition: Mapping[str, Any]) -> str:
    """SHA-256, as 64 hex digits, over the canonical JSON of a tool's definition."""
    canonical = orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()
