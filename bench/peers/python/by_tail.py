"""`tail -F`, whose lines are read from a pipe."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any


class Peer:
    def __init__(self, path: str, _durable: bool) -> None:
        self.path = path

    def follow(self) -> Iterator[Any]:
        with subprocess.Popen(["tail", "-n", "+1", "-F", self.path], stdout=subprocess.PIPE) as tail:
            try:
                for line in tail.stdout or ():
                    yield json.loads(line)
            finally:
                tail.kill()
