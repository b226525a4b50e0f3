"""What is wrong with a bundle as it is written: each problem with the place it stands at."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError


@dataclass(frozen=True, kw_only=True)
class Problem:
    """`path` leads to the member (`toolSets.weather.spec.adapter`), `place` to its line (`weather.yaml:12`)."""

    path: str
    place: str
    text: str

    def __str__(self) -> str:
        return ": ".join(filter(None, [self.place, self.path, self.text]))


class BundleInvalid(ValidationError):
    """The bundle cannot be read, so nothing of it was looked at."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        by_path: dict[str, list[str]] = defaultdict(list)
        for problem in problems:
            by_path[problem.path or NON_FIELD_ERRORS].append(
                f"{problem.place}: {problem.text}"
            )
        super().__init__(dict(by_path))
