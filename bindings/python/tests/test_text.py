"""Text that UTF-8 can't hold: refused by an error of ours, before anything is done."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import untorn
import untorn.aio
from untorn import Document, FileLock, Journal, Store, Transaction, save_json

HALF = "\ud83d"


NAMES: dict[str, Callable[[Path], Any]] = {
    "key": lambda path: Store(path).session(HALF),
    "removed key": lambda path: Store(path).remove(HALF),
    "search": lambda path: Store(path).search(HALF),
    "document": lambda path: Store(path).session("a").document(HALF),
    "media": lambda path: Store(path).session("a").media(HALF),
    "owner": lambda path: Store(path).session("a").claim(HALF),
    "label": lambda path: FileLock(path / "x", label=HALF),
    "label of at": lambda path: FileLock.at(path / "x", label=HALF),
    "member": lambda path: untorn.snapshot(path).load(HALF),
}

DATA: dict[str, Callable[[Path], Any]] = {
    "raw record": lambda path: Journal(path / "j").append_raw(f'"{HALF}"'),
    "dumps": lambda path: Journal(path / "j", dumps=lambda value: f'"{value}"').append(HALF),
    "dumps of many": lambda path: Journal(path / "j", dumps=lambda value: f'"{value}"').extend(["a", HALF]),
    "line": lambda path: Journal(path / "j", format="lines").append(HALF),
    "document": lambda path: Document(path / "d", dumps=lambda value: f'"{value}"').save(HALF),
    "update": lambda path: Document(path / "d", dumps=str).update_with(lambda _: HALF, default=1),
    "one shot": lambda path: save_json(path / "j", HALF, ensure_ascii=False),
}


@pytest.mark.parametrize("call", NAMES.values(), ids=NAMES)
def test_half_a_surrogate_pair_is_no_name(tmp_path: Path, call: Callable[[Path], Any]) -> None:
    with pytest.raises(untorn.InvalidArgument, match="half of a surrogate pair") as raised:
        call(tmp_path)
    assert isinstance(raised.value.__cause__, UnicodeEncodeError)


@pytest.mark.parametrize("call", DATA.values(), ids=DATA)
def test_half_a_surrogate_pair_is_no_record(tmp_path: Path, call: Callable[[Path], Any]) -> None:
    with pytest.raises(untorn.InvalidRecord, match="half of a surrogate pair"):
        call(tmp_path)
    assert [file.name for file in tmp_path.iterdir() if file.stat().st_size > 0] == []


def test_half_a_surrogate_pair_is_no_member(tmp_path: Path) -> None:
    with Transaction(tmp_path, durability="process") as tx:
        for call in (tx.load, tx.remove, lambda name: tx.save(name, 1), lambda name: tx.append(name, 1)):
            with pytest.raises(untorn.InvalidArgument, match="half of a surrogate pair"):
                call(HALF)


def test_half_a_surrogate_pair_is_no_name_of_an_awaited_call(tmp_path: Path) -> None:
    async def refused(call: Callable[[], Any]) -> None:
        with pytest.raises(untorn.InvalidArgument, match="half of a surrogate pair"):
            await call()

    async def main() -> None:
        session = (await untorn.aio.Store.open(tmp_path)).session("a")
        await refused(lambda: session.media(HALF))
        await refused(lambda: session.claim(HALF))
        async with untorn.aio.Transaction(tmp_path, durability="process") as tx:
            await refused(lambda: tx.load(HALF))
            await refused(lambda: tx.save(HALF, 1))
            await refused(lambda: tx.remove(HALF))
        async with await untorn.aio.snapshot(tmp_path) as seen:
            await refused(lambda: seen.load(HALF))

    asyncio.run(main())
