"""Whether a request costs more where there are more projects, users and keys of the issuer.

Two gateways that differ in nothing but that are asked in turn, each by all of its readers, each of
whom reads a project of their own: what is remembered is not of one project, and grows as well.
"""

import http.client
import os
import sqlite3
import subprocess
import time

import load
from servers import ORGANIZATION, RESOURCE

# Name, projects (and as many users), keys of the issuer.
SIDES = [("small", 10, 1), ("large", 10_000, 100)]
# So many of the readers ask; a token takes long to make here.
MOST_READERS = 500
# So many requests are counted instruction by instruction.
COUNTED = 2000

SCRIPT = """
local requests, next = {}, 0
init = function()
    for line in io.lines("%s") do
        local path, token = line:match("(%%S+) (%%S+)")
        table.insert(requests, wrk.format("GET", path, { Authorization = "Bearer " .. token }))
    end
    next = math.random(#requests)
end
request = function()
    next = next %% #requests + 1
    return requests[next]
end
"""


def project(index):
    return f"growth-{index}"


def reader(index):
    return f"auth0|reader-{index}"


def fill(database, projects):
    """Adds projects of one organization, each with a resource and a user who reads it alone, as
    many rows as `ktrlplane admin` would write in as many calls."""
    with sqlite3.connect(database) as rows:
        for index in range(projects):
            names = {"project": project(index), "user": reader(index), "org": ORGANIZATION,
                     "resource": RESOURCE if index == 0 else f"{RESOURCE}-{index}"}
            rows.execute("INSERT INTO projects (project_id, org_id, name) VALUES (:project, :org, 'x')", names)
            rows.execute("INSERT INTO resources (resource_id, project_id, name, type)"
                         " VALUES (:resource, :project, 'x', 'x')", names)
            rows.execute("INSERT INTO users (user_id, name) VALUES (:user, 'x')", names)
            rows.execute("INSERT INTO role_assignments (assignment_id, user_id, role_id, scope_type, scope_id)"
                         " VALUES (:project, :user, 'viewer', 'project', :project)", names)
    rows.close()


class Side:
    """One of the two gateways, and what it is asked."""

    def __init__(self, name, projects, keys, gateways, path_of):
        self.name, self.projects, self.keys, self.gateways = name, projects, keys, gateways
        gateways.admin("org", "create", ORGANIZATION)
        fill(gateways.database, projects)
        # Spread over all of them.
        readers = min(projects, MOST_READERS)
        chosen = [index * projects // readers for index in range(readers)]
        self.asked = [(path_of(project(index), RESOURCE if index == 0 else f"{RESOURCE}-{index}"),
                       gateways.issuer.token(reader(index))) for index in chosen]
        self.script = gateways.directory / "asked.lua"
        lines = gateways.directory / "asked"
        lines.write_text("".join(f"{path} {token}\n" for path, token in self.asked))
        self.script.write_text(SCRIPT % lines)
        self.process = self.port = None

    def start(self, stack, before=()):
        process, self.port = self.gateways.start(before=before)
        self.process = stack.enter_context(process)
        self.process.wait_for(self.port)
        # Everybody once, so that every token and every role is known.
        self.ask(len(self.asked))

    def ask(self, requests):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for index in range(requests):
            path, token = self.asked[index % len(self.asked)]
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"port {self.port} answers {answer.status} to {path}")
        connection.close()

    def round(self, connections, seconds):
        before = self.process.processor_time()
        run = load.wrk_script(self.port, self.script, connections, seconds)
        run["cpu_us"] = (self.process.processor_time() - before) * 1e6 / (run["rate"] * seconds)
        self.process.check()
        return run

    def instructions(self, stack):
        """Instructions outside of the kernel for each request, counted by callgrind."""
        counts = self.gateways.directory / "callgrind"
        # On one processor there is one thread, which has to check each token once. With more, those
        # that only another one has checked would be checked while it is counted.
        processor = min(os.sched_getaffinity(0))
        self.start(stack, ("taskset", "--cpu-list", str(processor), "valgrind", "--tool=callgrind",
                           "--instr-atstart=no", f"--callgrind-out-file={counts}"))
        control = ("callgrind_control", "-i")
        subprocess.run([*control, "on", str(self.process.pid)], check=True, capture_output=True)
        self.ask(COUNTED)
        # The audit is written by a thread of its own.
        time.sleep(1)
        subprocess.run([*control, "off", str(self.process.pid)], check=True, capture_output=True)
        self.process.__exit__()
        totals = [line for line in counts.read_text().splitlines() if line.startswith(("totals:", "summary:"))]
        return int(totals[-1].split()[1]) / COUNTED
