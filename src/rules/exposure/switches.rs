//! Settings that switch a service's authentication off.

use crate::command::Simple;
use crate::container::known::{Auth, Role};
use crate::container::{Container, Env};
use crate::source::Span;
use crate::syntax::compose::Service;

/// A setting that switches authentication off.
pub(super) struct Switch {
    /// Where it stands.
    pub span: Span,
    /// How the service runs with it.
    pub how: &'static str,
    /// What it is, in words.
    pub what: String,
    /// What to do.
    pub help: &'static str,
}

/// Which values of a variable switch authentication off.
enum Off {
    /// This one, whatever its case.
    Is(&'static str),
    /// Any word for yes.
    Yes,
    /// Any word for no.
    No,
    /// Anything at all, as long as it is not empty.
    Set,
}

/// Variables that switch authentication off, from the documentation of the images and programs that read them.
const VARIABLES: &[(&str, Off, &str)] = &[
    ("POSTGRES_HOST_AUTH_METHOD", Off::Is("trust"), "remove it and set `POSTGRES_PASSWORD_FILE`"),
    ("MYSQL_ALLOW_EMPTY_PASSWORD", Off::Set, "remove it and set `MYSQL_ROOT_PASSWORD_FILE`"),
    ("MARIADB_ALLOW_EMPTY_PASSWORD", Off::Set, "remove it and set `MARIADB_ROOT_PASSWORD_FILE`"),
    ("MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", Off::Set, "remove it and set `MARIADB_ROOT_PASSWORD_FILE`"),
    ("ALLOW_EMPTY_PASSWORD", Off::Yes, "remove it and set the image's password variable"),
    ("ALLOW_ANONYMOUS_LOGIN", Off::Yes, "remove it and set up accounts"),
    ("ALLOW_NONE_AUTHENTICATION", Off::Yes, "remove it and set `ETCD_ROOT_PASSWORD`"),
    ("xpack.security.enabled", Off::No, "remove it: security is on by default"),
    ("XPACK_SECURITY_ENABLED", Off::No, "remove it: security is on by default"),
    ("DISABLE_SECURITY_PLUGIN", Off::Yes, "remove it and set `OPENSEARCH_INITIAL_ADMIN_PASSWORD`"),
    ("plugins.security.disabled", Off::Yes, "remove it and set `OPENSEARCH_INITIAL_ADMIN_PASSWORD`"),
    ("DISABLE_SECURITY_DASHBOARDS_PLUGIN", Off::Yes, "remove it: the plugin asks who logs in"),
    ("NEO4J_AUTH", Off::Is("none"), "set an account and a password, from a secret"),
    ("NEO4J_dbms_security_auth__enabled", Off::No, "remove it: authentication is on by default"),
    ("INFLUXDB_HTTP_AUTH_ENABLED", Off::No, "set it to `true` and create an account"),
    ("AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED", Off::Yes, "set it to `false` and name API keys"),
    ("SURREAL_UNAUTHENTICATED", Off::Yes, "remove it and set an account"),
    ("COUCHDB_ADMIN_PARTY", Off::Yes, "remove it and set `COUCHDB_PASSWORD`"),
    ("CLICKHOUSE_SKIP_USER_SETUP", Off::Is("1"), "remove it and set `CLICKHOUSE_USER` and `CLICKHOUSE_PASSWORD`"),
    ("FLOWER_UNAUTHENTICATED_API", Off::Yes, "remove it and set `FLOWER_BASIC_AUTH`"),
    ("TRAEFIK_API_INSECURE", Off::Yes, "remove it and put a router with an authenticating middleware before the API"),
    ("ME_CONFIG_BASICAUTH", Off::No, "remove it and set an account and a password"),
    ("PGADMIN_CONFIG_SERVER_MODE", Off::No, "remove it: without server mode nobody logs in"),
    ("DANGEROUSLY_OMIT_AUTH", Off::Yes, "remove it"),
    ("DISABLE_AUTH", Off::Yes, "remove it"),
    ("DISABLE_AUTHENTICATION", Off::Yes, "remove it"),
];

/// Every setting of the container that switches authentication off.
pub(super) fn found(container: &Container) -> Vec<Switch> {
    let mut found = Vec::new();
    for env in &container.env {
        let Some(value) = env.value.as_ref().filter(|_| env.known) else { continue };
        let row = VARIABLES.iter().find(|(name, ..)| *name == env.name.value);
        if let Some((name, _, help)) = row.filter(|(_, off, _)| off.is_met(&value.value)) {
            // The images take a password before the permission to have none.
            if has_password(container, name) {
                continue;
            }
            let what = format!("`{name}` is `{}`", value.value);
            found.push(Switch { span: env.span, how: OPEN, what, help });
        }
    }
    found.extend(anonymous_grafana(container));
    found.extend(logged_in_phpmyadmin(container));
    for process in &container.processes {
        for command in &process.effective.commands {
            if let Some((span, what, help)) = of_command(command) {
                let how = if command.name == "vault" { VAULT_DEV } else { OPEN };
                found.push(Switch { span, how, what, help });
            }
        }
    }
    found.extend(vault_as_it_comes(container));
    found
}

impl Off {
    fn is_met(&self, value: &str) -> bool {
        let value = value.trim();
        let is_one = |words: &[&str]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
        match self {
            Off::Is(expected) => value.eq_ignore_ascii_case(expected),
            Off::Yes => is_one(&["yes", "true", "1", "on"]),
            Off::No => is_one(&["no", "false", "0", "off"]),
            Off::Set => !value.is_empty(),
        }
    }
}

/// How a service runs that asks nobody.
const OPEN: &str = "without authentication";

/// How Vault runs that was started for trying it.
const VAULT_DEV: &str = "in development mode, unsealed and without TLS";

const VAULT_HELP: &str = "run it with a configuration file; `-dev` is for trying things";

/// Vault's image starts a development server unless it is told otherwise.
fn vault_as_it_comes(container: &Container) -> Option<Switch> {
    let image = container.image.as_ref().filter(|_| container.processes.is_empty() && container.built.is_none())?;
    let vault = matches!(image.name().as_str(), "hashicorp/vault" | "vault");
    vault.then(|| Switch {
        span: image.span,
        how: VAULT_DEV,
        what: "its image starts `server -dev`".to_owned(),
        help: VAULT_HELP,
    })
}

/// Whether a password is set although the variable `switch` allows to have none: any for Bitnami's images, root's for those
/// of MySQL and MariaDB.
fn has_password(container: &Container, switch: &str) -> bool {
    let counts = |name: &str| match switch {
        "ALLOW_EMPTY_PASSWORD" => name != switch && (name.ends_with("_PASSWORD") || name.ends_with("_PASSWORD_FILE")),
        "MYSQL_ALLOW_EMPTY_PASSWORD" | "MARIADB_ALLOW_EMPTY_PASSWORD" | "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD" => {
            let name = name.strip_prefix("MYSQL_").or_else(|| name.strip_prefix("MARIADB_")).unwrap_or_default();
            matches!(name, "ROOT_PASSWORD" | "ROOT_PASSWORD_FILE" | "RANDOM_ROOT_PASSWORD" | "ROOT_PASSWORD_HASH")
        }
        _ => false,
    };
    container.env.iter().any(|env| {
        let empty = env.value.as_ref().is_some_and(|value| value.value.is_empty());
        !empty && counts(&env.name.value)
    })
}

/// Grafana lets everyone in as more than a viewer.
fn anonymous_grafana(container: &Container) -> Option<Switch> {
    let value = |name: &str| -> Option<(&Env, &str)> {
        let env = container.env(name).filter(|env| env.known)?;
        Some((env, env.value.as_ref()?.value.as_str()))
    };
    value("GF_AUTH_ANONYMOUS_ENABLED").filter(|(_, enabled)| Off::Yes.is_met(enabled))?;
    let (env, role) = value("GF_AUTH_ANONYMOUS_ORG_ROLE").filter(|(_, role)| matches!(*role, "Admin" | "Editor"))?;
    let what = format!("everyone is `{role}` in Grafana");
    Some(Switch { span: env.span, how: OPEN, what, help: "set the role to `Viewer`, or switch anonymous access off" })
}

/// phpMyAdmin logs everyone in as the account that it is given; with the name alone, without a password.
fn logged_in_phpmyadmin(container: &Container) -> Option<Switch> {
    container.image.as_ref().filter(|image| image.short_name() == "phpmyadmin")?;
    let user =
        container.env("PMA_USER").filter(|user| user.value.as_ref().is_some_and(|user| !user.value.is_empty()))?;
    let what = "phpMyAdmin logs everyone in as the account of `PMA_USER`".to_owned();
    Some(Switch {
        span: user.span,
        how: OPEN,
        what,
        help: "remove `PMA_USER` and `PMA_PASSWORD`: it then asks who logs in",
    })
}

/// The setting on a command line that switches authentication off.
fn of_command(command: &Simple) -> Option<(Span, String, &'static str)> {
    let flag = |name: &str| {
        let is = |word: &&crate::syntax::shell::Word| {
            let written = word.text.as_str();
            written == name || written.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
        };
        let word = command.args.iter().find(is)?;
        let off = word.text.as_str().split_once('=').is_some_and(|(_, value)| Off::No.is_met(value));
        (!off).then(|| (word.text.span, format!("`{}`", word.text.as_str())))
    };
    let with = |found: Option<(Span, String)>, help| found.map(|(span, what)| (span, what, help));
    let subcommand = command.args.iter().map(|word| word.text.as_str()).find(|word| !word.starts_with('-'));
    match command.name.as_str() {
        "redis-server" | "valkey-server" | "keydb-server" | "redis-stack-server" => {
            let value = command.option(&["--protected-mode"]).filter(|value| Off::No.is_met(value.text.as_str()))?;
            let guarded = command.has_flag(&["--requirepass", "--aclfile", "--user"]);
            let what = "`--protected-mode no`".to_owned();
            (!guarded).then_some((
                value.text.span,
                what,
                "remove it, and set a password with `--requirepass` or an ACL file",
            ))
        }
        "elasticsearch" | "opensearch" => {
            let names = ["xpack.security.enabled", "plugins.security.disabled"];
            let off = |word: &&crate::syntax::shell::Word| {
                let (name, value) = word.text.as_str().trim_start_matches("-E").split_once('=').unwrap_or_default();
                names.iter().position(|known| *known == name).is_some_and(|at| [Off::No, Off::Yes][at].is_met(value))
            };
            let word = command.args.iter().find(off)?;
            Some((word.text.span, format!("`{}`", word.text.as_str()), "remove it: security is on by default"))
        }
        "mongod" => with(flag("--noauth"), "start it with `--auth` and create an account"),
        "mysqld" | "mariadbd" => with(flag("--skip-grant-tables"), "remove it: it is for repairs"),
        "traefik" => {
            with(flag("--api.insecure"), "remove it and put a router with an authenticating middleware before the API")
        }
        "vault" if subcommand == Some("server") => with(flag("-dev"), VAULT_HELP),
        "cockroach" => with(flag("--insecure"), "start it with `--certs-dir`"),
        "surreal" => with(flag("--unauthenticated"), "remove it and set an account"),
        "filebrowser" => with(flag("--noauth"), "remove it"),
        "code-server" | "openvscode-server" => {
            let value = command.option(&["--auth"]).filter(|value| value.text.value == "none");
            let open = value.map(|value| (value.text.span, "`--auth none`".to_owned()));
            with(open.or_else(|| flag("--without-connection-token")), "let it ask for a password")
        }
        "jupyter" | "jupyter-lab" | "jupyter-notebook" | "start-notebook.sh" | "start-notebook.py" | "start.sh" => {
            let names = ["--NotebookApp.token", "--ServerApp.token", "--IdentityProvider.token"];
            let empty = |word: &&crate::syntax::shell::Word| {
                let (name, value) = word.text.as_str().split_once('=').unwrap_or((word.text.as_str(), "-"));
                names.contains(&name) && value.trim_matches(['\'', '"']).is_empty()
            };
            let password = command.args.iter().any(|word| {
                let (name, value) = word.text.as_str().split_once('=').unwrap_or_default();
                name.ends_with("pp.password") && !value.trim_matches(['\'', '"']).is_empty()
            });
            let word = command.args.iter().find(empty).filter(|_| !password)?;
            Some((word.text.span, "the token is empty".to_owned(), "remove it: a token is made at every start"))
        }
        _ => None,
    }
}

/// Whether a variable of that name may switch authentication on.
pub(super) fn may_guard(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["PASS", "AUTH", "SASL", "SECRET"].iter().any(|word| name.contains(word))
}

/// Whether something is given to the container that may switch authentication on: flags, a config of its own.
pub(super) fn is_configured(container: &Container) -> bool {
    let guards = [
        "--requirepass",
        "--aclfile",
        "--auth",
        "--keyFile",
        "--config",
        "-f",
        "-c",
        "--conf",
        "-S",
        "--authorization",
        "--user",
        "-u",
        "--pass",
        "--basic_auth",
        "--basic-auth",
        "--client-cert-auth",
    ];
    let flagged = |command: &Simple| {
        command.args.iter().any(|word| {
            let written = word.text.as_str();
            let own_config = written.ends_with(".conf") || written.ends_with(".yml") || written.ends_with(".yaml");
            own_config
                || written.contains("requirepass")
                || guards.contains(&written.split('=').next().unwrap_or_default())
        })
    };
    let commands = container.processes.iter().flat_map(|process| &process.effective.commands);
    let config = |mount: &crate::container::Mount| {
        mount.target.as_deref().is_some_and(|target| {
            let name = target.rsplit('/').next().unwrap_or_default();
            target.starts_with("/etc") || target.contains("/conf") || name.contains(".conf") || name.ends_with(".acl")
        })
    };
    // A script that is not read here, or what an `environment` sets, may do it too.
    let variable = |env: &Env| may_guard(&env.name.value);
    commands.into_iter().any(flagged) || container.mounts.iter().any(config) || container.env.iter().any(variable)
}

/// The variable that would make the image ask who connects, where it is not set and nothing else could have done it.
pub(super) fn missing_account(container: &Container, service: Option<&Service>) -> Option<&'static str> {
    let known = container.known?;
    let service = service?;
    let Auth::Open { unless } = &known.auth else { return None };
    // The accounts that these two are born with are known to everyone, but they ask: `default-credentials`.
    if matches!(known.pattern, "rabbitmq" | "minio/minio") || container.partial || container.built.is_some() {
        return None;
    }
    let set = unless.iter().any(|name| container.env(name).is_some());
    let elsewhere = container.open_environment || service.entrypoint.is_some() || !service.uncommon.configs.is_empty();
    let variable = unless.first().copied()?;
    let quiet = set || elsewhere || is_configured(container) || known.role == Role::Admin && service.ports.is_empty();
    (!quiet).then_some(variable)
}
