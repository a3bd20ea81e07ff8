# Sourced by the scripts that run what is written in Python.

# Gives tests/NAME an environment of its own with the packages in the versions that its list names;
# again only when that list has changed. Fails where it cannot.
python_package() {
    home=tests/$1
    if ! cmp -s "$home/requirements.txt" "$home/.venv/.installed-requirements.txt"; then
        if command -v python3 >/dev/null; then
            echo "Installing the Python package $1"
            { rm -rf "$home/.venv" && python3 -m venv "$home/.venv" &&
                "$home/.venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
                    --only-binary :all: -r "$home/requirements.txt" &&
                cp "$home/requirements.txt" "$home/.venv/.installed-requirements.txt"
            } >&2 </dev/null
        fi
    fi
    [ -e "$home/.venv/.installed-requirements.txt" ]
}
