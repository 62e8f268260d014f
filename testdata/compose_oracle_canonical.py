"""The canonical form of what implementations of Compose print; the test of the cases writes the same of its models."""

import json
import os
import re

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
