"""Crash a writer at each of its system calls, to test what your program makes of the files that it leaves.

    from untorn import testing

    def write() -> None:
        untorn.Journal("session.jsonl").append({"n": 1})

    for _ in testing.killed_at_each_call(write):
        ...  # the writer was killed before one of its calls: check what it left, then put the files back

A child process runs the writer, and is killed before its first, second, ... call that can change a file. The last
turn lets it live. With pytest, `pytest_plugins = ["untorn.testing"]` makes it a fixture of the same name.

It works with the released package, by `ptrace`: Linux on x86-64 and arm64, where a process may trace its children. It
counts the calls of all threads of the writer, in the order in which the kernel reports them. It ends a process; it is
no power cut. The writer must not need a debugger's place itself.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["killed_at_each_call"]

# The calls that can change a file, by their numbers in the kernel.
_CHANGING = {
    "x86_64": {
        # write, pwrite64, writev, pwritev, pwritev2, sendfile, copy_file_range, splice
        *(1, 18, 20, 296, 328, 40, 326, 275),
        # ftruncate, truncate, fallocate, fsync, fdatasync, sync_file_range, syncfs
        *(77, 76, 285, 74, 75, 277, 306),
        # open, openat, openat2, creat, rename, renameat, renameat2, link, linkat, symlink, symlinkat
        *(2, 257, 437, 85, 82, 264, 316, 86, 265, 88, 266),
        # unlink, unlinkat, mkdir, mkdirat, rmdir, fchmod, fchown, fsetxattr, flock, ioctl
        *(87, 263, 83, 258, 84, 91, 93, 190, 73, 16),
    },
    "aarch64": {
        # write, pwrite64, writev, pwritev, pwritev2, sendfile, copy_file_range, splice
        *(64, 68, 66, 70, 287, 71, 285, 76),
        # ftruncate, truncate, fallocate, fsync, fdatasync, sync_file_range, syncfs
        *(46, 45, 47, 82, 83, 84, 267),
        # openat, openat2, renameat, renameat2, linkat, symlinkat, unlinkat, mkdirat
        *(56, 437, 38, 276, 37, 36, 35, 34),
        # fchmod, fchown, fsetxattr, flock, ioctl
        *(52, 55, 7, 32, 29),
    },
}

_TRACEME, _SETOPTIONS, _GET_SYSCALL_INFO, _SYSCALL = 0, 0x4200, 0x420E, 24
# Marks stops at calls; follows threads; ends the child with its tracer.
_OPTIONS = 0x1 | 0x8 | 0x100000
_AT_CALL = signal.SIGTRAP | 0x80
_ENTRY = 1
# Threads, too.
_WALL = 0x40000000
# `struct ptrace_syscall_info`: what stopped is its first byte, the number of the call is behind two pointers.
_INFO_SIZE, _NUMBER = 88, slice(24, 32)


def killed_at_each_call(writer: Callable[[], object], *, most: int = 10_000) -> Iterator[int]:
    """Run `writer` in a child process that is killed before its n-th call, for n = 1, 2, ...; yield each n.

    The generator ends after the turn in which the writer came to its end. If the writer raises, so does this.
    `most`: how many turns there may be; a writer without an end raises `RuntimeError`.
    """
    changing = _CHANGING.get(platform.machine())
    if sys.platform != "linux" or changing is None:
        msg = f"untorn.testing needs Linux on x86-64 or arm64, not {sys.platform} on {platform.machine()}"
        raise NotImplementedError(msg)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    for n in range(1, most + 1):
        alive = _run(libc, changing, writer, n)
        yield n
        if alive:
            return
    msg = f"the writer made more than {most} calls that change files"
    raise RuntimeError(msg)


_KILLED, _ENDED, _FAILED = 10, 11, 12


def _run(libc: ctypes.CDLL, changing: set[int], writer: Callable[[], object], n: int) -> bool:
    """Run the writer until its n-th call. Return whether it came to its end."""
    # A process between: it waits for all its children, and takes none of this program's.
    tracer = os.fork()
    if tracer == 0:
        outcome = _FAILED
        try:
            outcome = _traced(libc, changing, writer, n)
        finally:
            os._exit(outcome)
    _, status = os.waitpid(tracer, 0)
    outcome = os.waitstatus_to_exitcode(status)
    if outcome in (_KILLED, _ENDED):
        return outcome == _ENDED
    msg = "the writer failed, or may not be traced: the reason is on stderr"
    raise RuntimeError(msg)


def _traced(libc: ctypes.CDLL, changing: set[int], writer: Callable[[], object], n: int) -> int:
    child = os.fork()
    if child == 0:
        _be_traced(libc, writer)
    _, status = os.waitpid(child, 0)
    if not os.WIFSTOPPED(status):
        return _FAILED
    _ptrace(libc, _SETOPTIONS, child, _OPTIONS)
    _ptrace(libc, _SYSCALL, child, 0)
    killed = False
    while True:
        pid, status = os.waitpid(-1, _WALL)
        if not os.WIFSTOPPED(status):
            if pid != child:
                # One of its threads has ended.
                continue
            return _KILLED if killed else _ENDED if status == 0 else _FAILED
        stop = os.WSTOPSIG(status)
        if stop == _AT_CALL and not killed and _enters(libc, pid, changing):
            n -= 1
            if n == 0:
                killed = True
                os.kill(child, signal.SIGKILL)
                continue
        passed_on = 0 if stop in (_AT_CALL, signal.SIGTRAP, signal.SIGSTOP) else stop
        _ptrace(libc, _SYSCALL, pid, passed_on)


def _be_traced(libc: ctypes.CDLL, writer: Callable[[], object]) -> None:
    status = 1
    try:
        if libc.ptrace(_TRACEME, 0, None, None) != 0:
            raise OSError(ctypes.get_errno(), "this process may not be traced: ptrace is not allowed here")
        os.kill(os.getpid(), signal.SIGSTOP)
        writer()
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


def _enters(libc: ctypes.CDLL, pid: int, changing: set[int]) -> bool:
    info = ctypes.create_string_buffer(_INFO_SIZE)
    size = libc.ptrace(_GET_SYSCALL_INFO, pid, _INFO_SIZE, ctypes.addressof(info))
    return size > 0 and info.raw[0] == _ENTRY and int.from_bytes(info.raw[_NUMBER], sys.byteorder) in changing


def _ptrace(libc: ctypes.CDLL, request: int, pid: int, data: int) -> None:
    # A thread may be gone by now: its end is reported next.
    libc.ptrace(request, pid, None, data)


try:
    import pytest
except ImportError:
    pass
else:

    @pytest.fixture(name="killed_at_each_call")
    def _fixture() -> Callable[..., Iterator[int]]:
        """Return `untorn.testing.killed_at_each_call`."""
        return killed_at_each_call
