#!/usr/bin/env python3
"""`make fairness`: what one tenant notices of another one that floods.

One reader asks at a constant and modest rate, and its p99 is taken in turn: alone, and while another
tenant's reader sends as fast as it is answered. With the limits as they come, and once more without
any, to see what they are good for. The other tenant floods in two ways: with queries that are
answered at once, and with queries whose answers take seconds to arrive.
"""

import argparse
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("bench")))

import load
import servers
from identity import Issuer

ORGANIZATION = "fair"
TENANTS = {"quiet": "auth0|quiet", "loud": "auth0|loud"}
METRICS = "/metrics/query_range?query=up&start=1760000000&end=1760003600&step=60"
SLOW = "/prometheus/api/v1/query?query=up"
# The p99 of the quiet one may rise by a quarter.
TARGET = 1.25
OFF = {"requests_per_second": "off", "queries": "off", "bytes_per_minute": "off"}
LIMITS = {
    "limits as they come": {"subject": {}, "project": {}},
    "no limits": {"subject": OFF | {"in_flight": "off"}, "project": OFF},
}


def path(tenant, query):
    return f"/api/v1/projects/{tenant}/resources/{tenant}-api{query}"


def arguments():
    parser = argparse.ArgumentParser(prog="make fairness", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--binary", required=True, type=Path, help="the gateway, built in release")
    parser.add_argument("--rounds", type=int, default=5, help="of each kind; medians are shown")
    parser.add_argument("--seconds", type=int, default=5, help="of each round")
    parser.add_argument("--rate", type=int, default=200, help="requests a second of the quiet one")
    parser.add_argument("--connections", type=int, default=64, help="of the loud one")
    parser.add_argument("--json", type=Path, help="where the figures go as well")
    return parser.parse_args()


def backend(directory, ports, issuer, port):
    """Answers at once; but to instant queries takes five seconds."""
    files = directory / "files"
    files.mkdir()
    (files / "discovery.json").write_text(json.dumps(issuer.discovery()))
    (files / "jwks.json").write_text(json.dumps(issuer.jwks()))
    (files / "slow.json").write_text("x" * (5 << 10))
    ports.release(port)
    process = servers.nginx(directory, "backend", port, f"""
    server {{
        listen 127.0.0.1:{port} reuseport backlog=4096;
        location = /.well-known/openid-configuration {{ alias {files}/discovery.json; }}
        location = /jwks.json {{ alias {files}/jwks.json; }}
        location = /prometheus/api/v1/query_range {{ return 200 '{json.dumps(servers.METRICS)}'; }}
        location = /prometheus/api/v1/query {{ limit_rate 1k; alias {files}/slow.json; }}
    }}""")
    process.wait_for(port)
    return process


class Flood:
    """The loud one, for as long as this is entered."""

    def __init__(self, port, query, token, connections, seconds):
        command = ["wrk", "--threads", "1", "--connections", str(connections),
                   "--duration", f"{seconds}s", "--timeout", "30s",
                   "--header", f"Authorization: Bearer {token}",
                   f"http://127.0.0.1:{port}{path('loud', query)}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def end(self):
        """Requests a second, and how many of a hundred were refused."""
        said, _ = self.process.communicate()
        if self.process.returncode:
            raise SystemExit(f"wrk: {said}")
        requests = int(re.search(r"(\d+) requests in", said)[1])
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        rate = float(re.search(r"^Requests/sec:\s+([\d.]+)$", said, re.M)[1])
        return {"rate": rate, "refused": 100 * int(refused[1]) / max(requests, 1) if refused else 0.0}


def rounds(given, driver, port, tokens, query):
    """The quiet one's runs alone and beside the flood, each first in every other round."""
    runs, floods = {"alone": [], "flooded": []}, []
    for turn in range(given.rounds):
        for which in ("alone", "flooded") if turn % 2 == 0 else ("flooded", "alone"):
            flood = None
            if which == "flooded":
                flood = Flood(port, query, tokens["loud"], given.connections, given.seconds + 4)
                # What it may send at once is gone by then.
                time.sleep(2)
            runs[which].append(load.constant_rate(
                driver, port, path("quiet", METRICS), tokens["quiet"], given.rate, 4, given.seconds))
            if flood:
                floods.append(flood.end())
    return load.medians(runs["alone"]), load.medians(runs["flooded"]), load.medians(floods), [
        flooded["p99"] / alone["p99"] for flooded, alone in zip(runs["flooded"], runs["alone"])]


def measure(given, directory):
    ports = servers.Ports()
    with contextlib.ExitStack() as stack:
        backend_port = ports.reserve()
        issuer = Issuer(f"http://127.0.0.1:{backend_port}")
        tokens = {tenant: issuer.token(subject) for tenant, subject in TENANTS.items()}
        stack.enter_context(backend(directory, ports, issuer, backend_port))
        gateways = servers.Gateways(given.binary, directory, ports, issuer, backend_port)
        gateways.admin("org", "create", ORGANIZATION)
        for tenant, subject in TENANTS.items():
            gateways.admin("project", "create", tenant, "--org", ORGANIZATION)
            gateways.admin("resource", "create", f"{tenant}-api", "--project", tenant,
                           "--type", "Konnektr.Graph")
            gateways.admin("grant", "--role", "Viewer", "--user", subject, "--project", tenant)
        driver = directory / "constant_rate"
        source = Path(servers.__file__).with_name("constant_rate.rs")
        subprocess.run(["rustc", "--edition", "2024", "-O", "-o", driver, source], check=True)
        figures = {}
        print(f"p99 of {given.rate} requests a second, beside {given.connections} connections of another "
              f"tenant; on {os.cpu_count()} cores, which load and backend share")
        for name, limits in LIMITS.items():
            process, port = gateways.start(changes={"limits": limits})
            with process:
                process.wait_for(port)
                for kind, query in (("quick", METRICS), ("slow", SLOW)):
                    alone, flooded, flood, ratios = rounds(given, driver, port, tokens, query)
                    process.check()
                    ratio = flooded["p99"] / alone["p99"]
                    figures[f"{name}, {kind}"] = {
                        "alone": alone, "flooded": flooded, "flood": flood, "ratios": ratios}
                    print(f"{name}, a flood of {kind} queries: alone {alone['p99'] / 1e3:.2f} ms, "
                          f"flooded {flooded['p99'] / 1e3:.2f} ms; ratio {ratio:.2f} "
                          f"(rounds: {min(ratios):.2f} to {max(ratios):.2f}, "
                          f"median {statistics.median(ratios):.2f}; target: {TARGET})")
                    print(f"  the flood: {flood['rate']:,.0f} answers a second, "
                          f"{flood['refused']:.0f} % of them refusals")
                    sys.stdout.flush()
        return figures


def main():
    given = arguments()
    missing = [name for name in ("nginx", "wrk", "rustc") if shutil.which(name) is None]
    if missing:
        sys.exit(f"make fairness needs {', '.join(missing)}")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="ktrlplane-fairness-") as directory:
        figures = measure(given, Path(directory))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    os.umask(0o077)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
