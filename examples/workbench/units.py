"""Converts between units of one dimension."""

_FACTORS: dict[str, dict[str, float]] = {
    "length": {
        "mm": 0.001, "cm": 0.01, "m": 1.0, "km": 1_000.0, "in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1_609.344,
    },
    "mass": {"mg": 1e-6, "g": 0.001, "kg": 1.0, "t": 1_000.0, "oz": 0.028349523125, "lb": 0.45359237},
    "volume": {"ml": 0.001, "l": 1.0, "m3": 1_000.0, "floz": 0.0295735295625, "gal": 3.785411784},
    "time": {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0, "week": 604_800.0},
    "data": {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
    "speed": {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704, "kn": 1_852 / 3_600},
}  # fmt: skip
_TO_KELVIN: dict[str, tuple[float, float]] = {
    "K": (1.0, 0.0),
    "C": (1.0, 273.15),
    "F": (5 / 9, 459.67 * 5 / 9),
}


class UnitsDoNotMeet(Exception):
    """A unit is unknown, or the two measure different things."""


def convert(value: float, source: str, target: str) -> float:
    """`value` of `source` in `target`, such as 5 `km` in `mi`.

    Raises:
        UnitsDoNotMeet: a unit is unknown, or they measure different things.
    """
    if source in _TO_KELVIN and target in _TO_KELVIN:
        (scale, offset), (target_scale, target_offset) = (
            _TO_KELVIN[source],
            _TO_KELVIN[target],
        )
        return (value * scale + offset - target_offset) / target_scale
    for factors in _FACTORS.values():
        if source in factors and target in factors:
            return value * factors[source] / factors[target]
    raise UnitsDoNotMeet(
        f"Cannot convert {source!r} to {target!r}. Known units: {known_units()}."
    )


def known_units() -> str:
    """Every unit by dimension, as one line to read."""
    dimensions = {
        **{name: list(factors) for name, factors in _FACTORS.items()},
        "temperature": list(_TO_KELVIN),
    }
    return "; ".join(
        f"{name}: {', '.join(units)}" for name, units in dimensions.items()
    )
