"""Looks at what everything stands on: the database, its migrations and triggers, the clock, the broker."""

import time
from datetime import timedelta

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from gateway.identity import triggers
from gateway.mcp.diagnosis.findings import Finding, ok, problem

_BROKER_SECONDS = 2.0
_MOST_SKEW_SECONDS = 2.0


def database() -> Finding:
    began = time.monotonic()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as exc:
        return problem(
            "database",
            "The database does not answer.",
            cause=str(exc).strip().partition("\n")[0],
            fix="Start it, or correct DATABASE_URL or DATA_DIR.",
        )
    took = (time.monotonic() - began) * 1000
    version = ".".join(map(str, connection.get_database_version()))
    return ok(
        "database", f"{connection.display_name} {version} answers in {took:.1f} ms."
    )


def migrations() -> Finding:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        return problem(
            "migrations",
            f"{len(waiting)} migrations are not applied.",
            cause="The database is older than the program.",
            fix="Run manage.py migrate.",
        )
    return ok("migrations", "All are applied.")


def revision_triggers() -> Finding:
    if absent := triggers.missing():
        return problem(
            "triggers",
            f"{len(absent)} triggers that raise revisions are missing: {', '.join(absent[:3])}.",
            cause="Somebody dropped them, or restored tables without them. Edits do not reach running agents.",
            fix="Run manage.py migrate; it makes them again.",
        )
    return ok("triggers", "All are there, so every edit is seen at once.")


def clock() -> Finding:
    """Whether this machine and the database agree on the time."""
    if connection.vendor != "postgresql":
        return ok("clock", "The database is a file of this machine.")
    with connection.cursor() as cursor:
        asked_at = timezone.now()
        cursor.execute("SELECT clock_timestamp()")
        theirs, told_at = cursor.fetchone()[0], timezone.now()
    # However long the answer took, a clock that agrees lies between the two.
    skew = max(asked_at - theirs, theirs - told_at, timedelta()).total_seconds()
    if skew > _MOST_SKEW_SECONDS:
        return problem(
            "clock",
            f"This machine and the database differ by {skew:.1f} s.",
            cause="One of the clocks is wrong. Keys expire, and claims are judged, by the clock.",
            fix="Synchronize the clocks of both machines (NTP).",
        )
    return ok("clock", f"It agrees with the database's to {skew:.1f} s.")


def broker() -> Finding:
    if not settings.REDIS_URL:
        return ok("broker", "None is needed: the worker runs inside the web process.")
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=_BROKER_SECONDS,
        socket_connect_timeout=_BROKER_SECONDS,
    )
    try:
        client.ping()
    except redis.RedisError as exc:
        return problem(
            "broker",
            "Redis does not answer. Calls are served; syncs wait, and news reach other processes late.",
            cause=type(exc).__name__,
            fix="Start Redis, or correct REDIS_URL.",
        )
    finally:
        client.close()
    return ok("broker", "Redis answers.")
