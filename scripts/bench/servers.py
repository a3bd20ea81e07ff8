"""What the benchmark brings up: nginx twice, and the gateway. All of it on loopback, all of it ended."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

from identity import AUDIENCE

# Long enough for a busy machine; what takes this long has failed.
PATIENCE = 30
ORGANIZATION, PROJECT, RESOURCE = "bench", "bench-shop", "shop-api"
LARGE = 1 << 30

METRICS = {"status": "success", "data": {"resultType": "matrix", "result": [
    {"metric": {"__name__": "http_requests_total", "resource_id": RESOURCE, "status": "500"},
     "values": [[1760000000, "41"], [1760000060, "42"], [1760000120, "44"]]}]}}
LOGS = {"status": "success", "data": {"resultType": "streams", "result": [
    {"stream": {"resource_id": RESOURCE, "level": "error"},
     "values": [["1760000000000000000", "payment failed: the card was declined"]]}]}}


# Limits that are counted, as they are in production, and that no load from here meets.
WIDE = {who: {"requests_per_second": 1_000_000, "burst": 10_000_000, "queries": 1_000_000,
              "bytes_per_minute": "1PiB"} for who in ("subject", "project")}
WIDE["subject"]["in_flight"] = 1_000_000


class Ports:
    """Free ports, held until somebody is about to listen on them."""

    def __init__(self):
        self.held = {}

    def reserve(self):
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        self.held[port] = held
        return port

    def release(self, port):
        self.held.pop(port).close()


class Process:
    """A program that is ended, and waited for, whatever happens."""

    def __init__(self, name, command, log, **options):
        self.name, self.log = name, log
        # A session of its own: Ctrl-C is this script's to pass on.
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stderr=errors,
                start_new_session=True, **({"stdout": errors} | options))
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def check(self):
        """Fails if it has ended by itself."""
        if self.process.poll() is not None:
            tail = Path(self.log).read_text(errors="replace")[-2000:]
            raise SystemExit(f"{self.name} has ended with {self.process.returncode}:\n{tail}")

    def wait_for(self, port):
        """Waits until it listens."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.check()
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.002)
        raise SystemExit(f"{self.name} does not listen on port {port}")

    def memory(self, field="VmRSS"):
        """Resident memory in bytes, now or (`VmHWM`) at its highest."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise SystemExit(f"/proc/{self.pid}/status has no {field}")

    def forget_peak(self):
        """Lets `VmHWM` count from now on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def processor_time(self):
        """Seconds of processor time so far, of its children as well."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        own = sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for child in children:
            fields = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()
            own += sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")
        return own


def nginx(directory, name, port, server):
    """Debian's nginx with this `server` block, as its own documentation tunes it for load: a worker
    per core that accepts by itself, connections kept, nothing logged."""
    home = directory / name
    home.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    spare = "".join(f"{kind}_temp_path {home}/{kind};\n"
                    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (home / "nginx.conf").write_text(f"""
{user}
daemon off;
pid {home}/pid;
error_log {home}/error.log warn;
worker_processes {os.cpu_count()};
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
{spare}
    access_log off;
    default_type application/json;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    sendfile on;
    tcp_nodelay on;
{server}
}}
""")
    command = ["nginx", "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")]
    return Process(name, command, home / "error.log")


def backend(directory, ports, issuer, port, *more):
    """Answers as Loki and Prometheus do, without looking; and has the two files of the issuer,
    and of more below the paths of their URLs."""
    files = directory / "files"
    files.mkdir()
    locations = ""
    for at, issuer in enumerate([issuer, *more]):
        path = urllib.parse.urlsplit(issuer.url).path
        for name, content in (("/.well-known/openid-configuration", issuer.discovery()),
                              ("/jwks.json", issuer.jwks())):
            file = files / f"{at}-{name.rsplit('/', 1)[1]}"
            file.write_text(json.dumps(content))
            locations += f"location = {path}{name} {{ default_type application/json; alias {file}; }}\n"
    with open(files / "large.json", "wb") as large:
        large.truncate(LARGE)
    ports.release(port)
    process = nginx(directory, "backend", port, f"""
    server {{
        listen 127.0.0.1:{port} reuseport backlog=4096;
        {locations}
        location = /prometheus/api/v1/query_range {{ return 200 '{json.dumps(METRICS)}'; }}
        location = /loki/api/v1/query_range {{ return 200 '{json.dumps(LOGS)}'; }}
        location = /prometheus/api/v1/query {{ alias {files}/large.json; }}
    }}""")
    process.wait_for(port)
    return process


def proxy(directory, ports, backend_port):
    """The yardstick: a reverse proxy that does nothing to a request."""
    port = ports.reserve()
    ports.release(port)
    process = nginx(directory, "proxy", port, f"""
    upstream backend {{
        server 127.0.0.1:{backend_port};
        keepalive 512;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} reuseport backlog=4096;
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_max_temp_file_size 0;
        }}
    }}""")
    process.wait_for(port)
    return process, port


class Gateways:
    """Starts the gateway: as it comes, with its log and its audit in files, on one directory."""

    def __init__(self, binary, directory, ports, issuer, metrics_port):
        self.binary, self.directory, self.ports = binary, directory, ports
        self.issuer, self.metrics_port = issuer, metrics_port
        self.database = directory / "directory.sqlite"
        self.started = 0

    def configuration(self, name, port, logs_port, changes):
        settings = {
            "server": {"host": "127.0.0.1", "port": port},
            "auth": {"issuer": self.issuer.url, "audience": AUDIENCE},
            "database": {"url": f"sqlite:{self.database}"},
            "audit": {"output": str(self.directory / f"{name}-audit.jsonl")},
            "limits": WIDE,
            "observability": {
                "loki": {"enabled": True, "url": f"http://127.0.0.1:{logs_port}"},
                "mimir": {"enabled": True, "url": f"http://127.0.0.1:{self.metrics_port}"},
            },
        }
        for section, values in (changes or {}).items():
            settings[section] = settings.get(section, {}) | values
        path = self.directory / f"{name}.yaml"
        # JSON is YAML.
        path.write_text(json.dumps(settings, indent=1))
        return path

    def admin(self, *arguments):
        """One step of an operator's."""
        configuration = self.configuration("admin", 0, self.metrics_port, None)
        command = [self.binary, "admin", "--config", configuration, "--create", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"ktrlplane admin {' '.join(arguments)}: {done.stderr}")

    def start(self, logs_port=None, changes=None, environment=None, before=()):
        """A gateway that listens, and its port; `before` is what its command line begins with."""
        self.started += 1
        name = f"gateway-{self.started}"
        port = self.ports.reserve()
        configuration = self.configuration(name, port, logs_port or self.metrics_port, changes)
        self.ports.release(port)
        log = self.directory / f"{name}.log"
        command = [*before, self.binary, "serve", "--config", configuration]
        clean = {key: value for key, value in os.environ.items()
                 if not key.startswith("KTRLPLANE_") and key != "RUST_LOG"}
        process = Process(name, command, log, env=clean | (environment or {}))
        return process, port
