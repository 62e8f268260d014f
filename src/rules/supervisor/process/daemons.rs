//! Programs that leave the foreground, and what keeps them in it (from their manuals).

use std::cell::OnceCell;

use super::{daemon_directive, daemon_off, nginx_configs};
use crate::command::Simple;
use crate::container::{ConfigFile, Container, ProcessOrigin};
use crate::finding::Confidence;
use crate::project::path::file_name;
use crate::rules::Cx;
use crate::source::{FileId, Span};
use crate::syntax::dockerfile::Origin;

/// What is wrong with a command under supervisord.
#[derive(Clone)]
pub(in crate::rules) struct Background {
    /// What to do.
    pub help: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// The line of the server's config that says so.
    pub told: Option<Span>,
}

impl Background {
    /// A shell that does not wait.
    pub fn by_shell() -> Background {
        Background { help: "remove the `&` and start it with `exec`", confidence: Confidence::Certain, told: None }
    }

    /// What to say of the command of a program.
    pub fn message(&self, command: &Simple, program: &str) -> String {
        let name = &command.name;
        match outlives_its_wrapper(command) {
            true => format!(
                "`{name}` ignores the signal to stop, so supervisord kills it and its server of `{program}` stays"
            ),
            false if self.help == FOREGROUND_SERVER => {
                format!("`{name}` leaves a server in the background, so supervisord takes `{program}` for ended")
            }
            false => format!("`{name}` puts itself in the background, so supervisord takes `{program}` for ended"),
        }
    }
}

/// A program that goes to the background unless it is told to stay.
struct Detaching {
    names: &'static [&'static str],
    /// Flags that keep it in the foreground.
    foreground: &'static [&'static str],
    /// Flags with which it only prints, checks or signals something.
    other: &'static [&'static str],
    help: &'static str,
}

const fn detaching(
    names: &'static [&'static str],
    foreground: &'static [&'static str],
    other: &'static [&'static str],
    help: &'static str,
) -> Detaching {
    Detaching { names, foreground, other, help }
}

const DETACHING: &[Detaching] = &[
    detaching(&["sshd"], &["-D", "-d", "-i"], &["-t", "-T", "-V"], "start it with `-D`"),
    detaching(&["cron"], &["-f"], &[], "start it with `-f`"),
    detaching(&["crond"], &["-f", "-n", "-x", "-d"], &["-h", "-V"], "start it with `-f` (BusyBox) or `-n` (cronie)"),
    detaching(&["rsyslogd"], &["-n", "-d", "-D"], &["-N", "-v"], "start it with `-n`"),
    detaching(
        &["syslog-ng"],
        &["-F", "--foreground"],
        &["-s", "--syntax-only", "-V", "--version"],
        "start it with `-F`",
    ),
    detaching(&["dnsmasq"], &["-k", "--keep-in-foreground", "-d", "--no-daemon"], &["--test"], "start it with `-k`"),
    detaching(&["named"], &["-f", "-g"], &["-v", "-V"], "start it with `-f`"),
    detaching(&["dovecot"], &["-F"], &["-n", "-a", "--version", "stop", "reload"], "start it with `-F`"),
    detaching(&["lighttpd"], &["-D"], &["-t", "-tt", "-v", "-V", "-p", "-1"], "start it with `-D`"),
    detaching(&["varnishd"], &["-F", "-d"], &["-C", "-V", "-x"], "start it with `-F`"),
    detaching(&["squid"], &["-N", "--foreground"], &["-k", "-z", "-v"], "start it with `-N`"),
    detaching(&["proftpd"], &["-n", "--nodaemon"], &["-t", "--configtest", "-v", "-l"], "start it with `-n`"),
    detaching(&["ntpd"], &["-n", "-d", "-D"], &["-q"], "start it with `-n`"),
    detaching(&["chronyd"], &["-n", "-d"], &["-q", "-Q", "-p"], "start it with `-d`"),
    detaching(&["twistd"], &["-n", "--nodaemon"], &["--help", "--version"], "start it with `--nodaemon`"),
    detaching(&["monit"], &["-I"], &["-t", "status", "summary", "reload", "quit", "validate"], "start it with `-I`"),
    detaching(&["dropbear"], &["-F", "-i"], &["-V"], "start it with `-F`"),
    detaching(
        &["zabbix_agentd", "zabbix_server"],
        &["-f", "--foreground"],
        &["-t", "-p", "-R", "-V"],
        "start it with `-f`",
    ),
    detaching(&["mysqld_safe", "mariadbd-safe"], &[], &["--help"], "start `mysqld` itself, or through `pidproxy`"),
];

/// A program that goes to the background when it is told to.
struct Told {
    names: &'static [&'static str],
    flags: &'static [&'static str],
    help: &'static str,
}

const fn told(names: &'static [&'static str], flags: &'static [&'static str], help: &'static str) -> Told {
    Told { names, flags, help }
}

const TOLD: &[Told] = &[
    told(&["gunicorn", "gunicorn3"], &["-D", "--daemon"], "remove `--daemon`"),
    told(&["memcached"], &["-d", "--daemon"], "remove `-d`"),
    told(&["mongod", "mongos"], &["--fork"], "remove `--fork`"),
    told(&["haproxy"], &["-D"], "remove `-D`, or use `-W` for a master process"),
    told(&["uwsgi"], &["-d", "--daemonize", "--daemonize2"], "remove `--daemonize`"),
    told(&["celery"], &["-D", "--detach"], "remove `--detach`"),
    told(&["mysqld", "mariadbd"], &["-D", "--daemonize"], "remove `--daemonize`"),
    told(&["pgbouncer", "odyssey"], &["-d", "--daemon"], "remove `-d`"),
    told(&["unicorn", "unicorn_rails", "rackup"], &["-D", "--daemonize"], "remove `-D`"),
    told(&["puma", "thin"], &["-d", "--daemonize", "--daemon"], "remove the flag"),
    told(&["sidekiq"], &["-d", "--daemon"], "remove `-d`"),
];

const SERVICE_VERBS: [&str; 4] = ["start", "restart", "reload", "force-reload"];
const APACHE_CONTROL: [&str; 2] = ["apache2ctl", "apachectl"];
const APACHE: [&str; 4] = ["apache2", "httpd", "apache2ctl", "apachectl"];

/// What to do about a program that starts a server and ends.
pub(in crate::rules) const FOREGROUND_SERVER: &str = "start the server itself, in the foreground";

/// `mysqld_safe` stays, but stops for no signal: supervisord has to kill it, and its server goes on without it.
pub(super) fn outlives_its_wrapper(command: &Simple) -> bool {
    matches!(command.name.as_str(), "mysqld_safe" | "mariadbd-safe")
}

/// Whether the program is found on the PATH or among the system's own, and not in a folder of the application.
fn is_of_the_system(command: &Simple) -> bool {
    let program = command.program.text.as_str();
    !program.contains('/') || ["/usr/", "/sbin/", "/bin/"].iter().any(|folder| program.starts_with(folder))
}

/// The servers that are started in containers, with what those say of them. What does not depend on the command is looked
/// up once.
pub(in crate::rules) struct Servers<'c, 'a> {
    cx: &'c Cx<'a>,
    containers: Vec<&'a Container>,
    configs: Vec<&'a ConfigFile>,
    nginx: OnceCell<Option<Background>>,
    php_fpm: OnceCell<Option<Background>>,
}

impl<'c, 'a> Servers<'c, 'a> {
    /// In these containers.
    pub fn of(containers: Vec<&'a Container>, cx: &'c Cx<'a>) -> Self {
        let mut configs: Vec<&ConfigFile> = containers.iter().flat_map(|container| &container.configs).collect();
        configs.sort_by_key(|config| (&config.inside, config.file));
        configs.dedup_by_key(|config| (&config.inside, config.file));
        Servers { cx, containers, configs, nginx: OnceCell::new(), php_fpm: OnceCell::new() }
    }

    /// Whether a command ends while what it has started goes on. A command whose arguments are not known is left alone.
    pub fn goes_to_background(&self, command: &Simple) -> Option<Background> {
        // `pidproxy` waits for the server in the place of the program that goes to the background.
        if command.through.iter().any(|wrapper| wrapper == "pidproxy") || !command.args.iter().all(|word| word.literal)
        {
            return None;
        }
        let when =
            |holds: bool, help| holds.then_some(Background { help, confidence: Confidence::Certain, told: None });
        let argument = |index: usize| command.args.get(index).map_or("", |word| word.text.as_str());
        let has = |word: &str| command.args.iter().any(|argument| argument.text.value == word);
        let name = command.name.as_str();
        if command.program.text.value.starts_with("/etc/init.d/") {
            return when(SERVICE_VERBS.contains(&argument(0)), FOREGROUND_SERVER);
        }
        match name {
            "nginx" | "openresty" | "angie" => self.nginx(command),
            _ if APACHE.contains(&name) => apache(command),
            _ if is_php_fpm(name) => self.php_fpm(command),
            "service" | "rc-service" | "invoke-rc.d" if is_of_the_system(command) => {
                when(SERVICE_VERBS.contains(&argument(1)), FOREGROUND_SERVER)
            }
            "systemctl" => when(has("start") || has("restart"), FOREGROUND_SERVER),
            "redis-server" | "valkey-server" | "keydb-server" => match command.option(&["--daemonize"]) {
                Some(value) => when(value.text.value == "yes", "remove `--daemonize yes`"),
                None => self.told_by_config(command),
            },
            "celery" if has("multi") => when(true, "start `celery worker` instead of `celery multi`"),
            "pg_ctl" | "pg_ctlcluster" => when(has("start") && !has("--foreground"), "start `postgres` itself"),
            "postfix" => when(has("start"), "use `postfix start-fg`"),
            "pm2" => {
                let starts = matches!(argument(0), "start" | "restart" | "resurrect");
                when(starts && !has("--no-daemon"), "use `pm2-runtime`")
            }
            "forever" => when(argument(0) == "start", "use `forever` without `start`"),
            "fail2ban-client" | "fail2ban-server" => when(has("start") && !has("-f"), "start it with `-f`"),
            _ => {
                if let Some(entry) = DETACHING.iter().find(|entry| entry.names.contains(&name)) {
                    let stays = command.has_flag(entry.foreground) || entry.other.iter().any(|other| has(other));
                    return when(!stays, entry.help);
                }
                let entry = TOLD.iter().find(|entry| entry.names.contains(&name))?;
                // Only whole words: what follows a letter may be its value (`-umemcached`).
                let flag = |word: &str| entry.flags.contains(&word.split('=').next().unwrap_or(word));
                let flagged = command.args.iter().any(|word| flag(word.text.as_str()));
                when(flagged, entry.help).or_else(|| self.told_by_config(command))
            }
        }
    }

    /// Whether a config that the command names sends its server to the background.
    fn told_by_config(&self, command: &Simple) -> Option<Background> {
        let (_, setting, values) = SETTINGS.iter().find(|(names, ..)| names.contains(&command.name.as_str()))?;
        let names = |config: &&&ConfigFile| {
            command.args.iter().any(|word| word.text.value.ends_with(file_name(&config.inside)))
        };
        let told = self.configs.iter().filter(names).find_map(|config| {
            let (value, span) = last_setting(self.cx, config.file, setting)?;
            (values.is_empty() || values.contains(&value)).then_some(span)
        })?;
        // haproxy's `-db` and `-Ws` keep it in the foreground whatever its config says.
        if command.args.iter().any(|word| matches!(word.text.as_str(), "-db" | "-Ws")) {
            return None;
        }
        let help = "remove that from its config";
        Some(Background { help, confidence: Confidence::Certain, told: Some(told) })
    }

    fn nginx(&self, command: &Simple) -> Option<Background> {
        let words = || command.args.iter().map(|word| word.text.as_str());
        let only_asks = words().any(|word| matches!(word, "-t" | "-T" | "-v" | "-V" | "-s" | "-h" | "-?"));
        if only_asks || words().any(daemon_off) {
            return None;
        }
        self.nginx.get_or_init(|| plain_nginx(self.cx, &self.containers)).clone()
    }

    fn php_fpm(&self, command: &Simple) -> Option<Background> {
        let help = "start it with `-F`";
        if command.has_flag(&[
            "-F",
            "--nodaemonize",
            "-t",
            "--test",
            "-v",
            "--version",
            "-i",
            "--info",
            "-m",
            "-h",
            "--help",
        ]) {
            return None;
        }
        if command.has_flag(&["-D", "--daemonize"]) {
            return Some(Background { help, confidence: Confidence::Certain, told: None });
        }
        self.php_fpm.get_or_init(|| plain_php_fpm(self.cx, &self.containers, &self.configs)).clone()
    }
}

/// What the configs of servers say to send them to the background: the servers, the setting, and the values that do; any
/// value where there is none.
const SETTINGS: &[(&[&str], &str, &[&str])] = &[
    (&["redis-server", "valkey-server", "keydb-server"], "daemonize", &["yes"]),
    (&["uwsgi"], "daemonize", &[]),
    (&["gunicorn"], "daemon", &["True"]),
    (&["mongod", "mongos"], "fork", &["true"]),
    (&["haproxy"], "daemon", &[""]),
];

/// The last line of a config that sets `name`: `name value`, `name = value` or `name: value`. A comment behind the value
/// is left out.
pub(in crate::rules) fn last_setting<'a>(cx: &Cx<'a>, file: FileId, name: &str) -> Option<(&'a str, Span)> {
    let text: &'a str = &cx.sources.get(file).text;
    let mut found = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let rest = line
            .trim_start()
            .strip_prefix(name)
            .filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || "_-".contains(c)));
        if let Some(rest) = rest {
            let value = rest.trim_start_matches([' ', '\t', '=', ':']);
            let value = value.split(['#', ';']).next().unwrap_or(value).trim().trim_matches(['"', '\'']);
            let from = start + line.len() - line.trim_start().len();
            found = Some((value, Span::new(file, from..start + line.trim_end().len())));
        }
        start += line.len();
    }
    found
}

/// Whether nginx goes to the background when it is told nothing.
fn plain_nginx(cx: &Cx, containers: &[&Container]) -> Option<Background> {
    let configs = nginx_configs(cx, containers);
    if configs.iter().any(|nginx| daemon_directive(nginx) == Some(false)) {
        return None;
    }
    if containers.iter().any(|container| writes(cx, container, daemon_off)) {
        return None;
    }
    let whole = configs.iter().any(|nginx| nginx.find("events").next().is_some());
    let known = whole && !containers.is_empty();
    let confidence = if known { Confidence::Certain } else { Confidence::Likely };
    Some(Background { help: "start it with `-g 'daemon off;'`", confidence, told: None })
}

/// Whether the Dockerfile or an entrypoint script of the container holds such text: they change configs that are not in
/// the repository.
fn writes(cx: &Cx, container: &Container, holds: impl Fn(&str) -> bool) -> bool {
    let dockerfile = container.built.as_ref().and_then(|built| cx.project.dockerfile(built.document));
    let scripts = container.processes.iter().filter_map(|process| match &process.origin {
        ProcessOrigin::Script(path) => cx.sources.find(path),
        _ => None,
    });
    dockerfile
        .map(|dockerfile| dockerfile.file)
        .into_iter()
        .chain(scripts)
        .any(|file| holds(&cx.sources.get(file).text))
}

fn apache(command: &Simple) -> Option<Background> {
    // The last two are of BusyBox's httpd, which is another program.
    const OTHER: [&str; 15] = [
        "-v",
        "-V",
        "-t",
        "-l",
        "-L",
        "-M",
        "-S",
        "stop",
        "status",
        "fullstatus",
        "configtest",
        "graceful-stop",
        "-X",
        "-h",
        "-p",
    ];
    let stays = command.args.iter().any(|word| {
        let word = word.text.as_str();
        matches!(word, "FOREGROUND" | "NO_DETACH" | "-DFOREGROUND" | "-DNO_DETACH") || OTHER.contains(&word)
    });
    let help = match APACHE_CONTROL.contains(&command.name.as_str()) {
        true => "use `apache2ctl -D FOREGROUND`",
        false => "start it with `-D FOREGROUND`",
    };
    (!stays).then_some(Background { help, confidence: Confidence::Certain, told: None })
}

/// Whether that is PHP-FPM: `php-fpm`, `php-fpm8.2`, `php-fpm83`, `php5-fpm`.
fn is_php_fpm(name: &str) -> bool {
    let version = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    name.strip_prefix("php-fpm").is_some_and(version)
        || name.strip_prefix("php").and_then(|rest| rest.strip_suffix("-fpm")).is_some_and(version)
}

/// PHP-FPM goes to the background unless its config says otherwise. The official images' does, a distribution's does not;
/// of a container that brings a config of its own, or of an unknown image, nothing is known.
fn plain_php_fpm(cx: &Cx, containers: &[&Container], configs: &[&ConfigFile]) -> Option<Background> {
    const DISTRIBUTIONS: [&str; 9] =
        ["debian", "ubuntu", "alpine", "centos", "fedora", "rockylinux", "almalinux", "amazonlinux", "oraclelinux"];
    let help = "start it with `-F`";
    let own = configs.iter().rev().filter(|config| config.inside.contains("fpm"));
    let said = own.filter_map(|config| last_setting(cx, config.file, "daemonize")).next();
    if let Some((value, span)) = said {
        let stays = matches!(value.to_ascii_lowercase().as_str(), "no" | "off" | "false" | "0" | "none");
        return (!stays).then_some(Background { help, confidence: Confidence::Certain, told: Some(span) });
    }
    let stock = |container: &&Container| {
        let distribution =
            container.image.as_ref().is_some_and(|image| DISTRIBUTIONS.contains(&image.repository.as_str()));
        let copies = container.built.iter().flat_map(|built| &built.config.transfers);
        let copied = copies.filter(|copy| copy.origin == Origin::Context).map(|copy| copy.destination.value.as_str());
        let mounted = container.mounts.iter().filter_map(|mount| mount.target.as_deref());
        let mut targets = copied.chain(mounted);
        distribution
            && !targets.any(|target| target.contains("php") || target.contains("fpm") || "/etc/".starts_with(target))
            && !writes(cx, container, |text| text.contains("daemonize"))
    };
    (!containers.is_empty() && containers.iter().all(stock)).then_some(Background {
        help,
        confidence: Confidence::Likely,
        told: None,
    })
}
