#!/usr/bin/env python3
"""The invariants of ARCHITECTURE.md that can be read off the sources and the dependency graph.

Every broken rule is one line that says what is wrong and where. Number 3 (a query that is not
understood is refused) and number 8 (one test suite for both databases) are held by tests alone.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The arrows between the rooms, and no others.
ARROWS = {
    "ktrlplane": {"gateway", "embedded"},
    "gateway": {"directory", "query"},
    "directory": {"policy"},
    "embedded": {"query"},
    "policy": set(),
    "query": set(),
}
# Everything that the pure rooms may be built on, directly or not; a new name is a decision.
PURE = {
    "query": {"memchr"},
    "policy": {"jiff", "jiff-core", "thiserror", "thiserror-impl", "proc-macro2", "quote", "syn", "unicode-ident"},
}
LINTS = {
    "rust": {"unsafe_code": "forbid"},
    "clippy": dict.fromkeys(
        ("all", "unwrap_used", "expect_used", "panic", "print_stdout", "print_stderr",
         "wildcard_enum_match_arm"), "deny"),
}
# Wall clocks and randomness, which are parameters: only the binary hands them in.
IMPURE = re.compile(r"\b(SystemTime::now|Timestamp::now|Zoned::now|rand::(rng|random)|Utc::now)\b")
SILENCED = re.compile(
    r"allow\([^)]*clippy::(all|unwrap_used|expect_used|panic|wildcard_enum_match_arm)\b|"
    r"allow\([^)]*\bunsafe_code\b")
PRINTING = re.compile(r"allow\([^)]*clippy::print_std(out|err)\b|\be?println!\(")
# Where a rule of clippy or of time is set aside, and why; an entry here is a decision.
EXCEPTIONS = {
    # Matches over tokens, where each that is not named is an error; trees are matched elsewhere.
    "wildcard_enum_match_arm": {"crates/query/src/logql/grammar.rs", "crates/query/src/promql/grammar.rs"},
    # The system's clock, for those who do not bring their own.
    "clock": {"crates/gateway/src/clock.rs", "crates/embedded/src/lib.rs",
              # The operator's calls for programs that fill a directory; `Directory::write` takes the time.
              "crates/directory/src/manage/wrapper.rs"},
}
LONGEST_FILE = 600

broken = []


def rule(holds, number, sentence):
    """Notes a broken rule, with the number of its invariant (or `style`)."""
    if not holds:
        broken.append(f"invariant {number}: {sentence}" if number != "style" else f"style: {sentence}")


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments, "--locked"], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def sources(crate):
    """The crate's Rust files below `src`, each with its lines up to its tests."""
    for path in sorted((ROOT / "crates" / crate / "src").rglob("*.rs")):
        if path.stem == "tests" or "tests" in path.relative_to(ROOT / "crates" / crate).parts:
            continue
        lines = path.read_text().splitlines()
        tests = next((i for i, line in enumerate(lines) if line.strip() == "#[cfg(test)]"
                      and any(word in "".join(lines[i + 1:i + 3]) for word in ("mod tests",))), len(lines))
        yield path.relative_to(ROOT), lines[:tests]


def code(line):
    """The line without a comment at its end; a string with `//` in it is cut too, which is fine."""
    return line.split("//", 1)[0]


def check_arrows():
    packages = {p["name"]: p for p in json.loads(cargo("metadata", "--format-version=1", "--no-deps"))["packages"]}
    for name in sorted(packages.keys() | ARROWS.keys()):
        rule(name in packages and name in ARROWS, "style",
             f"crate `{name}` is not both in the workspace and in the list of rooms in scripts/rules.py")
    for name, package in packages.items():
        reachable = reach(name)
        for dependency in package["dependencies"]:
            if dependency["name"] not in ARROWS or dependency.get("path") is None:
                continue
            arrow, test = dependency["name"], dependency["kind"] == "dev"
            allowed = reachable if test else ARROWS.get(name, set())
            rule(arrow in allowed or (test and arrow == name), 1,
                 f"the arrow `{name} -> {arrow}` is not allowed{' in tests' if test else ''}")


def reach(name):
    """What `name` stands on, directly or not: tests may use it directly."""
    found = set()
    waiting = list(ARROWS.get(name, ()))
    while waiting:
        room = waiting.pop()
        if room not in found:
            found.add(room)
            waiting.extend(ARROWS[room])
    return found


def check_purity():
    for crate, allowed in PURE.items():
        tree = cargo("tree", "--package", crate, "--edges=normal,build", "--prefix=none", "--format={p}")
        for name in sorted({line.split()[0] for line in tree.splitlines() if line.strip()} - {crate}):
            rule(name in allowed, 1, f"the pure crate `{crate}` depends on `{name}`; "
                 "only what is listed in scripts/rules.py may be below it")
        for path, lines in sources(crate):
            for number, line in enumerate(lines, 1):
                rule(not re.search(r"\bstd::(net|fs|env|process|thread)\b|\bInstant::now\b", code(line)), 1,
                     f"{path}:{number}: a pure crate reaches for the machine: {line.strip()}")


def check_proof_types():
    gateway = "\n".join("\n".join(lines) for _, lines in sources("gateway"))
    rule("compile_fail" in gateway, 2,
         "no `compile_fail` doctest in crates/gateway shows that forward() takes nothing but a Scoped")
    rule(re.search(r"\bfn forward\b[^{;]*\bScoped\b", gateway), 2, "forward() does not take a Scoped")


def check_routes():
    for path, lines in sources("gateway"):
        if path.name == "routes.rs" or "routes" in path.parts:
            continue
        for number, line in enumerate(lines, 1):
            rule(not re.search(r"\.(route|route_service|nest|nest_service)\(", code(line)), 5,
                 f"{path}:{number}: a route outside of routes.rs: {line.strip()}")


def check_lints():
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    for family, lints in LINTS.items():
        for lint, level in lints.items():
            found = workspace.get("lints", {}).get(family, {}).get(lint)
            found = found["level"] if isinstance(found, dict) else found
            rule(found in (level, "forbid"), 4 if lint.startswith("wildcard") else 6,
                 f"Cargo.toml: workspace lint `{family}::{lint}` is `{found}`, not `{level}`")
    for crate in ARROWS:
        manifest = tomllib.loads((ROOT / "crates" / crate / "Cargo.toml").read_text())
        rule(manifest.get("lints", {}).get("workspace") is True, 6,
             f"crates/{crate}/Cargo.toml does not inherit the workspace's lints")
        for path, lines in sources(crate):
            for number, line in enumerate(lines, 1):
                tokens = "wildcard" in line and str(path) in EXCEPTIONS["wildcard_enum_match_arm"]
                rule(tokens or not SILENCED.search(code(line)), 4 if "wildcard" in line else 6,
                     f"{path}:{number}: silences a rule of the house: {line.strip()}")
                rule(crate == "ktrlplane" or not PRINTING.search(code(line)), 6,
                     f"{path}:{number}: a library prints: {line.strip()}")
                rule(crate == "ktrlplane" or str(path) in EXCEPTIONS["clock"] or not IMPURE.search(code(line)), 7,
                     f"{path}:{number}: takes time or randomness by itself: {line.strip()}")


def check_style():
    for path in sorted((ROOT / "crates").rglob("mod.rs")):
        rule("target" in path.parts, "style", f"{path.relative_to(ROOT)}: write foo.rs beside foo/, not mod.rs")
    for crate in ARROWS:
        for path, lines in sources(crate):
            rule(len(lines) <= LONGEST_FILE, "style",
                 f"{path} has {len(lines)} lines before its tests; split it before {LONGEST_FILE}")


def check_threats():
    """SECURITY.md names a test for every threat, and every test that it names exists."""
    rows = [line for line in (ROOT / "SECURITY.md").read_text().splitlines() if re.match(r"\| \d+ \|", line)]
    rule(len(rows) >= 25, "style", f"SECURITY.md: {len(rows)} threats of 25")
    tests = "\n".join(path.read_text() for path in (ROOT / "crates").rglob("*.rs"))
    for row in rows:
        named = re.findall(r"`([a-z0-9_]{12,})`", row.rsplit("|", 2)[1])
        rule(named, "style", f"SECURITY.md: no test holds threat {row.split('|')[1].strip()}")
        for name in named:
            rule(f"fn {name}(" in tests, "style", f"SECURITY.md: there is no test {name}")


def main():
    for check in (check_arrows, check_purity, check_proof_types, check_routes, check_lints, check_style, check_threats):
        check()
    for line in broken:
        print(line, file=sys.stderr)
    print(f"rules: {len(broken)} broken" if broken else "rules: all hold")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
