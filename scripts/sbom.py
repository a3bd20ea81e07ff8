#!/usr/bin/env python3
"""The bill of materials of a release, in CycloneDX 1.6: every crate that is linked into the binary, and
every npm package whose code is in the Explore page. The same sources give the same bytes.

    scripts/sbom.py --target x86_64-unknown-linux-musl --output ktrlplane.cdx.json

The list is cargo's own for that target and nothing but the normal dependencies; versions, licences and
hashes are those of the lock files.
"""

import argparse
import base64
import binascii
import datetime
import json
import os
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562: names that are URLs
PACKAGE = "ktrlplane"


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments, "--locked"], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def linked(target):
    """Name and version of what is linked, our own crates included."""
    tree = cargo("tree", "--package", PACKAGE, "--edges", "normal", "--target", target,
                 "--prefix", "none", "--format", "{p}")
    # A line is `name v1.2.3`, and more for what has a path or was listed before.
    lines = (line.split() for line in tree.splitlines() if line.strip())
    return {(name, version.removeprefix("v")) for name, version, *_ in lines}


def crates(target):
    """A component for each crate, and what each depends on."""
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", target))
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(each["name"], each["version"]): each.get("checksum") for each in lock["package"]}
    wanted = linked(target)
    packages = {each["id"]: each for each in metadata["packages"]
                if (each["name"], each["version"]) in wanted}
    reference = {key: f"pkg:cargo/{each['name']}@{each['version']}" for key, each in packages.items()}
    components = []
    for key, each in packages.items():
        checksum = checksums[each["name"], each["version"]]
        component = {
            "type": "library",
            "bom-ref": reference[key],
            "name": each["name"],
            "version": each["version"],
            "purl": reference[key],
        }
        if each["license"]:
            # Cargo once took a slash for OR.
            component["licenses"] = [{"expression": each["license"].replace("/", " OR ")}]
        if checksum:
            component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if each["repository"]:
            component["externalReferences"] = [{"type": "vcs", "url": each["repository"]}]
        components.append(component)
    needs = {
        reference[node["id"]]: sorted(
            reference[dep["pkg"]] for dep in node["deps"] if dep["pkg"] in reference
            and any(kind["kind"] is None for kind in dep["dep_kinds"]))
        for node in metadata["resolve"]["nodes"] if node["id"] in reference
    }
    return components, needs


def bundled():
    """A component for each npm package that is not only a tool."""
    lock = json.loads((ROOT / "web/package-lock.json").read_text())
    components = []
    for path, each in lock["packages"].items():
        if not path or each.get("dev") or each.get("devOptional"):
            continue
        name = path.rpartition("node_modules/")[2]
        algorithm, _, digest = each["integrity"].partition("-")
        purl = f"pkg:npm/{name.replace('@', '%40')}@{each['version']}"
        components.append({
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": each["version"],
            "purl": purl,
            "licenses": [{"expression": each["license"]}],
            "hashes": [{"alg": algorithm.upper().replace("SHA", "SHA-"),
                        "content": binascii.hexlify(base64.b64decode(digest)).decode()}],
        })
    return components


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--target", required=True, help="the target triple that is built")
    parser.add_argument("--output", type=Path, help="the file; without it, standard output")
    arguments = parser.parse_args()

    components, needs = crates(arguments.target)
    page = bundled()
    own = next(each for each in components if each["name"] == PACKAGE)
    components = [each for each in components if each is not own] + page
    components.sort(key=lambda each: each["bom-ref"])
    needs[own["bom-ref"]] = sorted(needs[own["bom-ref"]] + [each["bom-ref"] for each in page])
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    written = datetime.datetime.fromtimestamp(epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {
        "metadata": {"timestamp": written, "component": own | {"type": "application"}},
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": on} for ref, on in sorted(needs.items())],
    }
    serial = uuid.uuid5(NAMESPACE, json.dumps(body, sort_keys=True))
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
    } | body
    text = json.dumps(bom, indent=2) + "\n"
    if arguments.output:
        arguments.output.write_text(text)
        print(f"{arguments.output}: {len(components)} components", file=sys.stderr)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
