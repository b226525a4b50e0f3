"""Arithmetic on calendar days."""

import calendar
from datetime import date, timedelta


def shift(day: date, *, days: int = 0, weeks: int = 0, months: int = 0) -> date:
    """`day` moved by months first, kept inside the month it lands in, then by weeks and days.

    Raises:
        OverflowError: the result is before year 1 or after year 9999.
    """
    month_index = day.year * 12 + day.month - 1 + months
    year, month = divmod(month_index, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError("The date is out of range.")
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last)) + timedelta(days=days, weeks=weeks)


def working_days_between(start: date, end: date) -> int:
    """Mondays to Fridays from `start` up to, but not including, `end`; negative when `end` is earlier."""
    if end < start:
        return -working_days_between(end, start)
    weeks, rest = divmod((end - start).days, 7)
    return weeks * 5 + sum((start.weekday() + offset) % 7 < 5 for offset in range(rest))
