"""Files of this machine, and through Hadoop's file systems those of any URI.

What stands on this machine Python reads by itself: Java's answers come in pieces, and are slow.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import is_local

MAX_HEADER_BYTES = 1 << 16
"""The most bytes that are read to find the end of a first line."""


class LocalFiles:
    """What is asked of the files of this machine, also before there is a Spark to ask."""

    def exists(self, location: str) -> bool:
        """Whether there is a file or folder."""
        return os.path.exists(location)

    def names(self, folder: str) -> list[str]:
        """The sorted names in a folder; empty when there is no such folder."""
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def size(self, location: str) -> int:
        """The bytes of a file, or of those that stand in a folder; 0 when there is neither."""
        path = Path(location)
        files = path.iterdir() if path.is_dir() else (path,)
        return sum(file.stat().st_size for file in files if file.is_file())

    def text(self, file: str) -> str:
        """What a small UTF-8 text file holds."""
        return Path(file).read_text(encoding="utf-8")

    def first_line(self, file: str) -> str:
        """The first line of a UTF-8 text file, or its start; it ends in LF or CRLF."""
        line = self._start(file).partition(b"\n")[0].removesuffix(b"\r")
        return line.decode(errors="replace")

    def looks(self, file: str) -> str:
        """The size and the time of a file, in milliseconds: what its state begins with."""
        found = Path(file).stat()
        return f"{found.st_size} bytes, {found.st_mtime_ns // 1_000_000}, "

    def chunks(self, file: str, size: int) -> Iterator[bytes]:
        """All bytes of a file, so many at a time; the last ones are none."""
        chunk = b"."
        with Path(file).open("rb") as whole:
            while chunk:
                chunk = whole.read(size)
                yield chunk

    def _start(self, file: str) -> bytes:
        if not Path(file).is_file():  # to open a pipe would wait for somebody who writes
            raise OSError(errno.EINVAL, "it is no file", file)
        with Path(file).open("rb") as whole:
            return whole.read(MAX_HEADER_BYTES)


class Storage(LocalFiles):
    """The few file operations the lakehouse needs, on this machine and elsewhere.

    Every method raises InputError for a URI of a kind that Spark cannot reach.
    """

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark._jvm
        self._conf: Any = spark._jsparkSession.sessionState().newHadoopConf()

    def _path(self, location: str) -> tuple[Any, Any]:
        # A plain local path may hold characters that a URI may not (a space, a percent sign).
        uri = self._jvm.java.io.File(location).toURI() if is_local(location) else location
        path = self._jvm.org.apache.hadoop.fs.Path(uri)
        try:
            return path, path.getFileSystem(self._conf)
        except Py4JJavaError as problem:
            raise _cannot_be_opened(location, problem) from None

    def exists(self, location: str) -> bool:
        """Whether there is a file or folder."""
        if is_local(location):
            return super().exists(location)
        path, files = self._path(location)
        try:
            return bool(files.exists(path))
        except Py4JJavaError as problem:  # a bucket that is not there, or that is not ours
            raise _cannot_be_opened(location, problem) from None

    def names(self, folder: str) -> list[str]:
        """The sorted names in a folder; empty when there is no such folder."""
        if is_local(folder):
            return super().names(folder)
        if not self.exists(folder):
            return []
        path, files = self._path(folder)
        return sorted(status.getPath().getName() for status in files.listStatus(path))

    def size(self, location: str) -> int:
        """The bytes of a file, or of those that stand in a folder; 0 when there is neither."""
        if is_local(location):
            return super().size(location)
        if not self.exists(location):
            return 0
        path, files = self._path(location)
        return sum(status.getLen() for status in files.listStatus(path))

    def looks(self, file: str) -> str:
        """The size and the time of a file, in milliseconds: what its state begins with."""
        if is_local(file):
            return super().looks(file)
        path, files = self._path(file)
        status = files.getFileStatus(path)
        return f"{status.getLen()} bytes, {status.getModificationTime()}, "

    def chunks(self, file: str, size: int) -> Iterator[bytes]:
        """All bytes of a file, so many at a time; the last ones are none."""
        if is_local(file):
            yield from super().chunks(file, size)
            return
        path, files = self._path(file)
        chunk, stream = b".", files.open(path)
        try:
            while chunk:
                chunk = bytes(stream.readNBytes(size))
                yield chunk
        finally:
            stream.close()

    def text(self, file: str) -> str:
        """What a small UTF-8 text file holds."""
        if is_local(file):
            return super().text(file)
        path, files = self._path(file)
        stream = files.open(path)
        try:
            return bytes(stream.readAllBytes()).decode()
        finally:
            stream.close()

    def _start(self, file: str) -> bytes:
        if is_local(file):
            return super()._start(file)
        path, files = self._path(file)
        stream = files.open(path)
        try:
            return bytes(stream.readNBytes(MAX_HEADER_BYTES))
        finally:
            stream.close()

    def make_folder(self, location: str) -> None:
        """Make a folder and those above it.

        Raises:
            OSError: It cannot be made or written to.
        """
        path, files = self._path(location)
        try:
            probe = self._jvm.org.apache.hadoop.fs.Path(path, "._can_be_written")
            files.mkdirs(path)
            files.create(probe, True).close()
            files.delete(probe, False)
        except Exception as problem:
            raise OSError(location) from problem

    def delete(self, location: str) -> None:
        """Delete a file, or a folder and all that is in it."""
        path, files = self._path(location)
        files.delete(path, True)

    def fetch(self, location: str, to: Path) -> None:
        """Copy a file or folder to this machine, to where nothing is yet."""
        path, files = self._path(location)
        # The last argument keeps Hadoop from writing checksum files beside the copies.
        files.copyToLocalFile(False, path, self._path(str(to))[0], True)

    def uri(self, location: str) -> str:
        """The form Spark writes to and reads: Hadoop's, in which nothing is escaped."""
        return str(self._path(location)[0].toString())

    def glob_escaped(self, location: str) -> str:
        """The form for readers that take patterns: every character stands for itself."""
        return re.sub(r"([{}\[\]*?\\])", r"\\\1", self.uri(location))


def _cannot_be_opened(location: str, problem: Py4JJavaError) -> InputError:
    message = str(problem.java_exception.getMessage()).splitlines()[0]
    return InputError(
        f"{location} cannot be opened: {message}",
        "docs/clusters.md says what Spark has to be given for such a place.",
    )
