//! Programs that leave the foreground, and what keeps them in it (from their manuals).

use super::{daemon_directive, daemon_off, nginx_configs};
use crate::command::Simple;
use crate::container::{Container, ProcessOrigin};
use crate::finding::Confidence;
use crate::rules::Cx;
use crate::syntax::dockerfile::Origin;

/// What is wrong with a command under supervisord.
pub(super) struct Background {
    /// What to do.
    pub help: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
}

impl Background {
    /// What to say of the command of a program.
    pub fn message(&self, command: &Simple, program: &str) -> String {
        let name = &command.name;
        match outlives_its_wrapper(command) {
            true => format!(
                "`{name}` ignores the signal to stop, so supervisord kills it and its server of `{program}` stays"
            ),
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
const FOREGROUND_SERVER: &str = "start the server itself, in the foreground";

/// `mysqld_safe` stays, but stops for no signal: supervisord has to kill it, and its server goes on without it.
pub(super) fn outlives_its_wrapper(command: &Simple) -> bool {
    matches!(command.name.as_str(), "mysqld_safe" | "mariadbd-safe")
}

/// Whether a command ends while what it has started goes on. A command whose arguments are not known is left alone.
pub(super) fn goes_to_background(command: &Simple, cx: &Cx) -> Option<Background> {
    if !command.args.iter().all(|word| word.literal) {
        return None;
    }
    let when = |holds: bool, help| holds.then_some(Background { help, confidence: Confidence::Certain });
    let argument = |index: usize| command.args.get(index).map_or("", |word| word.text.as_str());
    let has = |word: &str| command.args.iter().any(|argument| argument.text.value == word);
    let name = command.name.as_str();
    if command.program.text.value.starts_with("/etc/init.d/") {
        return when(SERVICE_VERBS.contains(&argument(0)), FOREGROUND_SERVER);
    }
    match name {
        "nginx" | "openresty" | "angie" => nginx(command, cx),
        _ if APACHE.contains(&name) => apache(command),
        _ if is_php_fpm(name) => php_fpm(command, cx),
        "service" | "rc-service" | "invoke-rc.d" => when(SERVICE_VERBS.contains(&argument(1)), FOREGROUND_SERVER),
        "systemctl" => when(has("start") || has("restart"), FOREGROUND_SERVER),
        "redis-server" | "valkey-server" | "keydb-server" => {
            let on = command.option(&["--daemonize"]).is_some_and(|value| value.text.value == "yes");
            when(on, "remove `--daemonize yes`")
        }
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
            when(command.args.iter().any(|word| flag(word.text.as_str())), entry.help)
        }
    }
}

fn nginx(command: &Simple, cx: &Cx) -> Option<Background> {
    let words = || command.args.iter().map(|word| word.text.as_str());
    let only_asks = words().any(|word| matches!(word, "-t" | "-T" | "-v" | "-V" | "-s" | "-h" | "-?"));
    if only_asks || words().any(daemon_off) {
        return None;
    }
    let configs = nginx_configs(cx);
    if configs.iter().any(|nginx| daemon_directive(nginx) == Some(false)) {
        return None;
    }
    if cx.containers().any(|container| writes(cx, container, daemon_off)) {
        return None;
    }
    let whole = configs.iter().any(|nginx| nginx.find("events").next().is_some());
    let known = whole && cx.containers().next().is_some();
    let confidence = if known { Confidence::Certain } else { Confidence::Likely };
    Some(Background { help: "start it with `-g 'daemon off;'`", confidence })
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
    const OTHER: [&str; 13] =
        ["-v", "-V", "-t", "-l", "-L", "-M", "-S", "-h", "stop", "status", "fullstatus", "configtest", "graceful-stop"];
    let stays = command.args.iter().any(|word| {
        let word = word.text.as_str();
        matches!(word, "FOREGROUND" | "NO_DETACH" | "-DFOREGROUND" | "-DNO_DETACH" | "-X") || OTHER.contains(&word)
    });
    let help = match APACHE_CONTROL.contains(&command.name.as_str()) {
        true => "use `apache2ctl -D FOREGROUND`",
        false => "start it with `-D FOREGROUND`",
    };
    (!stays).then_some(Background { help, confidence: Confidence::Certain })
}

/// Whether that is PHP-FPM: `php-fpm`, `php-fpm8.2`, `php-fpm83`, `php5-fpm`.
fn is_php_fpm(name: &str) -> bool {
    let version = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    name.strip_prefix("php-fpm").is_some_and(version)
        || name.strip_prefix("php").and_then(|rest| rest.strip_suffix("-fpm")).is_some_and(version)
}

/// PHP-FPM goes to the background unless its config says otherwise. The official images' does, a distribution's does not;
/// of a container that brings a config of its own, or of an unknown image, nothing is known.
fn php_fpm(command: &Simple, cx: &Cx) -> Option<Background> {
    const DISTRIBUTIONS: [&str; 9] =
        ["debian", "ubuntu", "alpine", "centos", "fedora", "rockylinux", "almalinux", "amazonlinux", "oraclelinux"];
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
        return Some(Background { help, confidence: Confidence::Certain });
    }
    let stock = |container: &Container| {
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
    let mut containers = cx.containers().peekable();
    (containers.peek().is_some() && containers.all(stock))
        .then_some(Background { help, confidence: Confidence::Likely })
}
