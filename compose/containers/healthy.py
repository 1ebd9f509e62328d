"""Whether this container's process is ready: python -S healthy.py [PORT].

Asked of every container again and again, also while all of them start at once: it does without site-packages and an
HTTP library, which cost four times as much as the answer. A daemon may leave a check running whose time is over, so
it ends by itself.
"""

import os
import socket
import sys

sys.path.append(os.path.realpath(__file__).rpartition("/compose/")[0])

from shared.probe_token import probe_token

SECONDS_MAX = 3.0
ANSWER_BYTES_MAX = 65_536
READY = b"200"


def main(port: int) -> int:
    """0 when it is; what it answers goes where Docker keeps it."""
    token = probe_token(os.environ["SHOPSTREAM_INTERNAL_SECRET"])
    asked = f"GET /health/ready HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS_MAX) as connection:
            connection.sendall(asked.encode())
            while len(answer) < ANSWER_BYTES_MAX and (part := connection.recv(ANSWER_BYTES_MAX)):
                answer += part
    except OSError as error:
        sys.stdout.write(str(error))
        return 1
    head, _, body = answer.partition(b"\r\n\r\n")
    sys.stdout.write(body.decode(errors="replace"))
    return 0 if head.split(b" ", 2)[1:2] == [READY] else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1] if len(sys.argv) > 1 else os.environ["SHOPSTREAM_PORT"])))
