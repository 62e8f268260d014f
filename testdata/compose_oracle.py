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

from compose_oracle_canonical import Canonical, dump, pairs

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
