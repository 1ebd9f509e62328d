"""The jars of Kafka and Elasticsearch: fetched once by jgo, checked against our committed list, kept per user.

jgo resolves and caches but never verifies, so nothing it delivers is used before its SHA-256 matches.
A complete, verified directory is never fetched or hashed again while its files stay as they were.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compose.operator_error import OperatorError

LOCK_FILE: Final = Path(__file__).with_name("jars.lock.json")
LAUNCHER_JAR: Final = Path(__file__).parent / "launcher" / "shop-elasticsearch.jar"
STAMP: Final = "verified.json"
DOWNLOADS_AT_ONCE: Final = 6
HASH_CHUNK_BYTES: Final = 1 << 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Jar:
    """One artifact of a closure by its Maven coordinates."""

    coordinates: str
    sha256: str

    @property
    def file_name(self) -> str:
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


@dataclass(frozen=True, slots=True)
class JarSet:
    """The whole class path of one engine."""

    name: str
    version: str
    jars: tuple[Jar, ...]

    @property
    def digest(self) -> str:
        """Names this exact list of contents; keys directories, stamps and class-data archives."""
        text = "\n".join(f"{jar.file_name} {jar.sha256}" for jar in self.jars)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def locked(name: str) -> JarSet:
    """The committed list of one engine: `kafka` or `elasticsearch`."""
    raw: dict[str, Any] = json.loads(LOCK_FILE.read_text())[name]
    jars = tuple(Jar(item["coordinates"], item["sha256"]) for item in raw["jars"])
    return JarSet(name=name, version=raw["version"], jars=jars)


def directory(cache: Path, wanted: JarSet) -> Path:
    return cache / "jars" / f"{wanted.name}-{wanted.version}-{wanted.digest}"


def class_path(home: Path, wanted: JarSet) -> list[Path]:
    """The jars in their one fixed order: class-data archives are valid for exactly this order."""
    return sorted(home / jar.file_name for jar in wanted.jars)


def ensure(cache: Path, wanted: JarSet, progress: Progress | None = None) -> Path:
    """The directory holding exactly the locked jars, fetched and verified when it is not there yet.

    Blocking; safe when several stacks do it at once. Raises OperatorError `jars.download` (no network
    and nothing cached), `jars.checksum` (what arrived is not what we listed) or `cache.unwritable`.
    """
    home = directory(cache, wanted)
    if _is_stamped(home, wanted):
        return home
    try:
        home.mkdir(parents=True, exist_ok=True)
        _fetch_missing(home, wanted, progress)
        _verify(home, wanted)
        _stamp(home, wanted)
    except OSError as error:
        raise OperatorError(
            "cache.unwritable",
            f"The download cache {home} cannot be written: {error.strerror or error}.",
            mend="Free space there or choose another place: SHOPSTREAM_CACHE=/path/with/room.",
        ) from error
    return home


def present(cache: Path, wanted: JarSet) -> tuple[int, int]:
    """How many of the jars are in the cache, and their bytes; nothing is verified."""
    home = directory(cache, wanted)
    sizes = [path.stat().st_size for path in class_path(home, wanted) if path.is_file()]
    return len(sizes), sum(sizes)


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _fetch_missing(home: Path, wanted: JarSet, progress: Progress | None) -> None:
    missing = [jar for jar in wanted.jars if not (home / jar.file_name).is_file()]
    if not missing:
        return
    done = len(wanted.jars) - len(missing)
    with (
        tempfile.TemporaryDirectory(dir=home, prefix=".fetch-") as scratch,
        ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool,
    ):
        for jar, path in pool.map(_fetcher(Path(scratch)), missing):
            if sha256(path) != jar.sha256:
                raise _mismatch(jar, path)
            path.replace(home / jar.file_name)  # complete or absent, never half
            done += 1
            if progress:
                progress(done, len(wanted.jars))


def _fetcher(scratch: Path) -> Callable[[Jar], tuple[Jar, Path]]:
    import requests  # noqa: PLC0415 -- only a first start downloads
    from jgo.maven import MavenContext  # noqa: PLC0415 -- 0.4 s to import

    context = MavenContext(repo_cache=scratch)

    def fetch(jar: Jar) -> tuple[Jar, Path]:
        group, artifact, version = jar.coordinates.split(":")
        try:
            found = context.project(group, artifact).at_version(version).artifact().resolve()
        except (requests.RequestException, RuntimeError) as error:
            raise OperatorError(
                "jars.download",
                f"{jar.coordinates} could not be downloaded ({type(error).__name__}).",
                mend="Check the network (HTTPS_PROXY for a proxy) and run the command again; it resumes.",
            ) from error
        return jar, found

    return fetch


def _verify(home: Path, wanted: JarSet) -> None:
    for jar in wanted.jars:
        path = home / jar.file_name
        if sha256(path) != jar.sha256:
            path.unlink()
            raise _mismatch(jar, path)


def _mismatch(jar: Jar, path: Path) -> OperatorError:
    return OperatorError(
        "jars.checksum",
        f"{path.name} is not the file ShopStream was tested with (SHA-256 differs for {jar.coordinates}).",
        mend="It was not used. Run the command again to fetch it anew; if it persists, your mirror alters files.",
    )


def _stamp(home: Path, wanted: JarSet) -> None:
    handle, name = tempfile.mkstemp(dir=home)
    with os.fdopen(handle, "w") as file:
        json.dump(_fingerprint(home, wanted), file)
    Path(name).replace(home / STAMP)


def _is_stamped(home: Path, wanted: JarSet) -> bool:
    try:
        return json.loads((home / STAMP).read_text()) == _fingerprint(home, wanted)
    except (OSError, ValueError):
        return False


def _fingerprint(home: Path, wanted: JarSet) -> dict[str, Any]:
    """Sizes and times of the files as verified; a changed file is hashed again."""
    files: dict[str, list[int]] = {}
    for jar in wanted.jars:
        status = (home / jar.file_name).stat()
        files[jar.file_name] = [status.st_size, status.st_mtime_ns]
    return {"list": wanted.digest, "files": files}
