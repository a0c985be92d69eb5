"""What happens without a call asking for it can be seen."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Script
from loops import Run

import untorn
from untorn import Document, Event, FileLock, Journal, aio

J: Any = {"durability": "process"}


@pytest.fixture
def events() -> Iterator[list[Event]]:
    seen: list[Event] = []
    untorn.flush_events()
    untorn.set_event_callback(seen.append)
    yield seen
    untorn.set_event_callback(None)


@pytest.fixture
def soon() -> Iterator[None]:
    untorn.set_wait_threshold(0.02)
    yield
    untorn.set_wait_threshold(2)


def let_go(holder: Any) -> None:
    """Have the other process release its lock."""
    if holder.poll() is None and not holder.stdin.closed:
        holder.stdin.write("\n")
        holder.stdin.flush()


def torn(path: Path) -> Journal:
    path.write_bytes(b'{"n":1}\n{"n":2')
    return Journal(path, **J)


def test_a_repair_is_reported(path: Path, events: list[Event], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "untorn"):
        torn(path).append({"n": 3})
        assert untorn.flush_events()
    [event] = events
    assert (event.kind, event.severity, event.operation, event.path) == ("repaired", "warning", "repair", path)
    assert (event.offset, event.bytes, event.kept) == (8, 6, path.with_name("p.torn"))
    assert (event.holder, event.waited, event.count, event.damage) == (None, None, None, None)
    [record] = caplog.records
    assert (record.name, record.levelno, record.getMessage()) == ("untorn", logging.WARNING, event.message)
    assert record.__dict__["untorn_event"] == event
    assert "a torn tail of 6 bytes at offset 8 was cut" in event.message


def test_damage_that_is_skipped_is_logged_and_warned_of(
    path: Path, events: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b'{"n":1}\n{"n":2\n{"n":3}\n')
    with caplog.at_level(logging.INFO, "untorn"), pytest.warns(untorn.DamageWarning):
        assert len(list(Journal(path, **J))) == 2
    untorn.flush_events()
    assert {event.kind for event in events} <= {"skipped_damage"}
    assert all(record.levelno == logging.INFO for record in caplog.records)


@pytest.mark.usefixtures("soon")
def test_a_wait_without_a_limit_says_for_whom(path: Path, events: list[Event], hold: Any) -> None:
    other = hold(path)
    seen = threading.Event()

    def note(event: Event) -> None:
        events.append(event)
        seen.set()

    untorn.set_event_callback(note)
    waiting = threading.Thread(target=Document(path, **J).save, args=[1])
    waiting.start()
    assert seen.wait(60)
    other.communicate()
    waiting.join()
    untorn.flush_events()
    first, last = events[0], events[-1]
    assert (first.kind, last.kind) == ("waiting", "waited")
    assert first.holder is not None
    assert (first.holder.pid, first.holder.label) == (other.pid, "the other")
    assert f"held by pid {other.pid} (the other)" in first.message
    assert first.waited is not None
    assert first.waited >= 0.02


@pytest.mark.usefixtures("soon")
def test_the_main_thread_says_for_whom_it_waits(path: Path, events: list[Event], hold: Any) -> None:
    other = hold(path)

    def seen(event: Event) -> None:
        events.append(event)
        # The callback holds no lock: it may wait for any, and use the library.
        untorn.holder(path)
        let_go(other)

    untorn.set_event_callback(seen)
    Document(path, **J).save(1)
    untorn.flush_events()
    assert [event.kind for event in events][:1] == ["waiting"]


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("timeout", [None, 60])
def test_a_wait_with_a_timeout_is_no_warning(
    run: Run, path: Path, events: list[Event], hold: Any, timeout: float | None
) -> None:
    severity = "warning" if timeout is None else "info"

    async def awaited() -> None:
        await aio.Document(path, **J).save(1, timeout=timeout)

    for save in (lambda: Document(path, **J).save(1, timeout=timeout), lambda: run(awaited)):
        other = hold(path)

        def note(event: Event, other: Any = other) -> None:
            events.append(event)
            let_go(other)

        untorn.set_event_callback(note)
        save()
        untorn.flush_events()
        assert (events[0].kind, events[0].severity) == ("waiting", severity)
        events.clear()


def test_a_file_in_two_schemes_is_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Journal(path, scheme="in-place", **J).extend([1, 2])
    untorn.flush_events()
    caplog.clear()
    Journal(path, **J)
    Journal(path, scheme="in-place", **J)
    untorn.flush_events()
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("untorn", "WARNING")
    assert f"{path}.redo was made by scheme in-place" in record.getMessage()


@pytest.mark.usefixtures("soon")
def test_a_task_says_for_whom_it_waits(run: Run, path: Path, events: list[Event], hold: Any) -> None:
    other = hold(path)

    def note(event: Event) -> None:
        events.append(event)
        let_go(other)

    untorn.set_event_callback(note)

    async def main() -> None:
        await aio.Document(path, **J).save(1)

    run(main)
    untorn.flush_events()
    assert events[0].kind == "waiting"


def test_a_callback_that_fails_is_told_and_called_again(
    path: Path, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", told.append)

    def fail(event: Event) -> None:
        events.append(event)
        raise LookupError(event.kind)

    untorn.set_event_callback(fail)
    for _ in range(2):
        torn(path).append(1)
    untorn.flush_events()
    assert [event.kind for event in events] == ["repaired", "repaired"]
    assert [type(one.exc_value) for one in told] == [LookupError, LookupError]


@pytest.mark.usefixtures("events")
def test_a_callback_may_use_the_journal_that_the_event_is_about(path: Path) -> None:
    journal = torn(path)
    untorn.set_event_callback(lambda event: journal.append({"seen": event.kind}, timeout=60))
    journal.append({"n": 3})
    assert untorn.flush_events()
    assert list(journal) == [{"n": 1}, {"n": 3}, {"seen": "repaired"}]


PROGRAM = """
    import sys, untorn
    with open(sys.argv[1], "wb") as file:
        file.write(b"1\\n{")
    untorn.Journal(sys.argv[1], durability="process").append(2)
"""


def test_a_program_that_configures_nothing_shows_warnings_before_it_ends(path: Path, script: Script) -> None:
    out, err = script(PROGRAM, path).communicate(timeout=60)
    assert out == ""
    assert err.startswith(f"repair {path}: a torn tail of 1 bytes at offset 2 was cut")


def test_a_child_reports_its_own_events(path: Path, events: list[Event]) -> None:
    torn(path).append(1)
    untorn.flush_events()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            events.clear()
            torn(path).append(2)
            untorn.flush_events()
            os.write(write, f"{len(events)} {events[0].kind}".encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        assert pipe.read() == "1 repaired"
    os.waitpid(child, 0)


def test_logging_is_imported_when_there_is_something_to_log(script: Script) -> None:
    out, err = script("import sys, untorn; print('logging' in sys.modules)").communicate(timeout=60)
    assert (out, err) == ("False\n", "")


def large(path: Path) -> Journal:
    journal = Journal(path, **J)
    journal.extend([{"n": n, "text": "x" * 200} for n in range(2000)])
    return journal


@pytest.mark.parametrize("verb", ["verify", "repair", "replace", "compact", "search"])
def test_how_far_a_long_call_is(tmp_path: Path, verb: str) -> None:
    store = untorn.Store(tmp_path / "s", **J)
    store.session("k").journal().append(1)
    journal = large(store.session("k").journal().path)
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))

    match verb:
        case "replace":
            journal.replace([1, 2], progress=progress)
        case "compact":
            journal.compact(lambda values: values, progress=progress)
        case "search":
            store.search("nowhere", progress=progress)
        case _:
            getattr(journal, verb)(progress=progress)
    assert seen
    assert seen[-1][0] == seen[-1][1] > 0
    assert seen == sorted(seen)


def test_an_exception_of_a_progress_callback_is_passed_on(path: Path) -> None:
    journal = large(path)
    before = path.read_bytes()

    def stop(done: int, total: int) -> None:
        raise LookupError(done, total)

    for call in (journal.verify, journal.repair):
        with pytest.raises(LookupError):
            call(progress=stop)
    assert path.read_bytes() == before
    with FileLock(path, 0):
        pass


@pytest.mark.parametrize("verb", ["verify", "repair", "replace", "compact"])
def test_how_far_a_long_call_is_awaited(run: Run, path: Path, verb: str) -> None:
    large(path)
    seen: list[tuple[int, int]] = []

    async def main() -> None:
        journal = aio.Journal(path, **J)
        loop, thread = asyncio.get_running_loop(), threading.get_ident()

        def progress(done: int, total: int) -> None:
            assert threading.get_ident() == thread
            assert asyncio.get_running_loop() is loop
            seen.append((done, total))

        match verb:
            case "replace":
                await journal.replace([1], progress=progress)
            case "compact":
                await journal.compact(lambda values: values, progress=progress)
            case _:
                await getattr(journal, verb)(progress=progress)
        await asyncio.sleep(0)

    run(main)
    assert seen
    assert seen[-1][0] == seen[-1][1] > 0


@pytest.mark.usefixtures("events", "soon")
def test_ctrl_c_ends_a_wait_that_was_reported(path: Path, hold: Any) -> None:
    hold(path)
    seen: list[Event] = []

    def interrupt(event: Event) -> None:
        seen.append(event)
        if len(seen) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    untorn.set_event_callback(interrupt)
    with pytest.raises(KeyboardInterrupt):
        Document(path, **J).save(1)
