"""Live tails on which nothing happens, with a backend that has nothing to say."""

import base64
import hashlib
import os
import re
import selectors
import socket
import threading

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Silent:
    """A Loki of which only the tail is there: it switches to WebSocket and says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.listener.setblocking(False)
        self.stopping, self.wake = socket.socketpair()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wake.send(b"x")
        self.thread.join()

    def run(self):
        with selectors.DefaultSelector() as ready:
            ready.register(self.listener, selectors.EVENT_READ)
            ready.register(self.stopping, selectors.EVENT_READ)
            heads = {}
            while True:
                for key, _ in ready.select():
                    if key.fileobj is self.stopping:
                        for connection in heads:
                            connection.close()
                        self.listener.close()
                        return
                    if key.fileobj is self.listener:
                        connection, _ = self.listener.accept()
                        ready.register(connection, selectors.EVENT_READ)
                        heads[connection] = b""
                    else:
                        self.read(ready, heads, key.fileobj)

    @staticmethod
    def read(ready, heads, connection):
        try:
            piece = connection.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            ready.unregister(connection)
            del heads[connection]
            connection.close()
            return
        if heads[connection] is None:
            return
        heads[connection] += piece
        if b"\r\n\r\n" in heads[connection]:
            key = re.search(rb"(?i)sec-websocket-key: *(\S+)", heads[connection])[1]
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                               b"Upgrade: websocket\r\n"
                               + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
            heads[connection] = None


def open_tail(port, path, token):
    """A caller's side of a tail."""
    connection = socket.create_connection(("127.0.0.1", port), 10)
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
                       "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
    head = connection.recv(4096)
    if not head.startswith(b"HTTP/1.1 101"):
        raise SystemExit(f"no tail: {head.decode(errors='replace')}")
    return connection
