//! Accounts that configs name, and those that an image has.

use std::collections::HashSet;

use super::{Cx, script_name};
use crate::command::Program;
use crate::container::{CommandPlace, Container, Image, ProcessOrigin, names_root};
use crate::finding::Confidence;
use crate::limit::RULE_ITEMS;
use crate::rules::chain;
use crate::rules::supervisor::last_setting;
use crate::source::Span;
use crate::syntax::dockerfile::Base;
use crate::syntax::shell::Word;
use crate::syntax::supervisor::has_expansions;

/// The distribution behind an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Debian,
    Alpine,
    RedHat,
}

impl Family {
    /// The accounts that every image of it has.
    fn accounts(self) -> &'static [&'static str] {
        match self {
            Family::Debian => DEBIAN,
            Family::Alpine => ALPINE,
            Family::RedHat => RED_HAT,
        }
    }
}

/// Accounts of Debian and Ubuntu (`passwd.master` of base-passwd, `_apt` of apt; `ubuntu` is in its images since 23.04).
const DEBIAN: &[&str] = &[
    "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data",
    "backup", "list", "irc", "gnats", "_apt", "nobody", "ubuntu",
];

/// Accounts of Alpine (`passwd` of alpine-baselayout; 3.20 has fewer of them).
const ALPINE: &[&str] = &[
    "root",
    "bin",
    "daemon",
    "adm",
    "lp",
    "sync",
    "shutdown",
    "halt",
    "mail",
    "news",
    "uucp",
    "operator",
    "man",
    "postmaster",
    "cron",
    "ftp",
    "sshd",
    "at",
    "squid",
    "xfs",
    "games",
    "cyrus",
    "vpopmail",
    "ntp",
    "smmsp",
    "guest",
    "nobody",
];

/// Accounts of Fedora and what is made from it (`passwd` of setup, and those of systemd and D-Bus).
const RED_HAT: &[&str] = &[
    "root",
    "bin",
    "daemon",
    "adm",
    "lp",
    "sync",
    "shutdown",
    "halt",
    "mail",
    "operator",
    "games",
    "ftp",
    "nobody",
    "dbus",
    "tss",
    "systemd-coredump",
    "systemd-resolve",
    "systemd-network",
    "systemd-oom",
    "systemd-timesync",
];

/// Distributions by the names of their images.
const DISTRIBUTIONS: &[(&str, Family)] = &[
    ("debian", Family::Debian),
    ("ubuntu", Family::Debian),
    ("alpine", Family::Alpine),
    ("almalinux", Family::RedHat),
    ("amazonlinux", Family::RedHat),
    ("centos", Family::RedHat),
    ("fedora", Family::RedHat),
    ("oraclelinux", Family::RedHat),
    ("rockylinux", Family::RedHat),
];

/// Official images on Debian or Ubuntu, and on Alpine where the tag says so, with the accounts that they add (from their
/// Dockerfiles).
const OFFICIAL: &[(&str, &[&str])] = &[
    ("buildpack-deps", &[]),
    ("elixir", &[]),
    ("erlang", &[]),
    ("golang", &[]),
    ("haproxy", &["haproxy"]),
    ("httpd", &["www-data"]),
    ("mariadb", &["mysql"]),
    ("memcached", &["memcache"]),
    ("nginx", &["nginx"]),
    ("node", &["node"]),
    ("php", &["www-data"]),
    ("postgres", &["postgres"]),
    ("python", &[]),
    ("redis", &["redis"]),
    ("ruby", &[]),
    ("rust", &[]),
    ("wordpress", &["www-data"]),
];

/// Accounts that packages make under another name than their own (from the packages of the three families).
const PACKAGES: &[(&str, &[&str])] = &[
    ("apache2", &["apache", "www-data"]),
    ("bind", &["named"]),
    ("chrony", &["_chrony"]),
    ("dbus", &["messagebus"]),
    ("dovecot", &["dovenull"]),
    ("exim4", &["Debian-exim"]),
    ("freeradius", &["freerad", "radiusd"]),
    ("httpd", &["apache"]),
    ("mariadb", &["mysql"]),
    ("openssh", &["sshd"]),
    ("php", &["apache", "nginx", "www-data"]),
    ("pulseaudio", &["pulse"]),
    ("snmp", &["Debian-snmp"]),
    ("squid", &["proxy"]),
    ("supervisor", &[]),
    ("tor", &["debian-tor"]),
    ("varnish", &["vcache", "varnishlog"]),
];

/// Programs that install packages.
const INSTALLERS: &[&str] = &["apk", "apt", "apt-get", "aptitude", "dnf", "microdnf", "tdnf", "yum"];

/// Programs that make accounts, or change their names.
const MAKERS: &[&str] = &["adduser", "useradd", "usermod"];

/// Programs that do whatever a file says that is not read here.
const UNREAD: &[&str] = &[
    ".",
    "ansible-playbook",
    "chroot",
    "cmake",
    "deluser",
    "dpkg",
    "make",
    "newusers",
    "ninja",
    "puppet",
    "rpm",
    "source",
    "systemd-sysusers",
    "userdel",
    "vipw",
];

/// The family of an image, and the accounts that it adds.
fn base(image: &Image) -> Option<(Family, &'static [&'static str])> {
    if !image.known || image.registry.is_some() || image.built_here {
        return None;
    }
    let name = image.repository.as_str();
    if let Some((_, family)) = DISTRIBUTIONS.iter().find(|(known, _)| *known == name) {
        return Some((*family, &[]));
    }
    let (_, own) = OFFICIAL.iter().find(|(known, _)| *known == name)?;
    let tag = image.tag.as_deref().unwrap_or_default();
    match () {
        () if ["windows", "nanoserver", "ubi", "oracle"].iter().any(|other| tag.contains(other)) => None,
        () if tag.contains("alpine") => Some((Family::Alpine, own)),
        () => Some((Family::Debian, own)),
    }
}

/// What is known of the accounts of a container.
struct Accounts {
    family: Family,
    own: &'static [&'static str],
    /// Words behind the programs that make accounts.
    made: HashSet<String>,
    /// Names of installed packages.
    packages: Vec<String>,
    /// The packages of nginx.org or OpenResty are installed, not the distribution's.
    foreign_nginx: bool,
}

impl Accounts {
    /// Of the container, where all that can make an account is in sight.
    fn of(container: &Container, cx: &Cx) -> Option<Accounts> {
        let image = container.image.as_ref()?;
        let (family, own) = base(image)?;
        let mut accounts = Accounts {
            family,
            own,
            made: HashSet::new(),
            packages: Vec::new(),
            foreign_nginx: image.repository == "nginx",
        };
        let replaces =
            |target: &str| matches!(target.trim_end_matches('/'), "" | "/etc") || target.starts_with("/etc/passwd");
        if container.mounts.iter().any(|mount| mount.target.as_deref().is_some_and(replaces)) {
            return None;
        }
        if let Some(built) = &container.built {
            if !matches!(built.config.base, Base::Image(_)) {
                return None;
            }
            if built.config.transfers.iter().any(|transfer| replaces(&transfer.destination.value)) {
                return None;
            }
            let in_chain = |stage: Option<usize>| stage.is_some_and(|stage| built.config.chain.contains(&stage));
            for command in &cx.project.commands {
                if command.scope.document != built.document
                    || command.place != CommandPlace::Run
                    || !in_chain(command.scope.stage)
                {
                    continue;
                }
                let text = cx.text(command.span);
                accounts.foreign_nginx |= text.contains("nginx.org") || text.contains("openresty");
                if command.script.partial || text.contains("/etc/passwd") {
                    return None;
                }
                for (_, program) in command.programs() {
                    accounts.take(&program)?;
                }
            }
        }
        let outside = container.processes.iter().filter(|p| !matches!(p.origin, ProcessOrigin::Program { .. }));
        for process in outside {
            if process.effective.partial {
                return None;
            }
            for command in &process.effective.commands {
                let hidden = script_name(command).is_some() && container.scripts_at(command.span).next().is_none();
                // The entrypoints of the official images make no accounts.
                if hidden && !command.name.starts_with("docker-") {
                    return None;
                }
                if MAKERS.contains(&command.name.as_str()) {
                    accounts.take(&Program::from(command))?;
                }
            }
        }
        Some(accounts)
    }

    /// Takes what a program of a build makes; nothing where it may make anything.
    fn take(&mut self, program: &Program) -> Option<()> {
        let words = || program.args.iter().filter(|word| !word.text.value.starts_with('-'));
        let open = || program.args.iter().any(|word| !word.literal);
        let shell = matches!(program.name, "sh" | "bash" | "ash" | "dash" | "zsh");
        let path = program.program.text.as_str();
        let own = path.contains('/') && !["/bin/", "/sbin/", "/usr/"].iter().any(|folder| path.starts_with(folder));
        if shell || own || !program.program.literal || UNREAD.contains(&program.name) || program.name.ends_with(".sh") {
            return None;
        }
        if MAKERS.contains(&program.name) {
            // The name comes last; `useradd -u $ID app` makes app.
            if program.args.last().is_some_and(|word| !word.literal) {
                return None;
            }
            self.made.extend(words().map(|word| word.text.value.clone()));
        } else if INSTALLERS.contains(&program.name) {
            let local = |word: &&Word| {
                let word = word.text.as_str();
                word.ends_with(".deb") || word.ends_with(".rpm") || word.ends_with(".apk") || word.contains("://")
            };
            if open() || words().any(|word| local(&word)) {
                return None;
            }
            self.packages.extend(words().map(|word| word.text.value.clone()));
        }
        Some(())
    }

    /// Whether the account may be there.
    fn has(&self, account: &str) -> bool {
        // nginx of Debian runs as www-data and makes no account.
        if account == "nginx" && self.family == Family::Debian && !self.foreign_nginx {
            return self.made.contains(account);
        }
        let bare = account.trim_start_matches('_');
        self.family.accounts().contains(&account)
            || self.own.contains(&account)
            || self.made.contains(account)
            || self.packages.iter().any(|package| package.contains(bare))
            || PACKAGES.iter().any(|(package, made)| {
                made.contains(&account) && self.packages.iter().any(|installed| installed.contains(package))
            })
    }
}

/// A place that names an account: who reads it, as a word for the message.
struct Named<'a> {
    span: Span,
    account: &'a str,
    reader: &'static str,
    inside: String,
}

/// What names an account in the configs of the container.
fn named<'a>(container: &Container, cx: &Cx<'a>) -> Vec<Named<'a>> {
    let mut found = Vec::new();
    for supervisor in container.supervisors.iter().filter_map(|&id| cx.project.supervisor(id)) {
        let master = supervisor.section("supervisord").and_then(|section| supervisor.get(section, "user"));
        let programs = supervisor.programs().filter_map(|program| Some((program.get("user")?, program.section)));
        let settings = master.map(|user| (user, "supervisord".to_owned())).into_iter();
        let settings = settings.chain(programs.map(|(user, section)| (user, section.name.value.replace(':', "."))));
        let settings = settings.filter(|(user, _)| !has_expansions(&user.value));
        for (user, inside) in cx.within(&RULE_ITEMS, container.span, settings) {
            let account = user.value.as_str().trim();
            found.push(Named { span: user.value.span, account, reader: "supervisord", inside });
        }
    }
    // Started as another account, these two ignore the setting.
    if container.user.known().is_some_and(|user| !user.value.is_root()) {
        return found;
    }
    for nginx in container.servers.iter().filter_map(|&id| cx.project.nginx(id)) {
        for directive in nginx.find("user").take(1) {
            if let Some(account) = directive.argument(0).filter(|account| !account.contains('$')) {
                found.push(Named { span: directive.span, account, reader: "nginx", inside: "user".to_owned() });
            }
        }
    }
    for config in container.configs.iter().filter(|config| config.inside.contains("fpm")) {
        if let Some((account, span)) = last_setting(cx, config.file, "user").filter(|(value, _)| !value.contains('$')) {
            found.push(Named { span, account, reader: "PHP-FPM", inside: "user".to_owned() });
        }
    }
    found
}

pub(in crate::rules) fn supervisor_user_absent_from_image(container: &Container, cx: &mut Cx) {
    if container.supervisors.is_empty() && container.servers.is_empty() && container.configs.is_empty() {
        return;
    }
    let mut named = named(container, cx);
    let number = |account: &str| account.bytes().all(|byte| byte.is_ascii_digit());
    named.retain(|named| !number(named.account) && !names_root(named.account));
    if named.is_empty() {
        return;
    }
    // Most are part of the distribution, and then nothing has to be gone through.
    let Some((family, own)) = container.image.as_ref().and_then(base) else { return };
    named.retain(|named| !family.accounts().contains(&named.account) && !own.contains(&named.account));
    if named.is_empty() {
        return;
    }
    let Some(accounts) = Accounts::of(container, cx) else { return };
    named.retain(|named| !accounts.has(named.account));
    named.sort_by_key(|named| (named.reader, named.span));
    named.dedup_by_key(|named| named.span);
    let Some(image) = &container.image else { return };
    for Named { span, account, reader, inside } in named {
        let mut steps = chain::to_image(container, cx);
        steps
            .push((image.span, format!("`{}` has no account `{account}`, and nothing here makes it", image.reference)));
        steps.extend(chain::placed(container, span.file, cx));
        let message = format!("`{}` has no account `{account}`, so {reader} does not start", container.name);
        let finding = cx.report(span, message);
        finding.inside(&inside).evidence(account);
        finding.help(match container.built {
            Some(_) => format!("create it in the Dockerfile (`useradd --system {account}`), or name one that is there"),
            None => "name an account that the image has".to_owned(),
        });
        if container.built.is_some() {
            finding.confidence(Confidence::Likely);
        }
        finding.links(steps);
    }
}
