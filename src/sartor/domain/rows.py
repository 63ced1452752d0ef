"""The data of a COPY, which stay in the file that holds them, as they may be larger than memory."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sartor.errors import CatalogueError

BLOCK = 1 << 18
"""The bytes that are read at once."""

_IN_COPY = re.compile(r"^COPY .*?, \D+?(\d+)", re.MULTILINE)
"""The line of the data in an error's context, `COPY t, line 3, column a: "x"`, whatever the server's language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Lines of a file: `size` bytes from the offset `start`; `line` is the number of the first, `count` their number.

    `end` is the line that ends them, with its newline, and `digest` the SHA-256 of their bytes.
    """

    file: str
    start: int
    size: int
    line: int
    count: int
    end: bytes
    digest: bytes

    def read(self) -> Iterator[bytes]:
        """Yields their bytes. Raises CatalogueError where these differ from those when the file was loaded."""
        seen, left = hashlib.sha256(), self.size
        try:
            with open(self.file, "rb", buffering=0) as file:  # noqa: PTH123 - a path is text here
                file.seek(self.start)
                while left and (block := file.read(min(BLOCK, left))):
                    left -= len(block)
                    seen.update(block)
                    if left == 0 and seen.digest() != self.digest:
                        break
                    yield block
        except OSError as error:
            raise CatalogueError(f"{self.file} can't be read: {error.strerror}") from error
        if seen.digest() != self.digest:
            raise CatalogueError(f"{self.file} was changed during the run", hint="run the command again")

    def line_of(self, error: BaseException) -> int | None:
        """Returns the line of the file that an error about these rows is about, None where the error doesn't say."""
        found = _IN_COPY.findall(getattr(error, "context", None) or "")
        number = int(found[-1]) if found else 0
        return self.line + number - 1 if 0 < number <= self.count + 1 else None

    @property
    def place(self) -> str:
        last = self.line + self.count - 1
        return f"{self.file}, lines {self.line} to {last}" if self.count else f"{self.file}: none"
