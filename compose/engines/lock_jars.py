"""Write jars.lock.json: resolve both closures with jgo and record version and SHA-256 of every jar.

Run by a maintainer when a version changes: python -m compose.engines.lock_jars
"""

import json
import tempfile
from pathlib import Path
from typing import Any, Final

from compose.engines.jars import LOCK_FILE, sha256

KAFKA: Final = "4.1.2"
ELASTICSEARCH: Final = "7.17.29"
LUCENE: Final = "8.11.3"
CLOSURES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "kafka": (KAFKA, (f"org.apache.kafka:kafka_2.13:{KAFKA}", "org.slf4j:slf4j-simple:1.7.36")),
    "elasticsearch": (
        ELASTICSEARCH,
        (
            f"org.elasticsearch:elasticsearch:{ELASTICSEARCH}",
            f"org.elasticsearch.plugin:transport-netty4-client:{ELASTICSEARCH}",
            f"org.elasticsearch.plugin:mapper-extras-client:{ELASTICSEARCH}",
            f"org.elasticsearch.plugin:reindex-client:{ELASTICSEARCH}",
            f"org.elasticsearch.plugin:parent-join-client:{ELASTICSEARCH}",
            f"org.apache.lucene:lucene-analyzers-common:{LUCENE}",
        ),
    ),
}


def resolve(roots: tuple[str, ...]) -> list[dict[str, str]]:
    """Every jar of the closure of `roots`, sorted by coordinates."""
    from jgo.maven import MavenContext  # noqa: PLC0415 -- 0.4 s to import

    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch))
        wanted = [context.create_dependency(root) for root in roots]
        inputs, transitive = context.resolver.resolve(wanted)
        found: dict[str, str] = {}
        for dependency in [*inputs, *transitive]:
            artifact = dependency.artifact
            assert artifact.packaging == "jar", artifact
            assert not artifact.classifier, artifact
            coordinates = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
            found[coordinates] = sha256(artifact.resolve())
    return [{"coordinates": name, "sha256": found[name]} for name in sorted(found)]


def main() -> None:
    lock: dict[str, Any] = {}
    for name, (version, roots) in CLOSURES.items():
        lock[name] = {"version": version, "roots": list(roots), "jars": resolve(roots)}
    LOCK_FILE.write_text(json.dumps(lock, indent=1) + "\n")


if __name__ == "__main__":
    main()
