import asyncio
from contextlib import suppress

import pytest

from toolsets.adapters.calling import ToolSetBusy
from toolsets.adapters.shares import Shares


def test_a_tool_set_takes_its_share_and_then_has_to_wait() -> None:
    shares = Shares(each=2, total=100)

    assert [shares.take("a") for _ in range(3)] == [True, True, False]


def test_however_many_tool_sets_hang_the_next_one_finds_room() -> None:
    shares = Shares(each=50, total=100)
    for hanging in ("a", "b", "c", "d", "e"):
        with suppress(ToolSetBusy):
            while shares.take(hanging):
                pass

    assert shares.take("another")


def test_a_waiting_call_gets_the_place_of_the_one_that_ends() -> None:
    async def scene() -> bool:
        shares = Shares(each=1, total=10)
        shares.take("a")
        shares.take("a")
        waiting = asyncio.create_task(shares.wait("a"))
        await asyncio.sleep(0)
        shares.leave("a")
        await waiting
        return shares.take("a")

    assert asyncio.run(scene()) is False


def test_only_a_few_may_wait() -> None:
    async def scene() -> None:
        shares = Shares(each=4, total=10)
        waiting = []
        for _ in range(5):
            if not shares.take("a"):
                waiting.append(asyncio.create_task(shares.wait("a")))
                await asyncio.sleep(0)
        with pytest.raises(ToolSetBusy):
            shares.take("a")
        waiting[0].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert shares.take("a") is False

    asyncio.run(scene())


def test_a_place_given_to_a_caller_who_just_gave_up_is_free_again() -> None:
    async def scene() -> None:
        shares = Shares(each=1, total=10)
        shares.take("a")
        gone = asyncio.create_task(shares.wait("a"))
        await asyncio.sleep(0)
        shares.leave("a")
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert shares.take("a")

    asyncio.run(scene())
