#!/usr/bin/env python3
"""The licences of every crate that is linked into the binary, which have to go along with it. The same
sources give the same bytes.

    scripts/notices.py --target x86_64-unknown-linux-musl --output THIRD-PARTY-NOTICES.txt

The Explore page carries those of its own packages.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from sbom import cargo, linked

ROOT = Path(__file__).resolve().parent.parent
TEXT = re.compile(r"(?i)^(licen[cs]e|copying|copyright|notice|unlicense)([-._].*)?$")


def texts(directory):
    """What a crate says of its licence: files of its root, and of a directory for them."""
    found = {}
    for place in (directory, directory / "LICENSES", directory / "licenses"):
        for file in sorted(place.iterdir()) if place.is_dir() else ():
            if file.is_file() and (TEXT.match(file.name) or place is not directory):
                text = file.read_text(errors="replace").replace("\r\n", "\n").strip()
                found.setdefault(text, None)
    return list(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--target", required=True, help="the target triple that is built")
    parser.add_argument("--output", type=Path, help="the file; without it, standard output")
    arguments = parser.parse_args()

    metadata = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", arguments.target))
    wanted = linked(arguments.target)
    users, without = {}, []
    for each in metadata["packages"]:
        if (each["name"], each["version"]) not in wanted or each["source"] is None:
            continue
        name = f"{each['name']} {each['version']} ({each['license']})"
        own = texts(Path(each["manifest_path"]).parent)
        if not own:
            without.append(f"{name}, by {', '.join(each['authors']) or 'its authors'}: {each['repository']}")
        for text in own:
            users.setdefault(text, set()).add(name)

    lines = ["ktrlplane has the following crates in it, under the licences that follow their names.", ""]
    for text, names in sorted(users.items(), key=lambda item: sorted(item[1])):
        lines += ["=" * 100, *sorted(names), "-" * 100, text, ""]
    if without:
        lines += ["=" * 100, "These carry no text of their licence. That of Apache-2.0 is above and in LICENSE, "
                  "that of MIT above.", *sorted(without), ""]
    text = "\n".join(lines)
    if arguments.output:
        arguments.output.write_text(text)
        print(f"{arguments.output}: {len(users)} texts, {len(without)} crates without one", file=sys.stderr)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
