"""nginx as a floor of the gateway, where it is installed (Debian: `apt-get install nginx-light`)."""

import contextlib
import os
import shutil
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from loadtests.benchmarks.own_process import own_program

SYSTEM_PATH = "/usr/sbin"
"""Where Debian puts it, which is not on everybody's path."""
KEPT_CONNECTIONS = 64

_CONFIGURATION = """
daemon off;
master_process off;
pid {home}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {home}/nginx-body;
    proxy_temp_path {home}/nginx-proxy;
    fastcgi_temp_path {home}/nginx-fastcgi;
    uwsgi_temp_path {home}/nginx-uwsgi;
    scgi_temp_path {home}/nginx-scgi;
    upstream service {{ server {upstream}; keepalive {kept}; }}
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 1000000;
        location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""


def nginx_program() -> str | None:
    """Its path on this machine; None where there is none."""
    return shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", ""), SYSTEM_PATH)))


@contextlib.contextmanager
def nginx(home: Path, program: str, *, port: int, upstream: str) -> Generator[psutil.Process]:
    """One nginx process that forwards everything to the upstream while the block runs."""
    configuration = home / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(home=home, port=port, upstream=urlsplit(upstream).netloc, kept=KEPT_CONNECTIONS)
    )
    with own_program(home, "nginx", [program, "-c", str(configuration), "-p", str(home)]) as process:
        yield process
