"""`untorn.aio`, as if it were blocking: so that its verbs go through the same steps."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Self

from untorn import aio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


class Loop:
    """One event loop for a case."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()

    def __getattr__(self, name: str) -> Any:
        """A class of `untorn.aio`: what it makes blocks."""
        kind = getattr(aio, name)

        def make(*arguments: Any, **options: Any) -> Blocking:
            return Blocking(self, kind(*arguments, **options))

        make.__dict__.update({"at": lambda *given, **options: Blocking(self, kind.at(*given, **options))})
        return make

    def run(self, call: Callable[[], Any]) -> Any:
        """What a call gives, in the end."""

        async def main() -> Any:
            result = call()
            if inspect.isasyncgen(result):
                return [item async for item in result]
            return await result if inspect.isawaitable(result) else result

        return self.runner.run(main())


class Blocking:
    """An object of `untorn.aio` whose calls block."""

    loop: Loop
    it: Any

    def __init__(self, loop: Loop, it: Any) -> None:
        self.__dict__.update(loop=loop, it=it)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.it, name, value)

    def __getattr__(self, name: str) -> Any:
        """A verb, or what a property gives."""
        value = self.loop.run(lambda: getattr(self.it, name))
        return self._blocking(value) if callable(value) else value

    def _blocking(self, verb: Any) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            given = [self._given(argument) for argument in arguments]
            named = {name: self._given(option) for name, option in options.items()}
            result = self.loop.run(lambda: verb(*given, **named))
            return Blocking(self.loop, result) if type(result).__module__.startswith("untorn.aio") else result

        return call

    def _given(self, argument: Any) -> Any:
        return argument.it if isinstance(argument, Blocking) else argument

    def compact(self, change: Callable[[Iterator[Any]], Iterator[Any]], **options: Any) -> Any:
        """A rewrite by a function that takes and gives all at once."""

        async def awaited(old: AsyncIterator[Any]) -> AsyncIterator[Any]:
            for value in change(iter([value async for value in old])):
                yield value

        return self._blocking(self.it.compact)(awaited, **options)

    def reconcile(self, change: Callable[[Any], bool], **options: Any) -> Any:
        """What `change` saves is noted down, and saved then."""

        async def awaited(tx: aio.Transaction) -> bool:
            noted = Noted()
            changed = change(noted)
            for saved in noted.saved:
                await tx.save(*saved)
            return changed

        return self._blocking(self.it.reconcile)(awaited, **options)

    def __enter__(self) -> Self:
        self.loop.run(self.it.__aenter__)
        return self

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self.loop.run(self.it.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None


class Noted:
    """In place of a transaction."""

    def __init__(self) -> None:
        self.saved: list[tuple[str, Any]] = []

    def save(self, name: str, value: Any) -> None:
        """To be saved."""
        self.saved.append((name, value))
