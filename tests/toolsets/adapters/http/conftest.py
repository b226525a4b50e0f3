"""An upstream that records what it is sent."""

from collections.abc import Iterator

import pytest

from tests.toolsets.adapters.http.recording import Recorder, recorder


@pytest.fixture
def upstream() -> Iterator[Recorder]:
    with recorder() as recording:
        yield recording
