"""Images under the official names, from Debian's packages, Go modules and the jars of the local profile, so that
compose.yaml runs unchanged.
"""

import shutil
import subprocess
from pathlib import Path

from compose.containers.images import BASE, FLEET, IMAGES
from compose.engines import jars
from compose.layout import default_cache
from compose.state import VERSION
from tests.compose import go_programs

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
DEBIAN = "debian:bookworm-slim"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
JARS = ("kafka", "elasticsearch")
GO = {"collector": go_programs.collector, "jaeger": go_programs.jaeger}
IMAGE = f"{FLEET}:{VERSION}"


def build(environ: dict[str, str], work: Path) -> None:
    """Every image of the fleet that is not there yet, and ours anew."""
    if not _has(DEBIAN, environ):
        _debian(work / "debian", environ)
    _made("python", BASE, work, environ)
    for name in ("postgres", "redis", *JARS):
        _made(name, IMAGES[name], work, environ)
    _docker(environ, "build", "-q", "-f", str(ROOT / "compose" / "Dockerfile"), "-t", IMAGE, str(ROOT))
    mailpit = ("-t", IMAGES["mailpit"], str(HERE / "mailpit"))
    _docker(environ, "build", "-q", "--build-arg", f"FLEET={IMAGE}", *mailpit)


def build_observers(environ: dict[str, str], work: Path) -> None:
    """Collector, Jaeger and Prometheus, where they are not there yet; the first two are compiled for minutes."""
    for name in ("prometheus", *GO):
        _made(name, IMAGES[name], work, environ)


def _made(name: str, tag: str, work: Path, environ: dict[str, str]) -> None:
    if _has(tag, environ):
        return
    context = work / name
    shutil.copytree(HERE / name, context, dirs_exist_ok=True)
    if name == "python":
        shutil.copy(CERTIFICATES, context / "certificates.crt")
    if name in GO:
        shutil.copy(GO[name](work.parent / "go"), context)
    if name in JARS:
        (context / "jars").mkdir(exist_ok=True)
        locked = jars.locked(name)
        fetched = jars.ensure(default_cache(), locked, lambda _done, _total: None)
        launcher = [jars.LAUNCHER_JAR] if name == "elasticsearch" else []
        for path in (*jars.class_path(fetched, locked), *launcher):
            shutil.copy(path, context / "jars")
    _docker(environ, "build", "-q", "-t", tag, str(context))


def _debian(folder: Path, environ: dict[str, str]) -> None:
    """debootstrap and docker import: forty seconds."""
    command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    left_out = [
        f"--exclude=./{path}/*" for path in ("proc", "sys", "var/cache/apt", "var/lib/apt/lists", "usr/share/doc")
    ]
    with subprocess.Popen(["tar", "-C", str(folder), *left_out, "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(["docker", "import", "-", DEBIAN], stdin=tar.stdout, env=environ, check=True)
    shutil.rmtree(folder)


def _has(tag: str, environ: dict[str, str]) -> bool:
    return (
        subprocess.run(["docker", "image", "inspect", tag], env=environ, capture_output=True, check=False).returncode
        == 0
    )


def _docker(environ: dict[str, str], *arguments: str) -> None:
    subprocess.run(["docker", *arguments], env=environ, check=True)
