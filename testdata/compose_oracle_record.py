"""Writes where implementations of Compose differ from the cases, and why, into testdata/compose/ORACLE.md."""

import re
from collections import Counter

INTRODUCTION = """# The cases against the programs

Written by `testdata/compose_oracle.py --record`; not by hand. The cases follow compose-go, the loader of `docker compose`:
its output is what the `effective` fences hold, and where a case differs from it the case says so. The two older
implementations show which of its rules are its own.

Compose 2 is Debian's package `docker-compose` (2.40.3 or later, in testing and unstable; the version of bookworm is
docker-compose 1.29, a program in Python), podman-compose is PyPI's. None of them needs a daemon to print a model.
"""

# Reason and what it is recognised by: the line `case | what differs`.
LEGACY = [
    ("It has no `include`.", r"'include' does not match"),
    ("It does not know the tags `!reset` and `!override`.", r"for the tag '!(reset|override)'"),
    (
        "It looks for docker-compose.yml before compose.yml and compose.yaml, and refuses two override files.",
        r"is read before|A base that loses|Multiple override files",
    ),
    (
        "It puts what the files of `env_file` hold into the environment and does not print the list.",
        r"\+ environment:",
    ),
    (
        "Its schema lacks the key or the spelling, which is newer.",
        r"nsupported (config )?option|does not match any of the regexes|invalid type, it should be a (string|boolean)"
        r"|should be an object|which is an invalid type",
    ),
    ("It refuses a null where compose-go takes it for nothing.", r"A null (leaves|takes)"),
    ("It prints commands that are written as one string so; compose-go splits them into words.", r"- - (gunicorn|serve)"),
    ("It prints commands that are written as one string so; compose-go splits them into words.", r"- - /two\.sh"),
    (
        "Its parser of `.env` replaces variables in single quotes too, takes no colon for `=`, and does not know the "
        "escape `\\$` or a line that it cannot read.",
        r"(A colon instead|Values of earlier lines|Escapes in double|A name without a value is not set"
        r"|Lines that cannot|A value of another variable)",
    ),
    ("It has no `${NAME:+other}` and refuses `$1`.", r"Invalid interpolation format"),
    (
        "It sorts lists that it has made unique, or puts later ones first; compose-go leaves each item where it stands.",
        r"the order of lines",
    ),
    (
        "It compares ports, volumes, name servers and temporary file systems as text, or not at all.",
        r"\+ - (0\.0\.0\.0|1\.1\.1\.1|tmpfs)|Duplicate mount points|Named volume|at one target are refused"
        r"|file system with other options",
    ),
    ("It has no rule that the options must differ.", r"security option that both"),
    ("It reads the profile to pass its content on, and the case has none.", r"Error reading seccomp"),
    ("It splits hosts at `:` only.", r"host, ip = extra_hosts_line"),
    ("It extends services after the files are merged, and refuses some that are shared.", r"verlay cannot extend|cannot be extended"),
    ("It prints a healthcheck that is off as `NONE`, and refuses `disable` beside other keys.", r"\+ - NONE|invalid healthcheck"),
    ("It prints the list of groups elsewhere, and services of `volumes_from` with a prefix.", r"\+ - service:one:rw"),
    ("It replaces networks and volumes of the top level whole; compose-go merges them by key.", r"Networks and volumes of the top"),
    ("A file without services counts as one of version 1.", r"Version mismatch"),
    ("It reads the first document of a file only.", r"found another document"),
    (
        "Numbers are converted as YAML 1.1 has them; the cases keep how they are written.",
        r"(A number of another|A fraction loses)",
    ),
    ("Its reader of YAML takes the last of two equal keys.", r"A key that is there twice"),
    ("It gives an empty build argument for one that is not set.", r"([- ]|: )(VERSION|C): null"),
]
PODMAN = [
    ("Its `config` prints services before what they extend is put below them, and follows some not at all.", r"@extends"),
    ("It looks for other names first, reads no `COMPOSE_FILE` in `.env`, and needs no project folder.", r"@discovery"),
    (
        "Included files keep neither their folder nor their `.env`, and files that include each other never end.",
        r"@include",
    ),
    ("It reads files with variables as python-dotenv does.", r"@dotenv"),
    ("It prints paths and lists of `env_file` as they are written, and reads the files at once.", r"@env-file"),
    ("Its merge refuses a list and a mapping, or a string and a list, of the same key.", r"rec_merge_one"),
    ("It knows `!reset` and `!override` at few places.", r"@reset"),
    ("It appends what compose-go makes unique.", r"\| (\+ - [^|]*; ?)*\+ - [^|;]*$|A later volume replaces|merge by their|of the long form|Another file system"),
    ("It replaces variables in another way: keys too, none for `$$`, and words of a command before it is split.", r"@interpolation"),
    ("It does not split ranges of ports, nor read ports that are numbers.", r"range|not subscriptable|IPv6"),
    ("It refuses what the short or long form of a mount may leave out.", r"parse_short_mount|KeyError: 'source'"),
    ("It does not refuse what Compose's schema refuses.", r"does not refuse it"),
    ("Options of the logging driver before it stay.", r"Logging is replaced"),
    ("It rewrites security options.", r"seccomp=unconfined"),
    ("It refuses a service without a value, and a second document.", r"NoneType|found another document"),
    ("It reads YAML 1.1: numbers and words such as `yes` are converted.", r"@yaml"),
    ("It prints keys that are false or in another unit.", r"\+ read_only|mem_limit|shm_size"),
]


def reason_of(program, case, lines):
    line = f"@{case.topic} {case.name} | {'; '.join(lines)}"
    for reason, pattern in {"legacy": LEGACY, "podman": PODMAN}[program]:
        if re.search(pattern, line):
            return reason
    return None


def write(path, cases, programs, results):
    """Writes the file; the cases for whose difference no reason is known."""
    out, unexplained = [INTRODUCTION], []
    out.append("| program | the same | differ |\n| --- | ---: | ---: |")
    for program in programs:
        count = Counter(results[case.name, program.name][0] for case in cases)
        out[-1] += f"\n| {program.version()} | {count['same']} | {len(cases) - count['same']} |"
    for program in programs:
        different = [case for case in cases if results[case.name, program.name][0] != "same"]
        out.append(f"\n## {program.version()}\n")
        if program.name == "compose":
            for case in different:
                _, lines, _ = results[case.name, program.name]
                out.append(f"- {case.topic}: **{case.name}**: {case.headers.get('Differs', 'no reason')}\n")
                out.append("  ```diff\n" + "".join(f"  {line}\n" for line in lines) + "  ```\n")
                if "Differs" not in case.headers:
                    unexplained.append(f"{program.name}: {case.name}")
            continue
        reasons = {}
        for case in different:
            verdict, lines, _ = results[case.name, program.name]
            if verdict == "refuses":
                reason = "It refuses the files too, in other words."
            elif lines == results.get((case.name, "compose"), (None, None, None))[1]:
                reason = "It prints what Compose 2 prints, see there."
            else:
                reason = reason_of(program.name, case, lines)
            if reason is None:
                unexplained.append(f"{program.name}: {case.name}")
            reasons.setdefault(reason or "No reason is known.", []).append(case)
        for reason, found in sorted(reasons.items(), key=lambda item: -len(item[1])):
            out.append(f"- {reason} ({len(found)})")
            out.extend(f"  - {case.topic}: {case.name}" for case in found)
    path.write_text("\n".join(out).rstrip("\n") + "\n")
    return unexplained
