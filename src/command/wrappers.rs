//! Programs that start the program named in their arguments, and where in them it stands (from their manuals).

/// A program that starts another one.
pub(super) struct Wrapper {
    /// Base name.
    pub name: &'static str,
    /// The subcommand that starts a program (`run` in `uv run`).
    pub subcommand: Option<&'static str>,
    /// Flags whose next word is their value.
    pub with_value: &'static [&'static str],
    /// Words before the program that are no flags.
    pub operands: usize,
    /// The program comes behind `--` and nowhere else.
    pub dashes: bool,
    /// Where the account is named that it switches to.
    pub account: Account,
}

/// Where a privilege-drop tool is told the account.
pub(super) enum Account {
    /// It drops nothing.
    None,
    /// The first operand.
    Operand,
    /// The value of one of these flags.
    Flags(&'static [&'static str]),
}

const fn plain(name: &'static str, with_value: &'static [&'static str]) -> Wrapper {
    Wrapper { name, subcommand: None, with_value, operands: 0, dashes: false, account: Account::None }
}

const fn operands(name: &'static str, operands: usize, with_value: &'static [&'static str]) -> Wrapper {
    Wrapper { operands, ..plain(name, with_value) }
}

const fn dashes(name: &'static str) -> Wrapper {
    Wrapper { dashes: true, ..plain(name, &[]) }
}

const fn sub(name: &'static str, subcommand: &'static str, with_value: &'static [&'static str]) -> Wrapper {
    Wrapper { subcommand: Some(subcommand), ..plain(name, with_value) }
}

const fn sub_dashes(name: &'static str, subcommand: &'static str) -> Wrapper {
    Wrapper { subcommand: Some(subcommand), ..dashes(name) }
}

const fn drop_operand(name: &'static str, with_value: &'static [&'static str]) -> Wrapper {
    Wrapper { operands: 1, account: Account::Operand, ..plain(name, with_value) }
}

const fn drop_flag(name: &'static str, flags: &'static [&'static str], with_value: &'static [&'static str]) -> Wrapper {
    Wrapper { account: Account::Flags(flags), ..plain(name, with_value) }
}

const UV: &[&str] = &[
    "--with",
    "--with-editable",
    "--with-requirements",
    "--extra",
    "--no-extra",
    "--group",
    "--no-group",
    "--only-group",
    "-p",
    "--python",
    "--package",
    "--env-file",
    "--project",
    "--directory",
    "--index-url",
    "--default-index",
    "--index",
    "--from",
    "--config-file",
    "--cache-dir",
    "--color",
    "-w",
    "-i",
    "-f",
    "--find-links",
];
const CONDA: &[&str] = &["-n", "--name", "-p", "--prefix", "--cwd"];
const NODE: &[&str] = &["-p", "--package", "-w", "--workspace", "-C", "--dir", "--filter", "-F", "--prefix", "--cwd"];

/// Flags of `concurrently` whose next word is their value.
pub(super) const CONCURRENTLY: &[&str] = &[
    "-n",
    "--names",
    "-c",
    "--prefix-colors",
    "-p",
    "--prefix",
    "-m",
    "--max-processes",
    "-s",
    "--success",
    "-t",
    "--timestamp-format",
    "--restart-tries",
    "--restart-after",
];

/// The wrappers that the table describes in full; those with rules of their own are in `peel`.
pub(super) const WRAPPERS: &[Wrapper] = &[
    plain("nice", &["-n", "--adjustment"]),
    plain("ionice", &["-c", "-n", "--class", "--classdata"]),
    plain("nohup", &[]),
    plain("setsid", &[]),
    plain("time", &["-f", "-o", "--format", "--output"]),
    plain("stdbuf", &["-i", "-o", "-e", "--input", "--output", "--error"]),
    plain("unbuffer", &[]),
    operands("timeout", 1, &["-s", "-k", "--signal", "--kill-after"]),
    operands("chrt", 1, &["-T", "-P", "-D"]),
    operands("taskset", 1, &[]),
    plain("numactl", &["-i", "-N", "-m", "-C", "-p"]),
    Wrapper { operands: 1, ..drop_flag("chroot", &["--userspec"], &["--userspec", "--groups"]) },
    plain("unshare", &["-S", "-G", "-R", "-w"]),
    operands("faketime", 1, &["-f"]),
    plain("eatmydata", &[]),
    plain("fakeroot", &["-l", "-s", "-i"]),
    plain("proxychains", &["-f"]),
    plain("proxychains4", &["-f"]),
    plain("torsocks", &["-u", "-p", "-a", "-P"]),
    plain("catchsegv", &[]),
    plain("busybox", &[]),
    plain("tini", &["-p", "-e"]),
    plain("tini-static", &["-p", "-e"]),
    plain("docker-init", &["-p", "-e"]),
    plain("dumb-init", &["-r", "--rewrite"]),
    plain("catatonit", &[]),
    plain("my_init", &["--kill-all-on-exit-timeout"]),
    plain("with-contenv", &[]),
    dashes("wait-for-it.sh"),
    dashes("wait-for-it"),
    dashes("wait-for.sh"),
    dashes("wait-for"),
    dashes("wait4x"),
    dashes("dotenv"),
    plain(
        "dockerize",
        &[
            "-wait",
            "-timeout",
            "-template",
            "-stdout",
            "-stderr",
            "-poll-interval",
            "-wait-http-header",
            "-wait-retry-interval",
            "-env",
            "-env-section",
            "-env-header",
            "-delims",
            "-exit-code",
        ],
    ),
    drop_operand("gosu", &[]),
    drop_operand("su-exec", &[]),
    drop_operand("s6-setuidgid", &[]),
    drop_operand("setuidgid", &[]),
    drop_operand("setuser", &[]),
    drop_flag("s6-applyuidgid", &["-u"], &["-u", "-g", "-G"]),
    operands("s6-envuidgid", 1, &[]),
    operands("s6-envdir", 1, &[]),
    operands("envdir", 1, &[]),
    drop_flag(
        "setpriv",
        &["--reuid", "--ruid", "--euid"],
        &[
            "--reuid",
            "--ruid",
            "--euid",
            "--regid",
            "--rgid",
            "--egid",
            "--groups",
            "--inh-caps",
            "--ambient-caps",
            "--bounding-set",
            "--securebits",
            "--pdeathsig",
            "--selinux-label",
            "--apparmor-profile",
        ],
    ),
    drop_flag(
        "sudo",
        &["-u", "--user"],
        &[
            "-u",
            "--user",
            "-g",
            "--group",
            "-h",
            "--host",
            "-p",
            "--prompt",
            "-C",
            "--close-from",
            "-r",
            "--role",
            "-t",
            "--type",
            "-T",
            "--command-timeout",
            "-U",
            "--other-user",
            "-D",
            "--chdir",
            "-R",
            "--chroot",
        ],
    ),
    drop_flag("doas", &["-u"], &["-u", "-C"]),
    drop_flag(
        "chpst",
        &["-u"],
        &["-u", "-U", "-b", "-e", "-/", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c", "-r", "-t"],
    ),
    sub("uv", "run", UV),
    plain("uvx", UV),
    sub("pipx", "run", &["--spec", "--python", "--pip-args", "--index-url"]),
    sub("poetry", "run", &["-C", "--directory", "-P", "--project"]),
    sub("pipenv", "run", &["--python"]),
    sub("pdm", "run", &["-p", "--project", "--venv"]),
    sub("rye", "run", &["--pyproject"]),
    sub("hatch", "run", &["-e", "--env"]),
    sub("pixi", "run", &["-e", "--environment", "--manifest-path"]),
    sub("conda", "run", CONDA),
    sub("mamba", "run", CONDA),
    sub("micromamba", "run", CONDA),
    sub("bundle", "exec", &["--gemfile"]),
    plain("npx", NODE),
    plain("bunx", NODE),
    plain("pnpx", NODE),
    sub("npm", "exec", NODE),
    sub("pnpm", "exec", NODE),
    sub("pnpm", "dlx", NODE),
    sub("yarn", "exec", NODE),
    sub("yarn", "dlx", NODE),
    sub("bun", "x", NODE),
    plain("cross-env", &[]),
    plain("cross-env-shell", &[]),
    plain("env-cmd", &["-f", "--file", "-e", "--environments", "-r", "--rc-file"]),
    plain("xvfb-run", &["-n", "-s", "-e", "-f", "-p", "-w", "--server-num", "--server-args", "--error-file"]),
    plain("strace", &["-e", "-o", "-s", "-u", "-E", "-P", "-I", "-O", "-S", "-a", "-b", "-X"]),
    plain("ltrace", &["-e", "-o", "-s", "-u", "-l", "-n", "-a", "-x"]),
    plain("ddtrace-run", &[]),
    sub("newrelic-admin", "run-program", &[]),
    plain(
        "opentelemetry-instrument",
        &[
            "--traces_exporter",
            "--metrics_exporter",
            "--logs_exporter",
            "--service_name",
            "--resource_attributes",
            "--exporter_otlp_endpoint",
            "--exporter_otlp_protocol",
            "--id_generator",
            "--propagators",
        ],
    ),
    sub(
        "coverage",
        "run",
        &["--rcfile", "--source", "--omit", "--include", "--data-file", "--context", "--concurrency"],
    ),
    plain("debugpy", &["--listen", "--connect", "--log-to", "--log-to-stderr"]),
    sub_dashes("doppler", "run"),
    sub_dashes("op", "run"),
    sub_dashes("chamber", "exec"),
    sub_dashes("infisical", "run"),
    sub_dashes("aws-vault", "exec"),
    sub_dashes("dotenvx", "run"),
    sub_dashes("teller", "run"),
];
