"""A PostgreSQL and a Redis of these tests' own, which they may stop, and a house of processes on them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from benchmarks.instances import NotAvailable, Postgres, Redis
from tests.machine import lacks
from tests.processes.cast import Cast
from tests.processes.house import House, Process, environment_of, prepared
from tests.processes.upstream import Workshop
from tests.upstreams import Upstream

_SECRETS = {
    "SECRET_KEY": "a test's own, long enough to be one: 0123456789abcdef",
    "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}
_upstreams: list[Upstream] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.processes)
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    try:
        instance = Postgres.start()
    except NotAvailable as exc:
        lacks(str(exc))
    yield instance
    instance.remove()


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    try:
        instance = Redis.start()
    except NotAvailable as exc:
        lacks(str(exc))
    yield instance
    instance.process.stop()


@pytest.fixture(scope="session")
def session_workshop() -> Workshop:
    return Workshop()


@pytest.fixture(scope="session")
def upstream(session_workshop: Workshop) -> Iterator[Upstream]:
    _upstreams.append(Upstream(session_workshop))
    yield _upstreams[0]
    _upstreams.pop().stop()


@pytest.fixture
def restart(session_workshop: Workshop, upstream: Upstream) -> Callable[[], None]:
    """Let the upstream go away, and come back at the same port."""

    def restarted() -> None:
        gone = _upstreams.pop()
        gone.stop()
        _upstreams.append(Upstream(session_workshop, port=gone.port))

    return restarted


@pytest.fixture
def workshop(session_workshop: Workshop) -> Workshop:
    """The upstream, with nothing on its mind."""
    session_workshop.forget()
    return session_workshop


@pytest.fixture(scope="session")
def seeded(
    postgres: Postgres, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Cast:
    """The database that each house gets a copy of."""
    told = environment_of(
        tmp_path_factory.mktemp("seed"), DATABASE_URL=postgres.url, **_SECRETS
    )
    return prepared(told, upstream.url(""))


@pytest.fixture(scope="session")
def session_house(
    postgres: Postgres,
    redis: Redis,
    seeded: Cast,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """Processes on PostgreSQL and Redis."""
    folder = tmp_path_factory.mktemp("house")
    template = postgres.url.rpartition("/")[2]
    name = "house"
    with psycopg.connect(
        postgres.url.replace(template, "postgres"), autocommit=True
    ) as c:
        c.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    told = environment_of(
        folder,
        DATABASE_URL=postgres.url.replace(template, name),
        REDIS_URL=redis.url,
        **_SECRETS,
    )
    house = House(environment=told, folder=folder, cast=seeded)
    yield house
    house.end()


@pytest.fixture(scope="session")
def pair(session_house: House) -> tuple[Process, Process]:
    """Two web processes that know each other only through the database and Redis; nobody may end them."""
    here, there = session_house.webs(2)
    return here, there


@pytest.fixture
def house(session_house: House) -> House:
    """Processes on PostgreSQL and Redis, and an empty log."""
    session_house.sql("DELETE FROM mcp_toolcall")
    return session_house


@pytest.fixture
def embedded(tmp_path: Path, upstream: Upstream) -> Iterator[House]:
    """Processes on SQLite, with nothing beside them."""
    told = environment_of(tmp_path, **_SECRETS)
    house = House(
        environment=told, folder=tmp_path, cast=prepared(told, upstream.url(""))
    )
    yield house
    house.end()
