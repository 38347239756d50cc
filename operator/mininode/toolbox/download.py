"""Download one file with its checksum, so that only a checked one is ever seen under its name."""

import hashlib
import os
import shutil
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import httpx

from mininode.errors import ToolError
from mininode.toolbox.checksums import sum_for
from mininode.toolbox.lock import Artifact
from mininode.toolbox.model import CannotHave, Say
from mininode.toolbox.recorded import RecordedSums

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)  # seconds; without Internet the next way is tried soon
_SAY_EVERY = 2.0  # seconds
_MIB = 1024 * 1024
_LONGEST_CHECKSUM_FILE = 4 * _MIB


@dataclass(slots=True)
class Downloader:
    """Fetches artifacts. Remembers hosts out of reach, so that eight tools wait for a dead network once.

    httpx takes proxies (HTTPS_PROXY, NO_PROXY) and a certificate authority (SSL_CERT_FILE) from the environment.
    """

    say: Say
    sums: RecordedSums
    mirror: str | None = None
    unreachable: dict[str, str] = field(default_factory=dict)

    def address(self, url: str) -> str:
        """The address that is asked: the publisher's, or the same path below the mirror."""
        if not self.mirror:
            return url
        parts = urlsplit(url)
        return self.mirror.rstrip("/") + urlunsplit(("", "", parts.path, parts.query, ""))

    def expected_sum(self, artifact: Artifact) -> str:
        """The SHA-256 that the file must have: of our lock, of the user's lock, or of the publisher (then recorded)."""
        if artifact.sha256:
            return artifact.sha256
        return self.sums.get(artifact.url) or self.publish_sum(artifact)

    def publish_sum(self, artifact: Artifact) -> str:
        """Ask the publisher for the checksum and record it.

        Raises CannotHave when it can't be reached, ToolError when it is not what was recorded earlier.
        """
        with self._get(artifact.checksum_url) as response:
            content = b""
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > _LONGEST_CHECKSUM_FILE:
                    raise CannotHave(f"{response.url} is too long for a checksum file")
        name = urlsplit(artifact.url).path.rpartition("/")[2]
        found = sum_for(content.decode("utf-8", errors="replace"), name)
        if found is None:
            raise CannotHave(f"{self.address(artifact.checksum_url)} has no SHA-256 for {name}")
        self.sums.keep(artifact.url, found, artifact.checksum_url)
        return found

    def fetch(self, name: str, artifact: Artifact, target: Path) -> None:
        """Bring the tool to `target`, by a rename after it was checked.

        Raises CannotHave when it can't be reached, ToolError when what came is not what was pinned.
        """
        expected = self.expected_sum(artifact)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=target.parent) as folder:
            part = Path(folder, "download")
            actual = self._to_file(name, artifact.url, part)
            if actual != expected:
                raise ToolError(
                    f"{self.address(artifact.url)} has the wrong checksum: SHA-256 {actual}, expected {expected}. "
                    "The file was deleted.",
                    "A proxy that puts its own page in place of files does this, and so does a broken mirror: open the "
                    "address in a browser to see what comes. If the file looks right, report it; don't use it.",
                    reason="WrongChecksum",
                )
            tool = _unpack(part, artifact, Path(folder, "tool")) if artifact.inside else part
            tool.chmod(0o755)
            with tool.open("rb") as file:
                os.fsync(file.fileno())
            tool.replace(target)

    def reaches(self, url: str) -> str:
        """Say why this address can't be had from here; empty when it can."""
        try:
            with self._get(url):
                return ""
        except CannotHave as error:
            return str(error)

    @contextmanager
    def _get(self, url: str) -> Iterator[httpx.Response]:
        address = self.address(url)
        host = urlsplit(address).netloc
        if host in self.unreachable:
            raise CannotHave(self.unreachable[host])
        try:
            with httpx.stream("GET", address, timeout=_TIMEOUT, follow_redirects=True) as response:
                if response.is_error:
                    raise CannotHave(f"{address} answered {response.status_code} {response.reason_phrase}")
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            # after a redirect it is another host that is out of reach
            self.unreachable[host] = f"{host} cannot be reached ({error or type(error).__name__})"
            raise CannotHave(self.unreachable[host]) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CannotHave(f"{address} broke off ({error or type(error).__name__})") from error

    def _to_file(self, name: str, url: str, part: Path) -> str:
        """Write the file and return its SHA-256, with a line about the progress every two seconds."""
        digest = hashlib.sha256()
        with self._get(url) as response, part.open("wb") as file:
            self.say(f"{name}: downloading {response.url}")
            total = int(response.headers.get("content-length", 0))
            spoke = time.monotonic()
            for chunk in response.iter_bytes(_MIB):
                digest.update(chunk)
                file.write(chunk)
                if time.monotonic() - spoke > _SAY_EVERY:
                    spoke = time.monotonic()
                    of = f" of {total / _MIB:.0f}" if total else ""
                    self.say(f"{name}: {response.num_bytes_downloaded / _MIB:.0f}{of} MiB")
        return digest.hexdigest()


def _unpack(archive: Path, artifact: Artifact, target: Path) -> Path:
    """Take the one member that is the tool out of a tar or zip archive; nothing else is written anywhere."""
    try:
        with _member(archive, artifact.inside) as member, target.open("wb") as file:
            shutil.copyfileobj(member, file)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ToolError(
            f"{artifact.url} has no {artifact.inside} inside ({error}).",
            "This is a mistake in our lock of tools: report it.",
        ) from error
    return target


@contextmanager
def _member(archive: Path, inside: str) -> Iterator[IO[bytes]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as pack, pack.open(inside) as member:
            yield member
    else:
        with tarfile.open(archive) as tar:
            if (found := tar.extractfile(inside)) is None:
                raise KeyError(f"{inside} is no file")
            yield found
