#!/usr/bin/env python3
"""What of deploy/ can be checked without a cluster and without a Docker daemon.

Each mistake is one line that says what is wrong and where. What was not checked, because its tool is not
there, is said at the end. `make deploy-check` runs it with everything that tests/deploy-tools lists; alone
it needs PyYAML and jsonschema, and uses helm, hadolint, systemd-analyze, the schemas of Kubernetes and of
Compose, and a built ktrlplane (`--binary FILE`) where they are. `--write-schema` writes the keys of docs/configuration.md into the chart's schema of values.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import jsonschema
    import yaml
except ImportError as missing:
    sys.exit(f"deploy-check: the Python package {missing.name} is missing: run `make deploy-check`, which "
             "installs it")
try:
    import kubernetes_validate
except ImportError:
    kubernetes_validate = None

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "ktrlplane"
COMPOSE = DEPLOY / "compose"

broken, skipped = [], []

# What the chart's `config` leaves out: secrets, which come by reference, the port, which is 8080, and
# what replicas cannot share.
NOT_IN_THE_CHART = re.compile(r".*\.(password|bearer_token)|database\.url|server\.port|embedded\..*")


def rule(holds, sentence):
    if not holds:
        broken.append(sentence)
    return bool(holds)


def relative(path):
    return path.relative_to(ROOT)


def run(*command, **options):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False, **options)


# What the product knows.

def keys():
    """Every key of the table in docs/configuration.md, and whether it may be a list."""
    found = {}
    for line in (ROOT / "docs/configuration.md").read_text().splitlines():
        row = re.match(r"\| `([a-z_.]+)` \| `KTRLPLANE_[A-Z_]+` \|(.*)", line)
        if row:
            found[row[1]] = "list" in row[2] and "commas" in row[2]
    # The table has the keys of one backend, and says that the other has them, too.
    loki = {key: many for key, many in found.items() if key.startswith("observability.loki.")}
    for key, many in loki.items():
        if key != "observability.loki.max_lines":
            found.setdefault(key.replace(".loki.", ".mimir."), many)
    rule(len(found) > 60, f"docs/configuration.md: {len(found)} keys were found in its table, and there are more")
    return found


KEYS = keys()
VARIABLES = {"KTRLPLANE_" + key.upper().replace(".", "_") for key in KEYS}


def is_secret(name):
    return bool(re.search(r"(PASSWORD|SECRET|(?<!USE_REFRESH_)TOKEN|SECRET_KEY)$", name))


def paths(tree, prefix=""):
    """The dotted paths of a configuration, with their values."""
    for name, value in (tree or {}).items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from paths(value, path + ".")
        else:
            yield path, value


def check_configuration(where, tree):
    for path, value in paths(tree):
        if not rule(path in KEYS, f"{where}: `{path}` is no key of the configuration (docs/configuration.md)"):
            continue
        rule(not re.search(r"\.(password|bearer_token)$", path),
             f"{where}: `{path}` is a secret, and must come by reference")
        rule(not re.search(r"://[^/\s]*@", str(value)), f"{where}: `{path}` has credentials in its URL")


def accepted(where, options, text, environment):
    """Whether the product itself takes this configuration."""
    if options.binary is None:
        return
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "config.yaml"
        file.write_text(text)
        result = run(options.binary, "config", "--config", file, cwd=directory, env=environment)
    rule(result.returncode == 0, f"{where}: ktrlplane does not take it: {result.stdout.strip()[-400:]}")


# Every file.

def load(path):
    try:
        return list(yaml.safe_load_all(path.read_text()))
    except yaml.YAMLError as error:
        rule(False, f"{relative(path)}: is no YAML: {' '.join(str(error).split())}")
        return None


def check_files():
    for path in sorted(DEPLOY.rglob("*")):
        if not path.is_file():
            continue
        text = path.read_text()
        for name in sorted(set(re.findall(r"\bKTRLPLANE_[A-Z_]+\b", text))):
            rule(name in VARIABLES or (path.name == "Dockerfile" and name == "KTRLPLANE_COMMIT"),  # the build's
                 f"{relative(path)}: `{name}` is no variable of the configuration")
        rule("BEGIN PRIVATE KEY" not in text and "BEGIN RSA" not in text, f"{relative(path)}: holds a private key")
        if path.suffix in (".yaml", ".yml") and "templates" not in path.parts:
            load(path)
        rule(path.name != ".env" or run("git", "check-ignore", path, cwd=ROOT).returncode == 0,
             f"{relative(path)}: would be committed, and is for secrets")


# The image.

def check_image():
    file = DEPLOY / "docker/Dockerfile"
    text = file.read_text()
    where = relative(file)
    for default in re.findall(r"^ARG \w+_IMAGE=(\S+)", text, re.M):
        rule(re.search(r":\d+\.\d+|@sha256:", default), f"{where}: base image `{default}` has no version")
    stages = re.split(r"^FROM ", text, flags=re.M)[1:]
    last = stages[-1]
    rule(last.startswith("scratch"), f"{where}: the last stage is not `scratch`")
    user = re.search(r"^USER (\d+):(\d+)$", last, re.M)
    rule(user and user[1] != "0", f"{where}: the last stage has no numeric USER that is not root")
    rule(re.search(r"^ENTRYPOINT \[", last, re.M), f"{where}: ENTRYPOINT is no list, and there is no shell for it")
    check = re.search(r"^HEALTHCHECK .*?CMD (\[.*?\])$", last, re.M | re.S)
    rule(check and json.loads(check[1])[1:] == ["health"] and f'ENTRYPOINT ["{json.loads(check[1])[0]}"]' in last,
         f"{where}: HEALTHCHECK does not ask the program itself, as a list: there is no shell for it")
    rule("ca-certificates.crt" in last, f"{where}: the last stage has no certificates of authorities")
    rule("--locked" in text and "npm ci" in text, f"{where}: dependencies are not those of the lock files")
    rule(not re.search(r"^(ENV|ARG) \w*(PASSWORD|SECRET|TOKEN)", text, re.M), f"{where}: a secret in ENV or ARG")
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    rule("*" in ignored, ".dockerignore: does not begin with nothing (`*`)")
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M):
        for name in source.split():
            rule((ROOT / name).exists(), f"{where}: COPY {name}: there is no such file")
            rule("!" + name.split("/")[0] in ignored, f"{where}: COPY {name}: .dockerignore keeps it away")
    tool("hadolint", "the Dockerfile was checked by rules of our own alone", lambda program: rule(
        (result := run(program, "--no-color", file)).returncode == 0, f"{where}: hadolint: {result.stdout.strip()}"))


def tool(name, lost, check, extra=()):
    program = shutil.which(name)
    if program is None:
        skipped.append(f"{name} is not installed: {lost}")
    else:
        check(program, *extra)


def vendored(package, name):
    """A file that comes with a Python package, where that is installed."""
    found = importlib.util.find_spec(package)
    file = found and Path(found.origin).parent / name
    return file if file and file.is_file() else None


# Compose.

def interpolated(text, values):
    """The file as Compose reads it, and every variable that it refuses to go without."""
    needed = set()

    def value(match):
        name, operator, rest = match[1], match[2], match[3]
        if operator == ":?":
            needed.add(name)
        return values.get(name) or (rest if operator == ":-" else "")

    return re.sub(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", value, text), needed


def check_compose(options):
    file = COMPOSE / "compose.yaml"
    text = file.read_text()
    where = relative(file)
    example = (COMPOSE / ".env.example").read_text()
    offered = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example, re.M))
    for name, given in offered.items():
        rule(not (is_secret(name) and given), f"{relative(COMPOSE)}/.env.example: `{name}` has a value, which people would keep")
    rendered, needed = interpolated(text, {name: "https://example.com/" for name in re.findall(r"^([A-Z_]+)=$", example, re.M)})
    for name in sorted(needed):
        rule(re.search(rf"^{name}=$", example, re.M), f"{relative(COMPOSE)}/.env.example: `{name}` is needed and not there, empty")
    for name in ("KTRLPLANE_AUTH_ISSUER", "KTRLPLANE_AUTH_AUDIENCE"):
        rule(name in needed, f"{where}: without `{name}` it is not refused")
    for name in re.findall(r"\$\{(\w+):-[^}]", text):
        rule(not is_secret(name), f"{where}: the secret `{name}` has a default")
    try:
        project = yaml.safe_load(rendered)
    except yaml.YAMLError as error:
        return rule(False, f"{where}: is no YAML once variables are put in: {error}")
    compose_schema = vendored("check_jsonschema", "builtin_schemas/vendor/compose-spec.json")
    if compose_schema:
        for error in jsonschema.Draft7Validator(json.loads(compose_schema.read_text())).iter_errors(project):
            rule(False, f"{where}: {error.json_path}: {error.message[:200]}")
    else:
        skipped.append("the schema of the Compose specification is not there: compose.yaml was checked by rules "
                       "of our own alone")
    skipped.append("there is no container daemon: no image was pulled, built or started")
    services, raw = project["services"], yaml.safe_load(text)["services"]
    for name, service in services.items():
        here = f"{where}: service `{name}`"
        rule(service.get("read_only") is True, f"{here}: the root is not read-only")
        rule(service.get("cap_drop") == ["ALL"], f"{here}: does not drop all capabilities")
        rule("no-new-privileges:true" in service.get("security_opt", []), f"{here}: no `no-new-privileges`")
        root = str(service.get("user", "0")).startswith("0")
        rule(not root or service.get("network_mode") == "none", f"{here}: is root, and on a network")
        rule("privileged" not in service and not service.get("pid"), f"{here}: has more rights than a container")
        rule(name == "ktrlplane" or re.search(r":\d+\.\d+|@sha256:", service["image"]), f"{here}: its image has no version")
        for port in service.get("ports", []):
            rule(str(port).startswith("127.0.0.1:") or name in ("ktrlplane", "grafana"), f"{here}: opens the port {port}")
            rule(":-127.0.0.1:" in str(raw[name]["ports"]), f"{here}: listens beyond loopback by default")
        for variable, given in (raw[name].get("environment") or {}).items():
            rule(not is_secret(variable) or re.fullmatch(r"\$\{\w+:\?.+\}", str(given)),
                 f"{here}: the secret `{variable}` is not by reference, with a sentence where it is missing")
            if variable.startswith("KTRLPLANE_"):
                rule(variable in VARIABLES, f"{here}: `{variable}` is no variable of the configuration")
        for volume in service.get("volumes", []):
            rule(volume.split(":")[0] in project["volumes"], f"{here}: the volume `{volume}` is not declared")
        for secret in service.get("secrets", []):
            rule(secret in project["secrets"], f"{here}: the secret `{secret}` is not declared")
            rule(f"/run/secrets/{secret}" in (service.get("environment") or {}).values(), f"{here}: nothing reads the secret `{secret}`")
        for config in service.get("configs", []):
            rule(config["source"] in project["configs"], f"{here}: the config `{config['source']}` is not declared")
        for other, how in (service.get("depends_on") or {}).items():
            if rule(other in services, f"{here}: waits for `{other}`, which is not there"):
                rule(how["condition"] != "service_healthy" or "healthcheck" in services[other],
                     f"{here}: waits for `{other}` to be healthy, which has no healthcheck")
    for name, config in project["configs"].items():
        rule((COMPOSE / config["file"]).is_file(), f"{where}: config `{name}`: there is no {config['file']}")
    for name, secret in project["secrets"].items():
        # Docker cannot copy what is no file into a root that is read-only.
        if rule(set(secret) == {"file"}, f"{where}: the secret `{name}` is no file"):
            rule(run("git", "check-ignore", COMPOSE / secret["file"], cwd=ROOT).returncode == 0,
                 f"{where}: the secret `{name}` would be committed")
    for name, variable in (("ktrlplane", "KTRLPLANE_DATABASE_PASSWORD_FILE"), ("postgres", "POSTGRES_PASSWORD_FILE")):
        rule(services[name]["environment"].get(variable, "").startswith("/run/secrets/"), f"{where}: `{name}` has its password from no secret")
    gateway = services["ktrlplane"]
    rule(gateway["healthcheck"]["test"] == ["CMD", "/usr/local/bin/ktrlplane", "health", *gateway["command"][1:]],
         f"{where}: the gateway's healthcheck does not ask by the configuration that it is started with")
    check_networks(where, project)
    check_backends()
    gateway = COMPOSE / "ktrlplane.yaml"
    tree = load(gateway)
    if tree:
        check_configuration(relative(gateway), tree[0])
        rule(tree[0]["observability"]["loki"].get("max_lines", 5000) <=
             load(COMPOSE / "loki.yaml")[0]["limits_config"]["max_entries_limit_per_query"],
             f"{relative(gateway)}: Loki allows fewer lines than `observability.loki.max_lines`")
        environment = {key: value for key, value in services["ktrlplane"]["environment"].items() if value}
        accepted(relative(gateway), options, gateway.read_text(), environment)
    return None


def check_networks(where, project):
    services = project["services"]
    members = {network: {name for name, service in services.items() if network in service.get("networks", [])}
               for network in project["networks"]}
    for network, backends in (("backends", {"loki", "mimir"}), ("database", {"postgres"})):
        rule((project["networks"].get(network) or {}).get("internal") is True, f"{where}: the network `{network}` is not internal")
        rule(members.get(network) == backends | {"ktrlplane"},
             f"{where}: on the network `{network}` is somebody besides the gateway and {sorted(backends)}: {sorted(members.get(network, ()))}")
    for name in ("loki", "mimir", "postgres"):
        rule(len(services[name].get("networks", [])) == 1, f"{where}: `{name}` is on another network, too")
        rule("ports" not in services[name], f"{where}: `{name}` opens a port")


def check_backends():
    loki, mimir = load(COMPOSE / "loki.yaml"), load(COMPOSE / "mimir.yaml")
    if loki:
        rule(loki[0].get("auth_enabled") is True, "deploy/compose/loki.yaml: `auth_enabled` is not true: all tenants would be one")
    if mimir:
        rule(mimir[0].get("multitenancy_enabled") is True,
             "deploy/compose/mimir.yaml: `multitenancy_enabled` is not true: all tenants would be one")
    for source in (load(COMPOSE / "grafana/datasources.yaml") or [{"datasources": []}])[0]["datasources"]:
        rule(source["url"].startswith("http://ktrlplane:8080/api/v1/projects/"),
             f"deploy/compose/grafana/datasources.yaml: `{source['name']}` does not ask the gateway")
        rule(source["jsonData"].get("oauthPassThru") is True,
             f"deploy/compose/grafana/datasources.yaml: `{source['name']}` does not pass the person's token on")


# The chart.

def configuration_schema():
    tree = {"type": "object", "additionalProperties": False, "properties": {}}
    scalar = {"type": ["string", "integer", "boolean"]}
    for key, many in KEYS.items():
        if NOT_IN_THE_CHART.fullmatch(key):
            continue
        *levels, name = key.split(".")
        place = tree
        for level in levels:
            place = place["properties"].setdefault(
                level, {"type": "object", "additionalProperties": False, "properties": {}})
        leaf = {"type": [*scalar["type"], "array"], "items": {"type": "string"}} if many else dict(scalar)
        if key == "server.tls.client_certificates":
            # The chart decides by it how pods are asked.
            leaf = {"enum": ["required", "optional"]}
        if key == "audit.output":
            leaf = {"enum": ["stdout", "off", ""]}
        if key.endswith((".url", ".urls", ".endpoint")):
            # A list of them may be one text with commas between.
            leaf["pattern"] = "^(https?://[^@]*)?$"
            if many:
                leaf["items"] = {"type": "string", "pattern": "^https?://[^@]*$"}
        place["properties"][name] = leaf
    return tree


def check_chart(options):
    schema_file = CHART / "values.schema.json"
    schema = json.loads(schema_file.read_text())
    if options.write_schema:
        schema["properties"]["config"] = configuration_schema()
        schema_file.write_text(json.dumps(schema, indent=2) + "\n")
    rule(schema["properties"]["config"] == configuration_schema(),
         f"{relative(schema_file)}: `config` has other keys than docs/configuration.md: python3 scripts/deploy-check.py --write-schema")
    try:
        jsonschema.Draft7Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return rule(False, f"{relative(schema_file)}: is no schema: {error.message}")
    check_texts(relative(schema_file), schema)
    rule(schema.get("additionalProperties") is False, f"{relative(schema_file)}: takes values that the chart does not know")
    validator = jsonschema.Draft7Validator(schema)
    values = {}
    for name in ("values.yaml", "ci/values.yaml", "ci/tls-values.yaml"):
        loaded = load(CHART / name)
        if loaded is None:
            return None
        values[name] = loaded[0]
        for error in validator.iter_errors(loaded[0]):
            rule(False, f"{relative(CHART / name)}: {error.json_path}: {error.message[:200]}")
        check_configuration(relative(CHART / name), loaded[0].get("config"))
    for given, why in (({"replicas": 2}, "an unknown value"), ({"config": {"server": {"prot": 1}}}, "a slip in a key"),
                       ({"config": {"database": {"password": "x"}}}, "a password in the ConfigMap"),
                       ({"config": {"observability": {"loki": {"url": "https://u:p@loki"}}}}, "credentials in a URL"),
                       ({"config": {"observability": {"loki": {"urls": "http://a,http://u:p@b"}}}}, "credentials in one of several URLs"),
                       ({"config": {"traces": {"endpoint": "http://u:p@collector"}}}, "credentials in a URL"),
                       ({"priorityClassName": "x\n      hostNetwork: true"}, "a line more than the template has")):
        rule(not validator.is_valid(given), f"{relative(schema_file)}: takes {why}: {json.dumps(given)}")
    defaults = values["values.yaml"]
    drain = int(str(defaults["config"]["server"]["drain"]).removesuffix("s"))
    rule(defaults["terminationGracePeriodSeconds"] >= drain + 30,
         f"{relative(CHART)}/values.yaml: terminationGracePeriodSeconds is shorter than server.drain and 30 s")
    text = "\n".join(path.read_text() for path in (CHART / "templates").iterdir())
    for top, inner in sorted(set(re.findall(r"\.Values\.(\w+)(?:\.(\w+))?", text))):
        known = schema["properties"].get(top)
        rule(known and (not inner or top == "config" or inner in known.get("properties", {})),
             f"{relative(CHART)}/templates: .Values.{top}{'.' + inner if inner else ''} is not in the schema")
    for name in schema["properties"]:
        rule(name == "global" or f".Values.{name}" in text, f"{relative(schema_file)}: no template uses `{name}`")
    accepted(f"{relative(CHART)}/ci/values.yaml", options,
             yaml.safe_dump(merged(defaults["config"], values["ci/values.yaml"]["config"])), {"KTRLPLANE_DATABASE_PASSWORD_FILE": "/etc/ktrlplane/database/password"})
    return tool("helm", "the chart's templates were not rendered; `config` was put together as Helm does it", helm, (options,))


def check_texts(where, schema, path=""):
    """What templates write as it is must not be able to add a line; the rest is written by `toYaml`."""
    if schema.get("type") == "string" and not path.startswith(("networkPolicy.", "tolerations[]")):
        rule("pattern" in schema or "enum" in schema, f"{where}: `{path}` takes any text")
    for name, inner in schema.get("properties", {}).items():
        if path or name != "config":
            check_texts(where, inner, f"{path}.{name}".lstrip("."))
    if isinstance(schema.get("items"), dict):
        check_texts(where, schema["items"], path + "[]")


def merged(defaults, given):
    both = dict(defaults)
    for key, value in given.items():
        both[key] = merged(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


# The least that the chart has to be told: everything else as it comes.
LEAST = {"image.repository": "registry.example.com/ktrlplane", "database.existingSecret": "ktrlplane",
         "database.urlKey": "url", "config.auth.issuer": "https://example.com/", "config.auth.audience": "https://api.example.com",
         "config.observability.loki.enabled": "true", "config.observability.loki.url": "http://loki:3100"}


def helm(program, options):
    full, least = ["--values", CHART / "ci/values.yaml"], [f"--set={key}={value}" for key, value in LEAST.items()]
    for given in (full, [*full, "--values", CHART / "ci/tls-values.yaml"], least):
        result = run(program, "lint", "--strict", CHART, *given)
        rule(result.returncode == 0, f"{relative(CHART)}: helm lint: {result.stdout.strip()[-600:]}")
        result = run(program, "template", "check", CHART, *given)
        if rule(result.returncode == 0, f"{relative(CHART)}: helm template: {result.stdout.strip()[-600:]}"):
            check_kinds(result.stdout)
            if given is not least:
                check_manifests(result.stdout, options)
    for key in LEAST:
        without = [word for word in least if not word.startswith(f"--set={key}=")]
        rule(run(program, "template", "check", CHART, *without).returncode != 0,
             f"{relative(CHART)}: is rendered without `{key}`")


def check_kinds(text):
    """Each manifest against Kubernetes's own schema, in the oldest version that the chart takes and the newest."""
    if kubernetes_validate is None:
        return skipped.append("the schemas of Kubernetes are not there: manifests were checked by rules of our own alone")
    oldest = re.search(r">=(\d+\.\d+)", load(CHART / "Chart.yaml")[0]["kubeVersion"])[1]
    for version in (oldest, kubernetes_validate.latest_version()):
        for each in filter(None, yaml.safe_load_all(text)):
            try:
                kubernetes_validate.validate(each, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                rule(False, f"{relative(CHART)}, rendered: {each['kind']}: Kubernetes {version}: {error.message[:200]}")
    return None


def check_manifests(text, options):
    manifests = {each["kind"]: each for each in yaml.safe_load_all(text) if each}
    where = f"{relative(CHART)}, rendered"
    for kind in ("Deployment", "Service", "ConfigMap", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy",
                 "HorizontalPodAutoscaler", "Ingress"):
        if not rule(kind in manifests, f"{where}: there is no {kind}"):
            return
    pod = manifests["Deployment"]["spec"]["template"]
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    rule("checksum/config" in pod["metadata"]["annotations"], f"{where}: a changed configuration takes no new pods")
    rule(spec["automountServiceAccountToken"] is False and
         manifests["ServiceAccount"]["automountServiceAccountToken"] is False, f"{where}: the pod gets a token of the cluster")
    rule(spec["enableServiceLinks"] is False, f"{where}: variables of Services could be taken for keys")
    rule(spec["securityContext"]["runAsNonRoot"] is True and
         spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", f"{where}: the pod is not restricted")
    security = container["securityContext"]
    rule(security["readOnlyRootFilesystem"] is True and security["allowPrivilegeEscalation"] is False and
         security["capabilities"]["drop"] == ["ALL"], f"{where}: the container is not restricted")
    check_probes(where, container, yaml.safe_load(manifests["ConfigMap"]["data"]["config.yaml"]))
    for variable in container["env"]:
        rule(variable["name"] in VARIABLES, f"{where}: `{variable['name']}` is no variable of the configuration")
        rule(not is_secret(variable["name"]) or "secretKeyRef" in variable.get("valueFrom", {}),
             f"{where}: the secret `{variable['name']}` is not by reference")
    rule("Secret" not in manifests, f"{where}: the chart makes a Secret")
    paths_of_secrets = {mount["mountPath"] for mount in container["volumeMounts"]}
    password = next((variable["value"] for variable in container["env"] if variable["name"] == "KTRLPLANE_DATABASE_PASSWORD_FILE"), "")
    rule(password.rpartition("/")[0] in paths_of_secrets, f"{where}: the file with the database's password is not mounted: {password}")
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    rule(mounts == {volume["name"] for volume in spec["volumes"]}, f"{where}: volumes and mounts differ")
    selector = manifests["Deployment"]["spec"]["selector"]["matchLabels"]
    for kind, found in (("Service", manifests["Service"]["spec"]["selector"]),
                        ("PodDisruptionBudget", manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]),
                        ("NetworkPolicy", manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"])):
        rule(found == selector, f"{where}: the {kind} selects other pods than the Deployment makes")
    rule(set(manifests["NetworkPolicy"]["spec"]["policyTypes"]) == {"Ingress", "Egress"}, f"{where}: the NetworkPolicy is for one way alone")
    rule(selector.items() <= pod["metadata"]["labels"].items(), f"{where}: the Deployment does not select its own pods")
    configuration = manifests["ConfigMap"]["data"]["config.yaml"]
    check_configuration(where, yaml.safe_load(configuration))
    accepted(where, options, configuration, {"KTRLPLANE_DATABASE_PASSWORD_FILE": "/etc/ktrlplane/database/password"})


def check_probes(where, container, configuration):
    """The kubelet speaks TLS without looking at certificates, and has none that it could show."""
    tls = (configuration.get("server") or {}).get("tls") or {}
    demands = "client_ca" in tls and tls.get("client_certificates") != "optional"
    for name, path in (("startup", "/livez"), ("liveness", "/livez"), ("readiness", "/readyz")):
        probe, here = container[f"{name}Probe"], f"{where}: {name}Probe"
        if not demands:
            scheme = "HTTPS" if "certificate" in tls else None
            rule(probe.get("httpGet") == {"path": path, "port": "http"} | ({"scheme": scheme} if scheme else {}),
                 f"{here}: does not ask {path}{' over HTTPS' if scheme else ''}")
        elif "exec" in probe:
            command = probe["exec"]["command"]
            rule(command[:2] == ["/usr/local/bin/ktrlplane", "health"] and f"--config={container['args'][-1]}" in command,
                 f"{here}: does not ask by the configuration that the gateway is started with")
            for file in (word.partition("=")[2] for word in command if word.startswith(("--cert=", "--key="))):
                rule(any(file.startswith(mount["mountPath"] + "/") for mount in container["volumeMounts"]), f"{here}: {file} is not mounted")
            rule(probe["timeoutSeconds"] > 3, f"{here}: is shorter than what it asks")
        else:
            rule(probe.get("tcpSocket") == {"port": "http"}, f"{here}: the kubelet has no certificate, and callers need one")
    rule(not demands or "tcpSocket" in container["livenessProbe"], f"{where}: a certificate that cannot be used has the pod killed")


# The unit.

def check_unit(options):
    file = DEPLOY / "systemd/ktrlplane.service"
    text = file.read_text()
    where = relative(file)
    unit = dict(re.findall(r"^(\w+)=(.*)$", text, re.M))
    for key, value in (("DynamicUser", "yes"), ("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"),
                       ("MemoryDenyWriteExecute", "yes"), ("CapabilityBoundingSet", ""), ("AmbientCapabilities", "")):
        rule(unit.get(key) == value, f"{where}: `{key}` is not `{value}`")
    rule("SystemCallFilter=@system-service" in text, f"{where}: no list of system calls")
    rule(int(unit.get("LimitNOFILE", 0)) >= 2 * 16384 + 320, f"{where}: LimitNOFILE is too low for 16,384 connections")
    rule(int(unit.get("TimeoutStopSec", "0s").removesuffix("s")) >= 30, f"{where}: TimeoutStopSec is shorter than a stop may take")
    rule(not re.search(r"^Environment=.*(PASSWORD|TOKEN|SECRET)", text, re.M), f"{where}: a secret in Environment=")
    rule("-HUP $MAINPID" in unit.get("ExecReload", ""), f"{where}: a reload does not send SIGHUP")
    example = DEPLOY / "systemd/ktrlplane.env.example"
    for name, given in re.findall(r"^#?(\w+)=(.*)$", example.read_text(), re.M):
        rule(not is_secret(name) or not given, f"{relative(example)}: `{name}` has a value, which people would keep")
    configuration = DEPLOY / "systemd/config.yaml"
    tree = load(configuration)
    if tree:
        check_configuration(relative(configuration), tree[0])
        state, logs = f"/var/lib/{unit.get('StateDirectory')}/", f"/var/log/{unit.get('LogsDirectory')}/"
        values = dict(paths(tree[0]))
        for key, below in (("embedded.directory", state), ("database.url", "sqlite:" + state), ("audit.output", logs)):
            rule(str(values.get(key)).startswith(below), f"{relative(configuration)}: `{key}` is not below {below}, where the unit may write")
        accepted(relative(configuration), options, configuration.read_text(),
                 {"KTRLPLANE_AUTH_ISSUER": "https://example.com/", "KTRLPLANE_AUTH_AUDIENCE": "https://api.example.com"})
    tool("systemd-analyze", "the unit was not verified", analyze, (text,))


def analyze(program, text):
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "ktrlplane.service"
        # `verify` wants a program that is there; the real one need not be installed here.
        file.write_text(text.replace("/usr/local/bin/ktrlplane", "/bin/true"))
        verified = run(program, "verify", "--man=no", file)
        rule(verified.returncode == 0 and "ktrlplane.service" not in verified.stdout,
             f"deploy/systemd/ktrlplane.service: systemd-analyze verify: {verified.stdout.strip()}")
        exposed = run(program, "security", "--offline=yes", "--threshold=20", "--no-pager", file)
        level = exposed.stdout.strip().splitlines()[-1:] or ["no answer"]
        if "unrecognized option" in exposed.stdout:
            skipped.append("this systemd-analyze has no `security --offline`: the unit's exposure was not measured")
        else:
            rule(exposed.returncode == 0, f"deploy/systemd/ktrlplane.service: {level[0].strip()}; 2.0 is the most")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=os.environ.get("KTRLPLANE_BINARY"), help="a built ktrlplane, which has to take each configuration")
    parser.add_argument("--write-schema", action="store_true", help="write the keys of the configuration into the chart's schema")
    options = parser.parse_args()
    if options.binary is None:
        skipped.append("no built ktrlplane was named (--binary): whether it takes these configurations was not tried")
    check_files()
    check_image()
    check_compose(options)
    check_chart(options)
    check_unit(options)
    for line in skipped:
        print(f"not checked: {line}")
    for line in broken:
        print(line, file=sys.stderr)
    print(f"deploy-check: {len(broken)} mistakes" if broken else "deploy-check: nothing is wrong")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
