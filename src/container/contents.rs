//! What the stages of an image add to the programs of its base.

use std::collections::HashMap;

use super::tools::TOOLS;
use crate::command::{Program, Unwrapped};
use crate::source::Span;
use crate::syntax::dockerfile::{Dockerfile, ImageConfig, Invocation, Kind, Origin, TransferFact};
use crate::syntax::shell::{self, Script};

/// What the stages say of one of the [`TOOLS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change {
    /// They do not name it.
    #[default]
    None,
    /// They install, copy or use it.
    Brought,
    /// They take it away again, here.
    Removed(Span),
}

/// What the stages of an image change.
#[derive(Debug, Default)]
pub struct Contents {
    /// Per tool, in the order of [`TOOLS`].
    changes: Vec<Change>,
    /// Something brings what cannot be seen: a script, a variable, a whole folder of programs.
    pub open: bool,
    /// Packages are installed, which may bring others with them.
    pub packages: bool,
}

/// What else brings a tool: a part of a package's name. Its own name always does.
const PROVIDERS: &[(&str, &[&str])] = &[
    ("dig", &["dnsutils", "bind"]),
    ("healthcheck.sh", &["mariadb"]),
    ("mariadb-admin", &["mariadb", "mysql"]),
    ("mysql", &["mariadb"]),
    ("mysqladmin", &["mysql", "mariadb"]),
    ("nc", &["netcat", "ncat", "nmap", "busybox"]),
    ("ncat", &["nmap"]),
    ("netcat", &["nmap"]),
    ("netstat", &["net-tools", "busybox"]),
    ("nslookup", &["dnsutils", "bind", "busybox"]),
    ("node", &["npm", "yarn", "nvm"]),
    ("pg_isready", &["postgresql", "libpq"]),
    ("pgrep", &["procps", "busybox"]),
    ("ping", &["iputils", "busybox"]),
    ("pkill", &["procps", "busybox"]),
    ("ps", &["procps", "busybox"]),
    ("psql", &["postgresql", "libpq"]),
    ("python", &["py3-", "pip", "conda"]),
    ("python3", &["python", "py3-", "pip", "conda"]),
    ("redis-cli", &["redis", "valkey"]),
    ("sh", &["busybox", "dash", "bash", "alpine-base"]),
    ("ss", &["iproute"]),
    ("supervisorctl", &["supervisor"]),
    ("telnet", &["busybox"]),
    ("valkey-cli", &["valkey"]),
    ("wget", &["busybox"]),
];

/// Tools whose names are too short to be looked for inside of words.
const SHORT: [&str; 6] = ["dig", "nc", "ps", "sh", "ss", "php"];

/// Folders of programs, and those that hold them.
const PROGRAM_FOLDERS: &[&str] =
    &["/", "/usr", "/usr/local", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// Programs that bring what they do not name.
const OPENERS: &[&str] = &[
    ".",
    "ansible",
    "ansible-playbook",
    "brew",
    "conda",
    "make",
    "mamba",
    "micromamba",
    "nix",
    "nix-env",
    "npx",
    "playwright",
    "source",
    "tdnf",
    "xargs",
];

/// Whether `path` is a folder of programs, or holds one.
pub fn holds_programs(path: &str) -> bool {
    let path = if path == "/" { path } else { path.trim_end_matches('/') };
    PROGRAM_FOLDERS.contains(&path)
}

impl Contents {
    /// What the stages of `config` change, which are stages of `dockerfile`.
    pub fn of(dockerfile: &Dockerfile, config: &ImageConfig) -> Contents {
        let mut contents = Contents { changes: vec![Change::None; TOOLS.len()], ..Contents::default() };
        for &stage in &config.chain {
            let body = dockerfile.stages.get(stage).map(|stage| stage.body.clone()).unwrap_or_default();
            for index in body {
                match dockerfile.effective(index).map(|instruction| &instruction.kind) {
                    Some(Kind::Run(Invocation::Shell(text))) => contents.run(&shell::parse(text)),
                    Some(Kind::Run(Invocation::Exec(words))) => contents.run(&Script::of_words(words)),
                    _ => {}
                }
            }
        }
        config.transfers.iter().for_each(|transfer| contents.transfer(transfer));
        contents
    }

    /// What the stages say of `tool`.
    pub fn change(&self, tool: &str) -> Change {
        let index = TOOLS.iter().position(|known| *known == tool);
        index.and_then(|index| self.changes.get(index)).copied().unwrap_or_default()
    }

    fn run(&mut self, script: &Script) {
        self.open |= script.partial;
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        for command in &script.commands {
            for assignment in &command.assignments {
                self.mentioned(&assignment.value.text.value);
            }
        }
        for (_, program) in Unwrapped::of(script).programs(script) {
            let words = || program.args.iter().map(|word| word.text.as_str());
            let verb = words().find(|word| !word.starts_with('-')).unwrap_or_default();
            match program.name {
                "apt" | "apt-get" | "aptitude" if matches!(verb, "remove" | "purge" | "autoremove") => {
                    self.remove(&program, &groups);
                    continue;
                }
                "dnf" | "yum" | "microdnf" | "zypper" if matches!(verb, "remove" | "erase" | "autoremove" | "rm") => {
                    self.remove(&program, &groups);
                    continue;
                }
                "apk" if verb == "del" => {
                    self.remove(&program, &groups);
                    continue;
                }
                "apt" | "apt-get" | "aptitude" | "dnf" | "yum" | "microdnf" | "zypper" | "apk" => {
                    self.packages |= matches!(verb, "install" | "add" | "in" | "upgrade" | "dist-upgrade");
                    self.open |= words().any(|word| word.starts_with('$') || word.contains(".deb"));
                    let group = program.option(&["-t", "--virtual"]).filter(|_| program.name == "apk");
                    let brought: Vec<usize> = words().flat_map(|word| self.mentioned(word)).collect();
                    if let Some(group) = group {
                        groups.entry(group.text.value).or_default().extend(brought);
                    }
                    continue;
                }
                "dpkg" | "rpm" | "pip" | "pip3" | "npm" | "gem" | "pipx" | "uv" => self.packages = true,
                _ => {}
            }
            let path = program.program.text.as_str();
            let elsewhere =
                path.contains('/') && !holds_programs(path.rsplit_once('/').map_or("", |(folder, _)| folder));
            let file = matches!(program.name, "sh" | "bash" | "ash" | "dash") && !program.args.is_empty();
            self.open |= !program.program.literal
                || elsewhere
                || file
                || program.name.ends_with(".sh")
                || OPENERS.contains(&program.name);
            self.mentioned(program.name);
            words().for_each(|word| drop(self.mentioned(word)));
        }
    }

    /// Notes what a word brings, and gives the tools.
    fn mentioned(&mut self, word: &str) -> Vec<usize> {
        let brought: Vec<usize> = (0..TOOLS.len()).filter(|&index| brings(word, TOOLS[index])).collect();
        for &index in &brought {
            self.changes[index] = Change::Brought;
        }
        brought
    }

    /// Notes what a command takes away: packages by their names, and groups of `apk add --virtual`.
    fn remove(&mut self, program: &Program, groups: &HashMap<String, Vec<usize>>) {
        for word in program.args {
            let name = word.text.as_str();
            let own = TOOLS.iter().position(|tool| *tool == name);
            let grouped = groups.get(name).into_iter().flatten().copied();
            for index in own.into_iter().chain(grouped) {
                self.changes[index] = Change::Removed(word.text.span);
            }
        }
    }

    fn transfer(&mut self, transfer: &TransferFact) {
        let destination = transfer.destination.value.as_str();
        self.open |= !transfer.destination.is_known();
        let into_programs = holds_programs(destination);
        let name = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        self.copied(&name(destination));
        for source in &transfer.sources {
            let path = source.value.as_str();
            let last = name(path);
            self.copied(&last);
            let archive = transfer.add && (path.contains(".tar") || path.contains(".tgz") || path.contains("://"));
            let folder = matches!(last.as_str(), "" | "." | "bin" | "sbin" | "local" | "usr" | "root" | "rootfs")
                || path.ends_with('/')
                || path.contains(['*', '$']);
            // What is copied to the root from elsewhere is a file where it comes from a folder of programs.
            let parent = path.rsplit('/').nth(1).unwrap_or_default();
            let whole =
                destination == "/" && transfer.origin != Origin::Context && !matches!(parent, "bin" | "release");
            self.open |= into_programs && (archive || folder || whole) || path.contains("busybox");
        }
    }

    /// Notes a file that is copied.
    fn copied(&mut self, name: &str) {
        let bare = name.strip_suffix(".exe").unwrap_or(name);
        for (index, tool) in TOOLS.iter().enumerate() {
            if bare == *tool || bare.starts_with(tool) && !SHORT.contains(tool) {
                self.changes[index] = Change::Brought;
            }
        }
    }
}

/// Whether a word of a command names something that brings a tool.
fn brings(word: &str, tool: &str) -> bool {
    // A library of that name does not bring the program.
    if word.starts_with("lib") && tool == "curl" {
        return false;
    }
    let own = match SHORT.contains(&tool) {
        true => word.rsplit('/').next() == Some(tool) || tool == "php" && word.starts_with("php"),
        false => word.contains(tool),
    };
    let providers = PROVIDERS.iter().find(|(known, _)| *known == tool).map_or(&[][..], |(_, parts)| parts);
    own || providers.iter().any(|part| word.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::syntax::dockerfile::{evaluate, parse};

    #[test]
    fn stages_bring_and_take_away_tools() {
        let word = |change: Change| match change {
            Change::Removed(_) => "removed",
            Change::Brought => "brought",
            Change::None => "none",
        };
        for (text, tool, expected, open) in [
            ("RUN apt-get update && apt-get install -y curl", "curl", "brought", false),
            ("RUN apt-get install -y libcurl4 ca-certificates", "curl", "none", false),
            ("RUN apt-get install -y curl && curl x && apt-get purge -y curl", "curl", "removed", false),
            ("RUN apk add --no-cache --virtual .d curl && curl x && apk del .d", "curl", "removed", false),
            ("RUN apt-get install -y $PACKAGES", "curl", "none", true),
            ("RUN apk add postgresql16-client", "pg_isready", "brought", false),
            ("RUN ./install.sh", "curl", "none", true),
            ("COPY --from=x /usr/bin/curl /usr/bin/curl", "curl", "brought", false),
            ("COPY --from=x /usr/local/bin /usr/local/bin", "curl", "none", true),
            ("COPY --from=x /go/bin/app /usr/local/bin/", "curl", "none", false),
            ("COPY app.py /", "curl", "none", false),
            ("ADD rootfs.tar.xz /", "sh", "none", true),
            ("RUN deps='curl git' && apt-get install -y git", "curl", "brought", false),
        ] {
            let dockerfile = parse(FileId(0), &format!("FROM x\n{text}\n"));
            let contents = Contents::of(&dockerfile, &evaluate(&dockerfile, 0, &[]));
            assert_eq!((word(contents.change(tool)), contents.open), (expected, open), "{text}");
        }
    }
}
