"""Counts primes in portions, so that whoever waits can be told how far it is."""

import math
from collections.abc import Iterator

_PORTION = 50_000


def count_in_portions(limit: int) -> Iterator[tuple[int, int]]:
    """After each portion: up to which number it has looked, and how many primes it has found there."""
    small = _sieve(math.isqrt(max(limit, 0)) + 1)
    found = 0
    for start in range(2, limit + 1, _PORTION):
        end = min(start + _PORTION, limit + 1)
        found += _count_between(start, end, small)
        yield end - 1, found


def _sieve(limit: int) -> list[int]:
    flags = bytearray([1]) * (limit + 1)
    flags[:2] = b"\0\0"
    for number in range(2, math.isqrt(limit) + 1):
        if flags[number]:
            flags[number * number :: number] = bytes(
                len(range(number * number, limit + 1, number))
            )
    return [number for number, is_prime in enumerate(flags) if is_prime]


def _count_between(start: int, end: int, small: list[int]) -> int:
    flags = bytearray([1]) * (end - start)
    for prime in small:
        first = max(prime * prime, -(-start // prime) * prime)
        if first < end:
            flags[first - start :: prime] = bytes(len(range(first, end, prime)))
    return sum(flags)
