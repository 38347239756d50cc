"""guacd's stand-in: takes connections on 4822, reads what is said, and says nothing.

It does not prove: Guacamole's protocol, desktops, that the real image runs as this user with a read-only root.
"""

import signal
import socketserver
import sys


class _Listen(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while self.request.recv(4096):
            pass


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer(("", 4822), _Listen) as server:
        server.daemon_threads = True
        server.serve_forever()


if __name__ == "__main__":
    main()
