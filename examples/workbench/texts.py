"""Measures and compares texts."""

import difflib
import re
from collections import Counter

from typing_extensions import TypedDict

_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)")
_WORDS_A_MINUTE = 230


class Statistics(TypedDict):
    """The size of a text."""

    characters: int
    words: int
    lines: int
    sentences: int
    reading_seconds: int
    most_frequent_words: list[str]


def measure(text: str) -> Statistics:
    """How large a text is, and which of its longer words come most often."""
    words = _WORD.findall(text)
    frequent = Counter(word.lower() for word in words if len(word) > 3).most_common(5)
    return Statistics(
        characters=len(text),
        words=len(words),
        lines=len(text.splitlines()),
        sentences=len(_SENTENCE_END.findall(text)) or int(bool(words)),
        reading_seconds=round(len(words) * 60 / _WORDS_A_MINUTE),
        most_frequent_words=[word for word, _ in frequent],
    )


def difference(before: str, after: str) -> str:
    """A unified diff of two texts; empty when they are equal."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "before", "after", lineterm=""
    )
    return "\n".join(lines)
