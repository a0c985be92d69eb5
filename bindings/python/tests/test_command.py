"""The command that comes with the package."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import untorn


def run(*arguments: object, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "untorn", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_a_journal_is_written_read_and_checked(path: Path) -> None:
    assert run("append", path, '{"n": 1}').returncode == 0
    assert run("append", path, input='{"n": 2}\n{"n": 3}\n').returncode == 0
    assert list(untorn.Journal(path)) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert run("tail", "-n", 2, "--select", ".n", path).stdout == "2\n3\n"
    assert run("check", path).returncode == 0
    with path.open("ab") as file:
        file.write(b'{"n')
    checked = run("check", "--json", path)
    assert checked.returncode == 1
    found = json.loads(checked.stdout)
    assert (found["kind"], found["line"], found["repairable"]) == ("torn_tail", 4, True)
    assert run("repair", "--yes", path).returncode == 0
    assert run("check", path).returncode == 0


def test_what_cannot_be_meant_is_usage(path: Path) -> None:
    wrong = run("chek", path)
    assert wrong.returncode == 2
    assert "check" in wrong.stderr
    assert run("check", path).returncode == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no program takes the place of another there")
def test_a_lock_is_held_as_long_as_its_command_runs(path: Path) -> None:
    command = [sys.executable, "-P", "-m", "untorn", "lock", str(path), "--", "sh", "-c", "echo in; read line; exit 7"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "in\n"
        busy = run("lock", "-n", path, "--", "true")
        assert busy.returncode == 75
        assert f"held by pid {holder.pid} (sh -c echo in" in busy.stderr
        assert untorn.holder(path).pid == holder.pid  # type: ignore[union-attr]
        holder.stdin.write("\n")
        holder.stdin.close()
        assert holder.wait() == 7
    assert run("lock", "-n", path, "--", "true").returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows knows no SIGINT of another process")
def test_ctrl_c_ends_what_follows(path: Path) -> None:
    untorn.Journal(path, durability="process").append(1)
    command = [sys.executable, "-P", "-m", "untorn", "tail", "-f", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "1\n"
        following.send_signal(signal.SIGINT)
        assert following.wait() == 130
