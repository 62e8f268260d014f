#!/usr/bin/env python3
"""Runs real implementations of Compose over the cases of testdata/compose/ and compares what they make of them.

    testdata/compose_oracle.py [--compose PATH] [--legacy PATH] [--podman PATH] [--write] [--record] [case …]

`--compose` is Compose 2 or later (`docker-compose`, the plugin's binary, which needs no daemon for `config`), `--legacy`
docker-compose 1.29, `--podman` podman-compose. What is not given is looked for in PATH and left out when not there.
`--write` fills the `effective` fences of cases from Compose 2, except where a case says `Differs:` or `Refused:`.
`--record` writes the differences and their reasons into testdata/compose/ORACLE.md. Words are parts of case names.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent / "compose"
HEADERS = ("Stack", "Absent", "Gaps", "Discovered", "Project", "Refused", "Differs")

# ---------------------------------------------------------------------------------------------------------------- cases


class Case:
    """One `##` section: files, the stack that it is about, and its effective model."""

    def __init__(self, path, name):
        self.path, self.name = path, name
        self.files, self.headers, self.effective = [], {}, None
        self.range = None  # Lines of the effective fence's content in the file.
        self.end = 0  # The line after the last fence.

    @property
    def topic(self):
        return self.path.stem

    @property
    def stack(self):
        """Its files in order: what `Stack:` says, else `compose.yaml` with `compose.override.yaml` where that is."""
        names = [name for name, _ in self.files]
        default = [name for name in ("compose.yaml", "compose.override.yaml") if name in names]
        return self.headers["Stack"].split() if "Stack" in self.headers else default


def read_cases(path):
    cases, name, fence = [], None, None
    lines = path.read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        bare = line.rstrip()
        if fence is not None:
            marker, language, start = fence
            if bare != marker:
                continue
            content, case = "".join(lines[start:number]), cases[-1]
            case.end = number + 1
            if language == "effective":
                case.effective, case.range = content, (start, number)
            else:
                case.files.append((name, content))
            fence, name = None, None
        elif bare.startswith("## "):
            cases.append(Case(path, bare[3:]))
        elif match := re.fullmatch(r"(`{3,})(\w*)", bare):
            fence = (match[1], match[2], number + 1)
        elif match := re.fullmatch(r"`([^`]+)`:", bare):
            name = match[1]
        elif cases and (match := re.fullmatch(r"(\w+): (.+)", bare)) and match[1] in HEADERS:
            cases[-1].headers[match[1]] = match[2]
    return cases


# ------------------------------------------------------------------------------------------------------- canonical form

PLAIN = re.compile(r"[A-Za-z0-9_./$~+](?:[A-Za-z0-9_./:@$%+,=~{}?()*-]| (?=[^ :-]))*")


def word(value):
    if value is None:
        return "null"
    if PLAIN.fullmatch(value) and not value.endswith(":") and ": " not in value and value not in ("null", "~"):
        return value
    return json.dumps(value, ensure_ascii=False)


def dump(value, indent=0):
    """Text of nested mappings, lists and strings; the test's dump writes the same."""
    out, pad = "", "  " * indent
    if isinstance(value, dict):
        for key in sorted(value):
            item = value[key]
            if isinstance(item, (dict, list)) and item:
                out += f"{pad}{word(key)}:\n{dump(item, indent + 1)}"
            else:
                out += f"{pad}{word(key)}: {'{}' if item == {} else '[]' if item == [] else word(item)}\n"
    else:
        for item in value:
            out += f"{pad}- {word(item)}\n"
    return out


SCALARS = """image user pid ipc uts userns_mode cgroup cgroup_parent network_mode restart runtime mem_limit mem_reservation
memswap_limit shm_size cpus cpu_quota pids_limit oom_score_adj container_name hostname working_dir stop_signal
stop_grace_period isolation platform pull_policy scale""".split()
SIZES = ("mem_limit", "mem_reservation", "memswap_limit", "shm_size")
BYTES = {"b": 1, "k": 2**10, "kb": 2**10, "m": 2**20, "mb": 2**20, "g": 2**30, "gb": 2**30}
BOOLEANS = "privileged use_api_socket read_only init oom_kill_disable tty stdin_open".split()
LISTS = "expose volumes_from group_add cap_add cap_drop security_opt device_cgroup_rules profiles dns".split()
MAPS = "environment labels annotations sysctls storage_opt credential_spec".split()


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return None if value is None else str(value)


def size(value):
    """A size in bytes."""
    match = re.fullmatch(r"([0-9.]+)([a-zA-Z]+)", str(value))
    if not match or match[2].lower() not in BYTES:
        return text(value)
    return str(int(float(match[1]) * BYTES[match[2].lower()]))


def pairs(value, separators="="):
    """A mapping of a list or a mapping."""
    if isinstance(value, dict):
        return {key: text(item) for key, item in value.items()}
    found = {}
    for item in value or []:
        place = min((at for at in (item.find(s) for s in separators) if at >= 0), default=None)
        found[item if place is None else item[:place]] = None if place is None else item[place + 1 :]
    return found


def listed(value):
    return [value] if isinstance(value, str) else value or []


class Canonical:
    """The canonical form of what `config` prints."""

    def __init__(self, root, home):
        self.root, self.home = str(root), str(home)

    def path(self, value):
        """A path of the host: relative to the repository, `~` for the home folder."""
        if not value or "://" in value or value.startswith(("~", "$")):
            return value
        if not value.startswith("/"):  # The older implementations leave it as it is written.
            value = os.path.normpath(os.path.join(self.root, value))
        if value == self.home or value.startswith(self.home + "/"):
            return "~" + value[len(self.home) :]
        relative = os.path.relpath(value, self.root)
        if relative == ".":
            return "."
        # More than two folders above the repository is no path that a case wrote relative.
        if relative.startswith("../../.."):
            return value
        return relative if relative.startswith("..") else "./" + relative

    def model(self, config):
        out = {}
        services = {name: self.service(service or {}) for name, service in (config.get("services") or {}).items()}
        if services:
            out["services"] = services
        used = {"networks": set(), "volumes": set(), "secrets": set(), "configs": set()}
        for service in services.values():
            used["networks"].update(service.get("networks", []))
            mounts = [mount.split(" ") for mount in service.get("volumes", [])]
            used["volumes"].update(mount[1] for mount in mounts if mount[0] == "volume")
            built = service.get("build", {}).get("secrets", [])
            used["secrets"].update(secret.split(" ")[0] for secret in [*service.get("secrets", []), *built])
            used["configs"].update(own.split(" ")[0] for own in service.get("configs", []))
        for kind, names in used.items():
            objects = {name: self.top(item or {}) for name, item in (config.get(kind) or {}).items() if name in names}
            if objects:
                out[kind] = objects
        return out

    def top(self, value):
        out = {}
        for key, item in value.items():
            if key in ("external", "internal"):
                if item:
                    out[key] = "true"
            elif key == "driver_opts":
                out[key] = pairs(item)
            elif key == "file":
                out[key] = self.path(item)
            elif key in ("driver", "environment", "content", "name"):
                out[key] = text(item)
            elif key not in ("ipam", "labels"):
                raise KeyError(f"the canonical form has no {key}")
        return out

    def service(self, service):
        out = {}
        for key, value in service.items():
            if key in SIZES:
                out[key] = size(value)
            elif key in SCALARS:
                out[key] = text(value)
            elif key in BOOLEANS:
                if value:
                    out[key] = "true"
            elif key in LISTS:
                out[key] = [text(item) for item in listed(value)]
            elif key in MAPS:
                out[key] = pairs(value)
            elif key in ("command", "entrypoint"):
                if value is not None:
                    out[key] = [text(item) for item in value] if isinstance(value, list) else [value]
            elif key == "build":
                out[key] = self.build(value)
            elif key == "ports":
                out[key] = [self.port(port) for port in value]
            elif key in ("volumes", "tmpfs"):
                mounts = [self.mount(mount) for mount in value] if key == "volumes" else map(tmpfs, listed(value))
                out.setdefault("mounts", {})[key] = list(mounts)
            elif key == "env_file":
                out[key] = [self.env_file(file) for file in listed(value)]
            elif key == "label_file":
                out[key] = [self.path(file) for file in listed(value)]
            elif key == "devices":
                out[key] = [device(item) for item in value]
            elif key == "healthcheck":
                out[key] = healthcheck(value)
            elif key == "deploy":
                out[key] = deploy(value)
            elif key == "logging":
                logging = {"driver": text(value.get("driver")), "options": pairs(value.get("options"))}
                out[key] = {name: item for name, item in logging.items() if item}
            elif key == "depends_on":
                value = value if isinstance(value, dict) else {name: {} for name in value}
                out[key] = {name: dependency(item) for name, item in value.items()}
            elif key in ("secrets", "configs"):
                out[key] = [reference(item, "/run/secrets/" if key == "secrets" else None) for item in value]
            elif key == "networks":
                value = value if isinstance(value, dict) else {name: None for name in value}
                out[key] = {name: list((item or {}).get("aliases") or []) for name, item in value.items()}
            elif key in ("links", "external_links"):
                out.setdefault("links", []).extend(value)
            elif key == "extra_hosts":
                out[key] = hosts(value)
            elif key == "ulimits":
                out[key] = {n: soft(limit) for n, limit in value.items()}
            elif key == "develop":
                out["watch"] = [
                    " ".join(filter(None, [item.get("action"), self.path(item.get("path")), item.get("target")]))
                    for item in value.get("watch", [])
                ]
            elif key in ("post_start", "pre_stop", "pre_start"):
                out.setdefault("hooks", []).extend(hook(key, item) for item in value)
            elif key == "provider":
                out[key] = value["type"]
            elif key.startswith("x-") or key in ("attach", "version", "extends"):
                continue
            else:
                raise KeyError(f"the canonical form has no {key}")
        mounts = out.pop("mounts", {})
        every = mounts.get("volumes", []) + mounts.get("tmpfs", [])
        out["volumes"] = sorted(every, key=lambda mount: mount.startswith("tmpfs "))
        empty = ("command", "entrypoint")
        return {key: value for key, value in out.items() if value or value is None or key in empty}

    def build(self, build):
        if isinstance(build, str):
            build = {"context": build}
        out = {}
        for key, value in build.items():
            if key == "context":
                out[key] = self.path(value)
            elif key in ("dockerfile", "dockerfile_inline", "target", "network", "isolation"):
                out[key] = text(value)
            elif key in ("privileged", "no_cache"):
                if value:
                    out[key] = "true"
            elif key in ("args", "labels"):
                out[key] = pairs(value)
            elif key == "additional_contexts":
                out[key] = {name: self.path(item) for name, item in pairs(value).items()}
            elif key == "secrets":
                out[key] = [reference(item, None) for item in value]
            elif key == "extra_hosts":
                out[key] = hosts(value)
            elif key == "ssh":
                out[key] = [item.split("=")[0] for item in listed(value)]
            else:
                out[key] = [text(item) for item in listed(value)]
        return {key: value for key, value in out.items() if value}

    def port(self, port):
        if isinstance(port, str):
            rest, _, protocol = port.partition("/")
            parts = rest.rsplit(":", 2)
            target = parts.pop()
            published = parts.pop() if parts else ""
            address = (parts.pop() if parts else "").strip("[]")
        else:
            target, published = text(port["target"]), text(port.get("published")) or ""
            address, protocol = port.get("host_ip", ""), port.get("protocol")
        return f"{address or '0.0.0.0'}:{published}:{target}/{protocol or 'tcp'}"

    def mount(self, mount):
        if isinstance(mount, str):
            parts = mount.split(":")
            source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
            kind = "bind" if source[:1] in (".", "/", "~") and source else "volume"
            read_only = len(parts) > 2 and "ro" in parts[2].split(",")
        else:
            kind, source, target = mount["type"], mount.get("source", ""), mount.get("target", "")
            read_only = mount.get("read_only", False)
        source = self.path(source) if kind == "bind" else source
        return " ".join(filter(None, [kind, source, target, "ro" if read_only else "rw"]))

    def env_file(self, file):
        if isinstance(file, str):
            return self.path(file)
        words = [self.path(file["path"])]
        if file.get("required") is False:
            words.append("optional")
        if file.get("format"):
            words.append(file["format"])
        return " ".join(words)


def tmpfs(value):
    target, _, options = value.partition(":")
    return f"tmpfs {target} {'ro' if 'ro' in options.split(',') else 'rw'}"


def device(value):
    if isinstance(value, str):
        value = dict(zip(("source", "target", "permissions"), value.split(":")))
    source = value["source"]
    return f"{source} {value.get('target') or source} {value.get('permissions') or 'rwm'}"


def healthcheck(value):
    out = {}
    for key in ("interval", "timeout", "retries", "start_period"):
        if value.get(key) is not None:
            out[key] = text(value[key])
    test = value.get("test")
    if test is not None:
        out["test"] = ["CMD-SHELL", test] if isinstance(test, str) else test
    if value.get("disable") or out.get("test", [])[:1] == ["NONE"]:
        out["disable"] = "true"
    return out


def deploy(value):
    out = {key: text(value[key]) for key in ("mode", "replicas") if value.get(key) is not None}
    resources = value.get("resources") or {}
    limits, reservations = resources.get("limits") or {}, resources.get("reservations") or {}
    out["limits"] = {key: size(limits[key]) for key in ("cpus", "memory", "pids") if limits.get(key) is not None}
    out["reservations"] = {"memory": size(reservations["memory"])} if reservations.get("memory") else {}
    out["labels"] = pairs(value.get("labels"))
    if "restart_policy" in value:
        out["restart_policy"] = text((value["restart_policy"] or {}).get("condition"))
    return {key: item for key, item in out.items() if item or key == "restart_policy"}


def dependency(value):
    words = [(value or {}).get("condition") or "service_started"]
    if (value or {}).get("required") is False:
        words.append("optional")
    if (value or {}).get("restart"):
        words.append("restart")
    return " ".join(words)


def reference(value, folder):
    if isinstance(value, str):
        value = {"source": value}
    target = value.get("target") or (folder and folder + value["source"])
    return " ".join(filter(None, [value["source"], target, text(value.get("mode"))]))


def hosts(value):
    if isinstance(value, dict):
        return sorted(f"{name}={address}" for name, item in value.items() for address in listed(item))
    return sorted(re.sub(r"^([^:=]*)[:=]", r"\1=", item, count=1) for item in value)


def soft(limit):
    # Zero is left out of what is printed.
    return text(limit.get("soft", limit.get("single", 0)) if isinstance(limit, dict) else limit)


def hook(event, value):
    command = value.get("command")
    words = [event, json.dumps(listed(command), ensure_ascii=False, separators=(",", ":"))]
    if value.get("user"):
        words.append(f"user={value['user']}")
    if value.get("privileged"):
        words.append("privileged")
    return " ".join(words)


# ---------------------------------------------------------------------------------------------------------- the programs


class Program:
    """An implementation of Compose."""

    def __init__(self, name, command, arguments, config):
        self.name, self.command, self.arguments, self.config = name, command, arguments, config

    def version(self):
        """What it says of itself; podman-compose asks Podman first, so that its package is asked."""
        if self.name == "podman":
            python = Path(self.command).with_name("python3")
            words = "import podman_compose; print('podman-compose', podman_compose.__version__)"
            command = [str(python) if python.exists() else sys.executable, "-c", words]
        else:
            command = [self.command, "version" if self.name == "compose" else "--version"]
        output = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
        return output.splitlines()[-1] if output else self.name

    def run(self, case):
        """The canonical text, or None and the error."""
        with tempfile.TemporaryDirectory() as folder:
            root, home = Path(folder).resolve() / "above" / "repository", Path(folder).resolve() / "home" / "user"
            root.mkdir(parents=True)
            home.mkdir(parents=True)
            for name, content in case.files:
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
            if self.name != "compose":
                # They look into the folders of images.
                for context in re.findall(r"^ +context: (\S+)$", case.effective or "", re.M):
                    (root / context).mkdir(parents=True, exist_ok=True)
            shim = Path(folder) / "podman"
            shim.write_text("#!/bin/sh\necho podman version 5.4.0\n")
            shim.chmod(0o755)
            found = case.headers.get("Discovered")
            files = [] if found else [word for file in case.stack for word in ("-f", file)]
            cwd = root if not found or found == "yes" else root / found
            project = ["--project-directory", case.headers["Project"]] if "Project" in case.headers else []
            command = [self.command, *self.arguments(shim, case), *project, *files, *self.config]
            environment = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(home)}

            def output(command):
                return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=15)

            try:
                done = output(command)
            except subprocess.TimeoutExpired:
                return None, "does not end"
            if done.returncode:
                lines = [line for line in done.stderr.replace(folder, "").splitlines() if line.strip()]
                lines = [line for line in lines if "level=warning" not in line]
                return None, " ".join(lines[-3:])[:300] or "no message"
            try:
                config = read_config(done.stdout)
                if self.name == "compose" and any(re.search("(env|label)_file:", content) for _, content in case.files):
                    unresolved(config, read_config(output([*command, "--no-interpolate"]).stdout), dict(case.files))
                return dump(Canonical(root, home).model(config)), done.stderr
            except Exception as error:  # What it prints may have any shape.
                return None, f"prints what is no model: {error!r}"


def unresolved(config, raw, files):
    """Puts `env_file` and `label_file` into a config, which has what is in those files instead.

    Compose prints them only where it replaces no variables either."""
    variables = pairs(files.get(".env", "").split())
    for name, service in config["services"].items():
        for key in ("env_file", "label_file", "environment", "labels"):
            service.pop(key, None)
            if key in (raw["services"][name] or {}):
                value = json.dumps(raw["services"][name][key])
                service[key] = json.loads(re.sub(r"\$\{(\w+)\}", lambda match: variables[match[1]], value))


def read_config(output):
    if output.lstrip().startswith("{"):
        return json.loads(output)
    import yaml  # The older implementations print YAML only.

    class Loader(yaml.SafeLoader):
        pass

    return yaml.load(output, Loader) or {}


def programs(options):
    def find(given, *names):
        return given or next(filter(None, map(shutil.which, names)), None)

    plugins = ("/usr/libexec/docker/cli-plugins/docker-compose", "/usr/lib/docker/cli-plugins/docker-compose")
    compose = find(options.compose, *plugins)
    legacy, podman = find(options.legacy, "docker-compose"), find(options.podman, "podman-compose")
    if legacy and b" 1." not in subprocess.run([legacy, "--version"], capture_output=True).stdout:
        compose, legacy = compose or legacy, None
    if options.write:
        legacy = podman = None
    def profiles(case):
        found = {word for _, content in case.files for word in re.findall(r"profiles: \[([^]]+)\]", content)}
        return [word for names in sorted(found) for name in names.split(", ") for word in ("--profile", name)]

    everything = ["config", "--format", "json", "--no-normalize", "--no-env-resolution"]
    found = []
    if compose:
        found.append(Program("compose", compose, lambda *_: ["--profile", "*"], everything))
    if legacy:
        found.append(Program("legacy", legacy, lambda _, case: profiles(case), ["config"]))
    if podman:
        found.append(Program("podman", podman, lambda shim, case: ["--podman-path", str(shim), *profiles(case)], ["config"]))
    return found


# ------------------------------------------------------------------------------------------------------------ comparing

def expected_text(effective):
    """What a program prints for an expectation: nothing for a variable without a value."""
    return re.sub(r"(?<!\$)((?:\$\$)*)\$(?:\{\w+\}|\w+)", r"\1", effective)


def normal(effective):
    """Without quotes and spaces at the ends of lines, which taking variables out changes."""
    lines = []
    for line in expected_text(effective).splitlines():
        head, colon, value = line.partition(": ")
        if value.startswith('"') and value.endswith('"') and len(value) > 1:
            line = f"{head}: {json.loads(value)}"
        elif line.lstrip().startswith('- "'):
            indent = line[: len(line) - len(line.lstrip())]
            line = f"{indent}- {json.loads(line.lstrip()[2:])}"
        lines.append(line.rstrip())
    return lines


def difference(expected, printed):
    """The lines of which one has more than the other, in the expectation's order."""
    wanted, got = normal(expected), normal(printed)
    if wanted == got:
        return []
    less, more = Counter(wanted) - Counter(got), Counter(got) - Counter(wanted)
    lines = [f"- {line.strip()}" for line in less.elements()] + [f"+ {line.strip()}" for line in more.elements()]
    return lines or ["the order of lines"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compose")
    parser.add_argument("--legacy")
    parser.add_argument("--podman")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("case", nargs="*")
    options = parser.parse_args()
    files = sorted(path for path in HERE.glob("*.md") if path.name != "ORACLE.md")
    cases = [case for path in files for case in read_cases(path)]
    if options.case:
        cases = [case for case in cases if any(part.lower() in case.name.lower() for part in options.case)]
    found = programs(options)
    if not found:
        sys.exit("no implementation of Compose was found")
    results = {}
    for case in cases:
        for program in found:
            results[case.name, program.name] = judge(case, *program.run(case))
    if options.write:
        for path in files:
            write(path, results)
    report(cases, found, results, options)
    if options.record:
        import compose_oracle_record

        unexplained = compose_oracle_record.write(HERE / "ORACLE.md", cases, found, results)
        if unexplained:
            sys.exit("no reason is known for: " + "; ".join(unexplained))
    wrong = [c.name for c in cases if "Differs" not in c.headers and results.get((c.name, "compose"), ("same",))[0] == "differs"]
    if wrong and not options.write:
        sys.exit(f"{len(wrong)} cases differ from Compose: {', '.join(wrong)}")


def judge(case, printed, error):
    """`same`, `differs` or `refuses`, with what it is about, and what was printed."""
    refused = case.headers.get("Refused")
    if printed is None:
        if refused and refused in error:
            return ("same", ["refuses it"], None)
        return ("differs" if refused is None or refused not in error else "refuses", [error], None)
    if refused:
        return ("differs", ["does not refuse it"], printed)
    lines = difference(case.effective or "", printed)
    return ("differs" if lines else "same", lines, printed)


def write(path, results):
    lines = path.read_text().splitlines(keepends=True)
    for case in reversed(read_cases(path)):
        _, _, printed = results.get((case.name, "compose"), (None, None, None))
        if printed is None or "Differs" in case.headers or "Refused" in case.headers:
            continue
        if case.range and not difference(case.effective, printed):
            continue
        if case.range:
            lines[case.range[0] : case.range[1]] = [printed]
        else:
            lines[case.end : case.end] = ["\n```effective\n", printed, "```\n"]
    path.write_text("".join(lines))


def report(cases, found, results, options):
    for case in cases:
        verdicts = [results[case.name, program.name] for program in found]
        print(f"{case.topic:14} {' '.join(f'{verdict[0]:8}' for verdict in verdicts)} {case.name}")
        for program, verdict in zip(found, verdicts):
            if verdict[0] != "same" and (options.verbose or program.name == "compose"):
                print("".join(f"    {program.name} {line}\n" for line in verdict[1]), end="")
    for program in found:
        count = Counter(results[case.name, program.name][0] for case in cases)
        print(f"{program.name}: {count['same']} of {len(cases)} the same, {len(cases) - count['same']} not")


if __name__ == "__main__":
    main()
