#!/usr/bin/env python3
"""`make soak`: one gateway under mixed load, and whether its memory and its file descriptors stay flat.

The release build as it comes, before an nginx that answers at once. In each round wrk reads logs and
metrics, is refused (without a token, without a role, with a query that is none), pushes, tails come and
go, connections are opened that say nothing or half a head, and callers go in the middle of long
answers. After each round the process is let come to rest and measured. The first rounds fill pools and
caches; from the third on nothing may grow. At the end ten thousand connections say nothing, and the
gateway answers beside them.
"""

import argparse
import contextlib
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "bench"))

import load
import servers
import tails
from identity import Issuer

MIB = 1 << 20
OF_RESOURCE = f"/api/v1/projects/{servers.PROJECT}/resources/{servers.RESOURCE}"
LOGS = f"{OF_RESOURCE}/logs?query=%7Blevel%3D%22error%22%7D&start=1760000000&end=1760003600"
METRICS = f"{OF_RESOURCE}/metrics/query_range?query=up&start=1760000000&end=1760003600&step=60"
LONG = f"{OF_RESOURCE}/prometheus/api/v1/query?query=up"
PUSH = f"{OF_RESOURCE}/loki/api/v1/push"
TAIL = f"{OF_RESOURCE}/loki/api/v1/tail?query=%7B%7D"
# What may come and go in rounds that are alike: allocator, pools, a log line's buffer.
GROWTH, FILES = 8 * MIB, 16


def wrk(port, path, token, seconds, connections, script=None):
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s",
               "--timeout", "10s"]
    command += ["--script", str(script)] if script else []
    command += ["--header", f"Authorization: Bearer {token}"] if token else []
    return subprocess.Popen([*command, f"http://127.0.0.1:{port}{path}"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def requests(run):
    said, _ = run.communicate()
    if run.returncode:
        raise SystemExit(f"wrk: {said}")
    words = said.split()
    return int(words[words.index("requests") - 1])


def silent(port, count):
    """Connections that say nothing, or half a head."""
    opened = []
    for index in range(count):
        with contextlib.suppress(OSError):
            connection = socket.create_connection(("127.0.0.1", port), 5)
            if index % 2:
                connection.sendall(b"GET /livez HTTP/1.1\r\nHo")
            opened.append(connection)
    return opened


def gone(port, token, count):
    """Callers who go in the middle of a long answer."""
    for _ in range(count):
        connection, _ = load.request(port, LONG, token)
        connection.close()


def tail(port, token):
    """A tail, as soon as those before it have given up their places: the backend is told goodbye first,
    and has some seconds to answer."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return tails.open_tail(port, TAIL, token)
        except SystemExit as refused:
            if "429" not in str(refused) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def pushes(directory):
    script = directory / "push.lua"
    script.write_text("""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  local now = string.format("%d000000000", os.time())
  return wrk.format(nil, nil, nil, '{"streams":[{"stream":{"app":"soak"},"values":[["' .. now .. '","a line"]]}]}')
end
""")
    return script


def files(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def one_round(port, tokens, script, seconds, tail_port):
    """Load of every kind at the same time. How many requests there were."""
    victor, stranger = tokens
    runs = [
        wrk(port, LOGS, victor, seconds, 24),
        wrk(port, METRICS, victor, seconds, 24),
        wrk(port, LOGS, None, seconds, 4),
        wrk(port, LOGS, stranger, seconds, 4),
        wrk(port, LOGS + "%7C", victor, seconds, 4),
        wrk(port, PUSH, victor, seconds, 8, script),
    ]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline - 1:
        open_now = silent(port, 100)
        tailing = [tail(tail_port, victor) for _ in range(4)]
        gone(port, victor, 5)
        time.sleep(1)
        for connection in open_now + tailing:
            connection.close()
    return sum(map(requests, runs))


def bring_up(stack, directory, binary):
    """A backend, a Loki for tails, and two gateways on one directory: the second one is for tails, whose
    load is small, and is only there because nginx cannot switch protocols."""
    ports = servers.Ports()
    backend_port = ports.reserve()
    issuer = Issuer(f"http://127.0.0.1:{backend_port}")
    # Where a push goes, as well as what the benchmark has.
    original = servers.nginx

    def with_push(home, name, port, server):
        server = server.replace("location = /jwks.json",
                                "location = /loki/api/v1/push { client_max_body_size 16m; return 204; }\n"
                                "        location = /jwks.json", 1)
        return original(home, name, port, server)

    servers.nginx = with_push
    backend = servers.backend(directory, ports, issuer, backend_port)
    stack.enter_context(backend)
    silent_loki = stack.enter_context(tails.Silent())
    gateways = servers.Gateways(binary, directory, ports, issuer, backend_port)
    gateways.admin("org", "create", servers.ORGANIZATION, "--name", "Soak")
    gateways.admin("project", "create", servers.PROJECT, "--org", servers.ORGANIZATION, "--name", "Soak")
    gateways.admin("resource", "create", servers.RESOURCE, "--project", servers.PROJECT,
                   "--name", "Soak", "--type", "Konnektr.Soak")
    gateways.admin("grant", "--role", "Editor", "--user", "victor", "--project", servers.PROJECT)
    changes = {"audit": {"output": "/dev/null"}}
    started = []
    for logs_port in (None, silent_loki.port):
        gateway, port = gateways.start(logs_port, changes, {"RUST_LOG": "warn"})
        stack.enter_context(gateway)
        gateway.wait_for(port)
        started.append((gateway, port))
    return issuer, backend, started


def many(gateway, port, token, count=10_000):
    """Ten thousand connections that say nothing."""
    before = gateway.memory()
    opened = silent(port, count)
    run = wrk(port, LOGS, token, 5, 16)
    rate = requests(run) / 5
    print(f"beside {len(opened)} silent connections: {rate:.0f} requests a second, "
          f"{(gateway.memory() - before) / MIB:.1f} MiB more, {files(gateway)} files")
    for connection in opened:
        connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=20)
    chosen = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ktrlplane-soak-")))
        directory.chmod(0o755)
        issuer, backend, started = bring_up(stack, directory, chosen.binary.resolve())
        (gateway, port), (tailing, tail_port) = started
        tokens = issuer.token("victor"), issuer.token("stranger")
        deadline = time.monotonic() + 60
        while load.status(port, "/readyz", tokens[0]) != 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        script = pushes(directory)
        end = time.monotonic() + chosen.minutes * 60
        # At least five rounds, and none longer than a minute.
        seconds = max(5, min(60, int(chosen.minutes * 60 / 6) - 4))
        measured = []
        print("round   requests     RSS/MiB  files   of tails: RSS/MiB  files")
        while time.monotonic() < end or len(measured) < 5:
            count = one_round(port, tokens, script, seconds, tail_port)
            gateway.check()
            tailing.check()
            # Lingering connections have ended by then, and those in pools are the same each time.
            time.sleep(3)
            row = [value for process in (gateway, tailing) for value in (process.memory(), files(process))]
            measured.append(row)
            print(f"{len(measured):5} {count:10}  {row[0] / MIB:10.1f} {row[1]:6} "
                  f"{row[2] / MIB:19.1f} {row[3]:6}", flush=True)
            if load.status(port, LOGS, tokens[0]) != 200:
                raise SystemExit("the gateway does not answer as it did")
        settled = measured[2:]
        grown = []
        for name, column, bound in (("memory", 0, GROWTH), ("files", 1, FILES),
                                    ("memory of tails", 2, GROWTH), ("files of tails", 3, FILES)):
            # Against the largest of the first settled rounds: the end may not be above it.
            first = max(row[column] for row in settled[:max(1, len(settled) // 2)])
            last = min(row[column] for row in settled[len(settled) // 2:])
            if last > first + bound:
                grown.append(f"{name}: from {first} to {last}")
        if grown:
            raise SystemExit("grown: " + "; ".join(grown))
        print("flat")
        many(gateway, port, tokens[0])


if __name__ == "__main__":
    main()
