"""A file that another process writes, read line by line as it grows."""

from pathlib import Path


class GrowingFile:
    """Gives each whole line once; one still being written is given when it is whole.

    A file that got shorter was started anew and is read from its beginning; an absent one holds nothing.
    """

    def __init__(self, path: Path, *, offset: int = 0, bytes_max: int = -1) -> None:
        """Read from the byte `offset` on, in steps of `bytes_max` bytes and the rest of the line; -1 is all."""
        self.lines_given = 0
        self._path = path
        self._offset = offset
        self._bytes_max = bytes_max

    def new_lines(self) -> list[bytes]:
        """What was written since the last call, without the ends of the lines.

        `lines_given` counts all lines given since the file's beginning, or since `offset`.
        """
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._offset:
                    self._offset = self.lines_given = 0
                file.seek(self._offset)
                written = file.read(self._bytes_max) + file.readline()
        except FileNotFoundError:
            return []
        whole = written[: written.rfind(b"\n") + 1]
        self._offset += len(whole)
        lines = whole.split(b"\n")[:-1]
        self.lines_given += len(lines)
        return lines
