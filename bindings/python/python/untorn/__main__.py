"""The command `untorn`: `python -m untorn --help`."""

import sys

from untorn._untorn import command


def main() -> int:
    """Run the command with the arguments of this process, and return its exit status."""
    return command(["untorn", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
