"""Ends with 0 when the web process beside it answers: the container's health check. Knows its name from PORTAL_URL."""

import http.client
import os
import sys
from urllib.parse import urlsplit

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8000


def main() -> int:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=4)
    try:
        connection.request("GET", "/livez", headers={"Host": urlsplit(os.environ["PORTAL_URL"]).netloc})
        return 0 if connection.getresponse().status == http.client.OK else 1
    except OSError as problem:
        print(f"no answer at port {PORT}: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
