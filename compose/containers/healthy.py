"""Whether this container's process is ready: python -m compose.containers.healthy [PORT]. Standard library only."""

import http.client
import os
import sys

from shared.probe_token import probe_token

SECONDS_MAX = 3.0
READY = 200


def main(port: int) -> int:
    """0 when it is; what it answers goes where Docker keeps it."""
    token = probe_token(os.environ["SHOPSTREAM_INTERNAL_SECRET"])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    try:
        connection.request("GET", "/health/ready", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode())
    except OSError as error:
        sys.stdout.write(str(error))
        return 1
    finally:
        connection.close()
    return 0 if answer.status == READY else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1] if len(sys.argv) > 1 else os.environ["SHOPSTREAM_PORT"])))
