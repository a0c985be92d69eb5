"""Failures of the server and of connections, on PostgreSQL."""

import os
import pickle
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from databases import execute, server, url

import untorn
from untorn import postgres


@pytest.fixture
def store(schema: str) -> Iterator[postgres.Store]:
    with postgres.Store(server(), schema=schema) as store:
        yield store


def chained(error: BaseException | None) -> Iterator[str]:
    """What an exception says, and those behind it."""
    while error is not None:
        yield repr(error) + str(error)
        error = error.__cause__ or error.__context__


def test_a_dead_server_is_named_and_the_password_is_not() -> None:
    server()
    with pytest.raises(untorn.IoError, match=r"no answer from the database.*nothing was changed") as caught:
        postgres.Store("postgresql://me:sesame@127.0.0.1:1/db", patience=0)
    assert not any("sesame" in said for said in chained(caught.value))


@pytest.fixture
def refusing() -> Iterator[int]:
    """A server that refuses every login: its port."""
    fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "me"\0\0'
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    while (length := int.from_bytes(connection.recv(4))) != 0:
                        code = int.from_bytes(connection.recv(length - 4)[:4])
                        if code in (80877103, 80877104):
                            # No TLS, no GSSAPI.
                            connection.sendall(b"N")
                            continue
                        connection.sendall(b"E" + (len(fields) + 4).to_bytes(4) + fields)
                        break

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_wrong_password_is_refused_at_once_and_is_not_shown(refusing: int) -> None:
    # The whole patience would be longer than a test may take.
    with pytest.raises(
        untorn.PermissionDenied, match=r"authentication failed.*check the user and the password"
    ) as caught:
        postgres.Store(f"postgresql://me:sesame@127.0.0.1:{refusing}/db", patience=3600)
    assert not any("sesame" in said for said in chained(caught.value))


@pytest.mark.parametrize(
    ("change", "kind", "advice"),
    [
        ({"user": "nobody"}, untorn.PermissionDenied, "check the user"),
        ({"dbname": "no_such"}, untorn.NotFound, "create the database"),
    ],
)
def test_a_user_or_a_database_that_is_missing_is_told_at_once(
    change: dict[str, str], kind: type[Exception], advice: str
) -> None:
    with pytest.raises(kind, match=advice):
        postgres.Store(url(**change), patience=3600)


def test_a_url_that_cannot_be_parsed_is_not_shown() -> None:
    server()
    with pytest.raises(untorn.InvalidArgument, match="can't be parsed") as caught:
        untorn.Store.open("postgresql://me:sesame@[::1/db")
    assert not any("sesame" in said for said in chained(caught.value))


def test_a_missing_schema_says_what_to_do() -> None:
    with pytest.raises(untorn.NotFound, match="run the migrations"):
        postgres.Store(server(), schema="no_such_schema")


def test_migrations_of_another_version_are_refused(schema: str) -> None:
    execute(f"insert into {schema}.migration (version) select max(version) + 1 from {schema}.migration")
    with pytest.raises(untorn.Conflict, match="update untorn"):
        postgres.Store(server(), schema=schema)
    with pytest.raises(untorn.Conflict, match="update untorn"):
        postgres.migrate(server(), schema)


@pytest.fixture
def closing(schema: str) -> Iterator[ExitStack]:
    """Before the schema is dropped, which waits for every transaction on it."""
    del schema
    with ExitStack() as closing:
        yield closing


@pytest.fixture
def role(schema: str) -> Iterator[str]:
    execute(f"create role {schema}_role login")
    yield f"{schema}_role"
    execute(f"drop owned by {schema}_role")
    execute(f"drop role {schema}_role")


def test_a_role_without_rights_says_what_to_do(schema: str, role: str) -> None:
    with pytest.raises(untorn.PermissionDenied, match=r"let the owner call allow\(role\)") as caught:
        postgres.Store(url(user=role), schema=schema)
    assert isinstance(caught.value, PermissionError)
    assert caught.value.sqlstate == "42501"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.sqlstate, str(again)) == ("42501", str(caught.value))
    with pytest.raises(untorn.PermissionDenied, match="right CREATE on the database"):
        postgres.migrate(url(user=role), "its_own")
    execute(f"call {schema}.allow('{role}')")
    with postgres.Store(url(user=role), schema=schema) as store:
        store.session("k").journal().append(1)


def test_a_statement_timeout_leaves_the_session_to_be_read(schema: str, store: postgres.Store) -> None:
    store.session("k").journal().append(1)
    with psycopg.connect(server()) as other:
        other.execute(f"select from {schema}.file for update")
        with postgres.Store(url(options="-c statement_timeout=100"), schema=schema) as slow:
            journal = slow.session("k").journal()
            with pytest.raises(untorn.IoError, match=r"statement timeout.*read before the next one"):
                journal.append(2)
            with pytest.raises(untorn.Poisoned, match="read the session before the next change"):
                journal.append(3)
            other.rollback()
            assert list(journal) == [1]
            journal.append(4)
            assert list(journal) == [1, 4]


def test_a_broken_connection_is_replaced_and_the_append_is_there_once(store: postgres.Store) -> None:
    journal = store.session("k").journal()
    for n in range(3):
        journal.append(n)
        ended = execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'untorn'"
        )
        assert ended[0][0] > 0
    assert list(journal) == [0, 1, 2]


def test_a_connection_that_was_closed_is_refused_at_once(schema: str) -> None:
    connection = psycopg.connect(server())
    store = postgres.Store(connection, schema=schema)
    connection.close()
    with pytest.raises(untorn.IoError, match="the connection is closed: pass an open one"):
        store.keys()


def test_an_exception_of_progress_ends_the_call(store: postgres.Store) -> None:
    journal = store.session("k").journal()
    journal.extend(range(1000))

    def fail(done: int, total: int) -> None:
        raise LookupError(done, total)

    with pytest.raises(LookupError):
        journal.verify(progress=fail)


INTERRUPTED = """
    import os, signal, sys
    from untorn import postgres
    store = postgres.Store(os.environ["UNTORN_TEST_POSTGRES"], schema=sys.argv[1])
    session = store.session("k")
    waits = {
        "claim": lambda: session.claim("me", timeout=None),
        "append": lambda: session.journal().append(2),
        "follow": lambda: next(session.journal().follow()),
    }
    try:
        waits[sys.argv[2]]()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    store.close()
"""


@pytest.mark.parametrize("what", ["claim", "append", "follow"])
def test_control_c_ends_a_wait(
    what: str, schema: str, store: postgres.Store, script: Callable[..., Any], closing: ExitStack
) -> None:
    session = store.session("k")
    session.journal().append(1)
    closing.enter_context(session.claim("the other"))
    blocked = closing.enter_context(psycopg.connect(server()))
    if what == "append":
        blocked.execute(f"select from {schema}.file for update")
    process = script(INTERRUPTED, schema, what)
    wait_for(process, WAITING[what].format(schema))
    process.send_signal(signal.SIGINT)
    if what == "append":
        # The interrupted statement is asked for once more: its answer says what the first one did.
        blocked.rollback()
    out, _ = process.communicate(timeout=60)
    assert (out, process.returncode) == ("interrupted\n", 0)
    assert len(session.journal()) in ((1, 2) if what == "append" else (1,))


# How the server sees that a program waits.
WAITING = {
    # More than the first try.
    "claim": """query like '%%"{}".claim(%%' and query_start > backend_start + interval '200 ms'""",
    "append": """query like '%%"{}".append(%%' and wait_event_type = 'Lock'""",
    # Not anywhere in it: a look like this one has these words too.
    "follow": """query like 'select "{}".watch(%%'""",
}


def wait_for(process: Any, condition: str) -> None:
    """Wait until the server sees this."""
    while not execute(f"select 1 from pg_stat_activity where pid <> pg_backend_pid() and {condition}"):
        assert process.poll() is None, process.communicate()


ENDS = """
    import os, sys, threading
    from untorn import postgres
    store = postgres.Store(os.environ["UNTORN_TEST_POSTGRES"], schema=sys.argv[1], ttl=1)
    journal = store.session(sys.argv[2]).journal()
    lease = store.session(sys.argv[2]).claim("never released")
    threading.Thread(target=lambda: list(journal.follow()), daemon=True).start()
    journal.append(1)
    sys.stdout.write("ends")
"""


def test_a_program_ends_in_the_middle_of_waits(schema: str, script: Callable[..., Any]) -> None:
    # Each of some threads can be in the middle of a statement when the interpreter ends.
    programs = [script(ENDS, schema, f"k{n}") for n in range(4)]
    for process in programs:
        out, _ = process.communicate(timeout=15)
        assert (out, process.returncode) == ("ends", 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_is_told_to_open_the_store_again(store: postgres.Store, tmp_path: Path) -> None:
    journal = store.session("k").journal()
    journal.append(1)
    told = tmp_path / "told"
    pid = os.fork()
    if pid == 0:
        try:
            journal.append(2)
        except untorn.InvalidArgument as error:
            told.write_text(str(error))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert "open it again in this process" in told.read_text()
    assert list(store.session("k").journal()) == [1]
