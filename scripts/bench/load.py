"""Drives a server and reads off what came of it."""

import re
import socket
import statistics
import subprocess
import time

UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6}


def wrk(port, path, token, connections, seconds):
    """One run of wrk. Requests a second, and p50 and p99 in microseconds."""
    return run_wrk(port, path, connections, seconds, "--header", f"Authorization: Bearer {token}")


def wrk_script(port, script, connections, seconds):
    """The same, with the requests that a script makes."""
    return run_wrk(port, "/", connections, seconds, "--script", str(script))


def run_wrk(port, path, connections, seconds, *more):
    command = ["wrk", "--threads", "2", "--connections", str(connections),
               "--duration", f"{seconds}s", "--latency", "--timeout", "10s",
               *more, f"http://127.0.0.1:{port}{path}"]
    done = subprocess.run(command, capture_output=True, text=True)
    said = done.stdout
    if done.returncode or "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"wrk: {said}{done.stderr}")

    def percentile(which):
        value, unit = re.search(rf"^\s+{which}%\s+([\d.]+)(us|ms|s|m)$", said, re.M).groups()
        return float(value) * UNITS[unit]

    rate = float(re.search(r"^Requests/sec:\s+([\d.]+)$", said, re.M)[1])
    return {"rate": rate, "p50": percentile(50), "p99": percentile(99)}


def constant_rate(driver, port, path, token, rate, connections, seconds):
    """One run at a constant rate. What was reached a second, and p50 and p99 in microseconds,
    counted from when each request was due."""
    command = [driver, str(port), path, token, str(rate), str(connections), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"constant_rate: {done.stdout}{done.stderr}")
    words = dict(word.split("=") for word in done.stdout.split())
    return {name: float(value) for name, value in words.items()}


def medians(runs):
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def request(port, path, token):
    """A connection on which the request was sent, and the first of the answer: its head and what
    has come with it."""
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
                       "Connection: close\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            raise SystemExit(f"port {port} closed the connection: {head!r}")
        head += piece
    return connection, head


def status(port, path, token):
    connection, head = request(port, path, token)
    connection.close()
    return int(head.split(b" ", 2)[1])


def stream(port, path, token, length):
    """Reads one long answer. Bytes a second."""
    started = time.perf_counter()
    connection, head = request(port, path, token)
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"port {port}: {head[:200]!r}")
    got = len(head.split(b"\r\n\r\n", 1)[1])
    room = memoryview(bytearray(1 << 20))
    while read := connection.recv_into(room):
        got += read
    took = time.perf_counter() - started
    connection.close()
    if got != length:
        raise SystemExit(f"port {port}: {got} bytes instead of {length}")
    return length / took
