"""One of the demo's writers: appends to a journal and counts in a document, until it is told to stop or is killed."""

import json
import sys
from pathlib import Path
from typing import Any

import untorn


def main() -> None:
    journal_path, counter_path, transcript_path, name, start, stop, durability = sys.argv[1:]
    with open(transcript_path, encoding="utf-8", newline="\n") as lines:
        transcript = [json.loads(line) for line in lines]

    options: dict[str, Any] = {"durability": durability}
    journal = untorn.Journal(journal_path, **options)
    counter = untorn.Document(counter_path, **options)

    appended = 0
    while not Path(stop).exists():
        record = transcript[(int(start) + appended) % len(transcript)]
        journal.append({"writer": name, "seq": appended, "record": record})
        print("append", appended, flush=True)  # only now, for only now is the record safe
        appended += 1

        if appended % 10 == 0:
            with counter.update(default={}) as count:
                count["total"] = count.get("total", 0) + 1
                count[name] = count.get(name, 0) + 1
            print("update", flush=True)


main()
