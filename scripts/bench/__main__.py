#!/usr/bin/env python3
"""`make bench`: the gateway beside nginx, driven in turn in one run.

Python, because all that is done here is to start other programs and read what they print: nothing is
measured in this process but the rate of long answers, where it only receives. The gateway is the
release build as it comes: token, roles, scoping and printing, the log and the audit are on.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import growth
import load
import servers
import tails
from identity import Issuer
from servers import ORGANIZATION, PROJECT, RESOURCE

MIB = 1 << 20
CONNECTIONS = 64
SUBJECT = "auth0|bench"
RANGE = {"start": "1760000000", "end": "1760003600", "step": "60"}
PROMQL = 'sum by (status) (rate(http_requests_total{status=~"5.."}[5m]))'
SCOPED_PROMQL = f'sum by (status) (rate(http_requests_total{{status=~"5..",resource_id="{RESOURCE}"}}[5m]))'
LOGQL = '{level="error"} |= "payment" | json | amount > 100'
SCOPED_LOGQL = f'{{level="error",resource_id="{RESOURCE}"}} |= "payment" | json | amount > 100'
# A tail's share of one reader in one project.
TAILS_EACH = 4


def target(path, **parameters):
    return f"{path}?{urllib.parse.urlencode(parameters)}"


OF_PROJECT = f"/api/v1/projects/{PROJECT}/resources/{RESOURCE}"
# The same question: as the gateway is asked, and as it asks.
QUERIES = {
    "PromQL": (target(f"{OF_PROJECT}/metrics/query_range", query=PROMQL, **RANGE),
               target("/prometheus/api/v1/query_range", query=SCOPED_PROMQL, **RANGE)),
    "LogQL": (target(f"{OF_PROJECT}/logs", query=LOGQL, start="1760000000", end="1760003600"),
              target("/loki/api/v1/query_range", query=SCOPED_LOGQL, start="1760000000000000000",
                     end="1760003600000000000", limit="1000")),
}
LONG = (target(f"{OF_PROJECT}/prometheus/api/v1/query", query="up"),
        target("/prometheus/api/v1/query", query=f'up{{resource_id="{RESOURCE}"}}'))
TAIL = target(f"{OF_PROJECT}/loki/api/v1/tail", query="{}")


def arguments():
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--binary", required=True, type=Path, help="the gateway, built in release")
    parser.add_argument("--rounds", type=int, default=5, help="of each kind; medians are shown")
    parser.add_argument("--seconds", type=int, default=5, help="of each round")
    parser.add_argument("--tails", type=int, default=2000)
    parser.add_argument("--only", help="throughput, latency, stream, start, tails or growth; commas between")
    parser.add_argument("--queries", default="PromQL,LogQL")
    parser.add_argument("--rust-log", help="the gateway's RUST_LOG")
    parser.add_argument("--no-audit", action="store_true", help="to see what the audit costs")
    parser.add_argument("--json", type=Path, help="where the figures go as well")
    return parser.parse_args()


class Bench:
    def __init__(self, given, stack, directory):
        self.given, self.stack, self.directory = given, stack, directory
        self.ports, self.figures = servers.Ports(), {}
        self.backend_port = self.ports.reserve()
        self.issuer = Issuer(f"http://127.0.0.1:{self.backend_port}")
        self.token = self.issuer.token(SUBJECT)
        self.siblings = [self.issuer.sibling(f"{self.issuer.url}/{name}", keys) for name, _, keys in growth.SIDES]
        stack.enter_context(
            servers.backend(directory, self.ports, self.issuer, self.backend_port, *self.siblings))
        proxy, self.proxy_port = servers.proxy(directory, self.ports, self.backend_port)
        self.proxy = stack.enter_context(proxy)
        self.gateways = servers.Gateways(given.binary, directory, self.ports, self.issuer, self.backend_port)
        admin = self.gateways.admin
        admin("org", "create", ORGANIZATION)
        admin("project", "create", PROJECT, "--org", ORGANIZATION)
        admin("resource", "create", RESOURCE, "--project", PROJECT, "--type", "Konnektr.Graph")
        admin("grant", "--role", "Viewer", "--user", SUBJECT, "--project", PROJECT)
        self.changes = {"audit": {"output": "off"}} if given.no_audit else None
        self.environment = {"RUST_LOG": given.rust_log} if given.rust_log else None
        self.gateway = self.port = None

    def started(self):
        """The gateway that the rounds share."""
        if self.gateway is None:
            process, self.port = self.gateways.start(changes=self.changes, environment=self.environment)
            self.gateway = self.stack.enter_context(process)
            self.gateway.wait_for(self.port)
            for scoped, plain in [*QUERIES.values()]:
                for port, path in ((self.port, scoped), (self.proxy_port, plain)):
                    if load.status(port, path, self.token) != 200:
                        raise SystemExit(f"port {port} does not answer {path}")
        return self.gateway

    def in_turn(self, name, scoped, plain, measure):
        """Rounds of both, each first in every other round; medians and their ratio."""
        sides = [("nginx", self.proxy, self.proxy_port, plain), ("gateway", self.started(), self.port, scoped)]
        runs = {"nginx": [], "gateway": []}
        for turn in range(self.given.rounds):
            for who, process, port, path in sides if turn % 2 == 0 else sides[::-1]:
                before = process.processor_time()
                run = measure(port, path)
                run["cpu_us"] = (process.processor_time() - before) * 1e6 / (run["rate"] * self.given.seconds)
                process.check()
                runs[who].append(run)
        of_rounds = [ours["rate"] / theirs["rate"] for ours, theirs in zip(runs["gateway"], runs["nginx"])]
        ours, theirs = load.medians(runs["gateway"]), load.medians(runs["nginx"])
        self.figures[name] = {"nginx": theirs, "gateway": ours, "ratios": of_rounds}
        return ours, theirs, of_rounds

    def throughput(self):
        for name in self.given.queries.split(","):
            scoped, plain = QUERIES[name]
            measure = lambda port, path: load.wrk(port, path, self.token, CONNECTIONS, self.given.seconds)
            ours, theirs, ratios = self.in_turn(f"throughput, {name}", scoped, plain, measure)
            print(f"throughput, {name}: {CONNECTIONS} connections")
            for who, figures in (("nginx", theirs), ("gateway", ours)):
                print(f"  {who:8} {figures['rate']:9,.0f} /s   p50 {figures['p50'] / 1e3:.2f} ms   "
                      f"p99 {figures['p99'] / 1e3:.2f} ms   {figures['cpu_us']:.1f} µs of processor a request")
            show_ratio(ours["rate"] / theirs["rate"], ratios, 0.8)

    def latency(self):
        driver = self.directory / "constant_rate"
        source = Path(__file__).with_name("constant_rate.rs")
        subprocess.run(["rustc", "--edition", "2024", "-O", "-o", driver, source], check=True)
        self.started()
        for name in self.given.queries.split(","):
            scoped, plain = QUERIES[name]
            most = self.figures.get(f"throughput, {name}", {}).get("gateway", {}).get("rate")
            most = most or load.wrk(self.port, scoped, self.token, CONNECTIONS, 3)["rate"]
            rate = int(most / 2)
            measure = lambda port, path: load.constant_rate(
                driver, port, path, self.token, rate, CONNECTIONS, self.given.seconds)
            ours, theirs, _ = self.in_turn(f"half load, {name}", scoped, plain, measure)
            print(f"half load, {name}: {rate:,} /s, half of what the gateway reaches")
            for who, figures in (("nginx", theirs), ("gateway", ours)):
                print(f"  {who:8} {figures['rate']:9,.0f} /s   p50 {figures['p50'] / 1e3:.2f} ms   "
                      f"p99 {figures['p99'] / 1e3:.2f} ms")
            print(f"  p99 above nginx's: {(ours['p99'] - theirs['p99']) / 1e3:+.2f} ms (target: +0.50)")

    def stream(self):
        gateway = self.started()
        rates, plain = {"nginx": [], "gateway": []}, {"nginx": self.proxy_port, "gateway": self.port}
        before = gateway.memory()
        gateway.forget_peak()
        for turn in range(self.given.rounds):
            for who in ("nginx", "gateway") if turn % 2 == 0 else ("gateway", "nginx"):
                path = LONG[0] if who == "gateway" else LONG[1]
                rates[who].append(load.stream(plain[who], path, self.token, servers.LARGE))
        grown = gateway.memory("VmHWM") - before
        ratios = [ours / theirs for ours, theirs in zip(rates["gateway"], rates["nginx"])]
        medians = {who: statistics.median(of) for who, of in rates.items()}
        print("an answer of 1 GiB")
        for who, rate in medians.items():
            print(f"  {who:8} {rate / MIB:9,.0f} MiB/s")
        show_ratio(medians["gateway"] / medians["nginx"], ratios, 0.9)
        print(f"  the gateway grows by {grown / MIB:.1f} MiB at its highest (target: under 16)")
        self.figures["stream"] = {**medians, "ratios": ratios, "grown": grown}

    def cold_start(self):
        took, idle = [], []
        for _ in range(self.given.rounds):
            started = time.perf_counter()
            process, port = self.gateways.start()
            with process:
                process.wait_for(port)
                if load.status(port, QUERIES["PromQL"][0], self.token) != 200:
                    raise SystemExit("the first answer is not 200")
                took.append((time.perf_counter() - started) * 1e3)
                idle.append(process.memory())
        print(f"cold start to the first answer to a query: {statistics.median(took):.0f} ms (target: under 200)")
        print(f"idle resident memory: {statistics.median(idle) / MIB:.1f} MiB (target: under 32)")
        self.figures["start"] = {"ms": took, "idle": idle}

    def idle_tails(self):
        readers = [f"auth0|reader-{index}" for index in range(-(-self.given.tails // TAILS_EACH))]
        for reader in readers:
            self.gateways.admin("grant", "--role", "Viewer", "--user", reader, "--project", PROJECT)
        tokens = [self.issuer.token(reader) for reader in readers]
        with tails.Silent() as silent:
            process, port = self.gateways.start(logs_port=silent.port)
            with process:
                process.wait_for(port)
                before = process.memory()
                started = time.perf_counter()
                opened = [tails.open_tail(port, TAIL, tokens[index // TAILS_EACH])
                          for index in range(self.given.tails)]
                took = time.perf_counter() - started
                # What opening them took is given back within a moment, or not at all.
                time.sleep(1)
                after, busy = process.memory(), process.processor_time()
                time.sleep(2)
                busy = (process.processor_time() - busy) / 2
                for connection in opened:
                    connection.close()
        print(f"{self.given.tails:,} idle tails: {after / MIB:.1f} MiB resident (target: under 64), "
              f"{before / MIB:.1f} before; opened in {took:.1f} s; then {busy * 100:.1f} % of a core")
        self.figures["tails"] = {"before": before, "after": after, "busy": busy}


    def growth(self):
        """Which of two directories is asked is all that differs."""
        path_of = lambda project, resource: target(
            f"/api/v1/projects/{project}/resources/{resource}/metrics/query_range", query=PROMQL, **RANGE)
        sides, runs = [], {}
        for (name, projects, keys), issuer in zip(growth.SIDES, self.siblings):
            home = self.directory / name
            home.mkdir()
            gateways = servers.Gateways(self.given.binary, home, self.ports, issuer, self.backend_port)
            sides.append(growth.Side(name, projects, keys, gateways, path_of))
            runs[name] = []
        with contextlib.ExitStack() as stack:
            for side in sides:
                side.start(stack)
                # Until each thread has checked each token.
                side.round(CONNECTIONS, 2)
            for turn in range(self.given.rounds):
                for side in sides if turn % 2 == 0 else sides[::-1]:
                    runs[side.name].append(side.round(CONNECTIONS, self.given.seconds))
        print("growth: a request where there is more of everything")
        figures = {name: load.medians(of) for name, of in runs.items()}
        for side in sides:
            mine = figures[side.name]
            print(f"  {side.projects:6,} projects and users, {side.keys:3} keys, {len(side.asked):3} readers: "
                  f"{mine['cpu_us']:.1f} µs of processor a request, {mine['rate']:,.0f} /s")
        small, large = (runs[name] for name, _, _ in growth.SIDES)
        ratios = [more["cpu_us"] / less["cpu_us"] for less, more in zip(small, large)]
        print(f"  ratio    {statistics.median(ratios):.2f} (rounds: {min(ratios):.2f} to {max(ratios):.2f})")
        if shutil.which("valgrind"):
            for side in sides:
                with contextlib.ExitStack() as stack:
                    figures[side.name]["instructions"] = side.instructions(stack)
                print(f"  {side.projects:6,} projects: {figures[side.name]['instructions']:9,.0f} instructions a request")
        self.figures["growth"] = {**figures, "ratios": ratios}


def show_ratio(ratio, ratios, least):
    print(f"  ratio    {ratio:.2f} (rounds: {min(ratios):.2f} to {max(ratios):.2f}; target: {least})")


def main():
    given = arguments()
    missing = [name for name in ("nginx", "wrk") if shutil.which(name) is None]
    if missing:
        sys.exit(f"make bench needs {' and '.join(missing)}: apt install {' '.join(missing)}")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    steps = {"throughput": Bench.throughput, "latency": Bench.latency, "stream": Bench.stream,
             "start": Bench.cold_start, "tails": Bench.idle_tails, "growth": Bench.growth}
    chosen = given.only.split(",") if given.only else list(steps)
    with tempfile.TemporaryDirectory(prefix="ktrlplane-bench-") as directory, contextlib.ExitStack() as stack:
        bench = Bench(given, stack, Path(directory))
        for name, step in steps.items():
            if name in chosen:
                step(bench)
                sys.stdout.flush()
        if given.json:
            given.json.write_text(json.dumps(bench.figures, indent=1))


if __name__ == "__main__":
    os.umask(0o077)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
