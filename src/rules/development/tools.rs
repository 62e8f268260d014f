//! Programs that are for development: they restart on file changes, serve unbuilt code or run what they are sent.

use crate::command::{Arguments, Simple};
use crate::container::Container;
use crate::finding::Severity;
use crate::source::Span;

/// What is wrong with a program in production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// It watches files and restarts.
    Reload,
    /// It serves unbuilt code, with one process and with errors shown.
    Server,
    /// It is a console that runs code.
    Console,
}

/// A command that is for development.
pub(super) struct Found {
    /// The word that decides.
    pub span: Span,
    /// The command in short (`uvicorn --reload`).
    pub what: String,
    /// What is wrong with it.
    pub nature: Nature,
    /// How bad.
    pub severity: Severity,
}

/// A row of the table: the program, and what must and must not stand behind it.
struct Tool {
    /// Base names.
    names: &'static [&'static str],
    /// Its first operands, one of which there must be; `""` is none at all. Empty: whatever.
    subcommands: &'static [&'static str],
    /// Flags, one of which there must be. Empty: none is needed.
    flags: &'static [&'static str],
    /// Flags that take it back; with a `=` only with that value.
    unless: &'static [&'static str],
    nature: Nature,
}

const fn reload(names: &'static [&'static str], flags: &'static [&'static str]) -> Tool {
    Tool { names, subcommands: &[], flags, unless: &[], nature: Nature::Reload }
}

const fn watcher(names: &'static [&'static str], subcommands: &'static [&'static str]) -> Tool {
    Tool { names, subcommands, flags: &[], unless: &["--version", "--help"], nature: Nature::Reload }
}

const fn server(names: &'static [&'static str], subcommands: &'static [&'static str]) -> Tool {
    Tool { names, subcommands, flags: &[], unless: &["--version", "--help"], nature: Nature::Server }
}

/// Flags of the programs below whose next word is their value.
const WITH_VALUE: &[&str] = &[
    "--app",
    "-A",
    "--base",
    "--config",
    "-c",
    "--cwd",
    "--env-file",
    "--host",
    "--hostname",
    "--manifest-path",
    "--mode",
    "-m",
    "--port",
    "-p",
    "--settings",
    "--pythonpath",
];

/// The programs, from their manuals. Of several rows that fit, the first counts.
const TOOLS: &[Tool] = &[
    // Python
    reload(&["uvicorn", "hypercorn", "gunicorn", "granian", "daphne", "litestar", "blacksheep"], &["--reload"]),
    reload(&["sanic"], &["--reload", "-r", "--auto-reload", "--dev", "-d", "--debug"]),
    reload(&["uwsgi"], &["--py-autoreload", "--python-autoreload"]),
    reload(&["celery"], &["--autoreload"]),
    reload(&["flask", "quart"], &["--debug", "--reload", "--debugger"]),
    Tool { names: &["litestar"], subcommands: &[], flags: &["--debug", "-d"], unless: &[], nature: Nature::Server },
    reload(&["robyn"], &["--dev"]),
    Tool { names: &["fastapi"], subcommands: &["dev"], flags: &[], unless: &[], nature: Nature::Server },
    reload(&["fastapi"], &["--reload"]),
    server(&["flask", "quart"], &["run"]),
    server(&["manage.py", "django-admin"], &["runserver", "runserver_plus"]),
    watcher(&["watchmedo"], &["auto-restart", "shell-command"]),
    watcher(&["watchfiles", "hupper", "jurigged", "sphinx-autobuild"], &[]),
    Tool { names: &["reflex"], subcommands: &["run"], flags: &[], unless: &["--env=prod"], nature: Nature::Server },
    server(&["mkdocs"], &["serve"]),
    Tool {
        names: &["jupyter"],
        subcommands: &["lab", "notebook", "server", "nbclassic"],
        flags: &[],
        unless: &["--version", "--help"],
        nature: Nature::Console,
    },
    Tool {
        names: &["jupyter-lab", "jupyter-notebook"],
        subcommands: &[],
        flags: &[],
        unless: &[],
        nature: Nature::Console,
    },
    // JavaScript
    watcher(&["nodemon", "ts-node-dev", "tsnd", "node-dev", "pm2-dev", "onchange", "chokidar"], &[]),
    watcher(&["tsx"], &["watch"]),
    reload(&["tsx", "bun", "deno"], &["--watch", "--hot", "--watch-hmr"]),
    reload(&["pm2", "pm2-runtime"], &["--watch"]),
    reload(&["nest"], &["--watch", "-w", "--debug"]),
    reload(&["tsc", "rollup", "esbuild", "webpack", "parcel", "tailwindcss", "babel"], &["--watch", "-w"]),
    server(&["next", "nuxt", "nuxi", "astro", "remix", "vitepress", "vuepress", "wrangler", "svelte-kit"], &["dev"]),
    server(&["vinxi", "rspack", "rsbuild", "farm", "umi", "redwood", "rw", "turbo", "storybook", "keystone"], &["dev"]),
    server(&["remix", "react-router"], &["vite:dev", "dev"]),
    server(&["vite"], &["", "dev", "serve"]),
    server(&["webpack"], &["serve"]),
    server(&["webpack-dev-server", "start-storybook", "live-server", "browser-sync"], &[]),
    server(&["react-scripts", "craco", "react-app-rewired", "docusaurus", "expo"], &["start"]),
    server(&["vue-cli-service", "ng", "nx", "ionic", "ember", "ace", "ace.js"], &["serve", "s", "server"]),
    server(&["quasar", "encore"], &["dev", "dev-server"]),
    server(&["gatsby", "strapi", "medusa"], &["develop"]),
    server(&["parcel"], &["serve"]),
    // Go, Rust
    Tool { names: &["air"], subcommands: &[], flags: &[], unless: &["init", "-v"], nature: Nature::Reload },
    watcher(&["CompileDaemon", "modd", "wgo", "gow", "arelo", "bacon"], &[]),
    reload(&["reflex"], &["-r", "-g", "-s", "-R", "-G", "-c", "--regex", "--glob", "--config"]),
    watcher(&["realize"], &["start"]),
    watcher(&["cargo"], &["watch"]),
    server(&["trunk", "dx"], &["serve"]),
    // PHP, Ruby, .NET, Java, Elixir
    server(&["artisan", "spark"], &["serve"]),
    reload(&["artisan"], &["--watch"]),
    server(&["symfony"], &["serve", "server:start", "local:server:start"]),
    server(&["console"], &["server:run", "server:start"]),
    watcher(&["shotgun", "rerun", "guard"], &[]),
    server(&["jekyll"], &["serve", "server"]),
    watcher(&["dotnet"], &["watch"]),
    server(&["mvn", "mvnw", "quarkus"], &["quarkus:dev", "dev"]),
    server(&["gradle", "gradlew"], &["quarkusDev"]),
    reload(&["gradle", "gradlew"], &["--continuous", "-t"]),
    server(&["hugo"], &["server", "serve"]),
    // Anything
    watcher(&["entr", "watchexec"], &[]),
];

/// A server that is for development unless a variable or a flag names another environment.
struct ByEnvironment {
    name: &'static str,
    subcommands: &'static [&'static str],
    variables: &'static [&'static str],
    flags: &'static [&'static str],
}

const BY_ENVIRONMENT: &[ByEnvironment] = &[
    ByEnvironment {
        name: "rails",
        subcommands: &["s", "server"],
        variables: &["RAILS_ENV", "RACK_ENV"],
        flags: &["-e", "--environment"],
    },
    ByEnvironment { name: "mix", subcommands: &["phx.server"], variables: &["MIX_ENV"], flags: &[] },
];

/// What makes the command one for development.
pub(super) fn found(command: &Simple, container: &Container) -> Option<Found> {
    let (name, args) = script_behind(command);
    let operands = Arguments { program: name, words: args }.positional(WITH_VALUE);
    let subcommand = operands.first().copied();
    for tool in TOOLS.iter().filter(|tool| tool.names.contains(&name)) {
        let wanted = subcommand.map_or("", |word| word.text.as_str());
        if !tool.subcommands.is_empty() && !tool.subcommands.contains(&wanted) {
            continue;
        }
        let flag = args.iter().find(|word| is_flag(word.text.as_str(), tool.flags));
        if !tool.flags.is_empty() && flag.is_none() || tool.unless.iter().any(|unless| is_given(command, unless)) {
            continue;
        }
        let decided = flag.or(subcommand.filter(|_| !tool.subcommands.is_empty()));
        let span = decided.map_or(command.program.text.span, |word| word.text.span);
        let word = decided.map(|word| format!(" {}", word.text.as_str()));
        // Its purpose is what such an image is for.
        if tool.nature == Nature::Console && container.built.is_none() {
            return None;
        }
        let bare_flask = tool.nature == Nature::Server && matches!(name, "flask" | "quart");
        let medium = tool.nature == Nature::Console || bare_flask;
        return Some(Found {
            span,
            what: format!("{name}{}", word.unwrap_or_default()),
            nature: tool.nature,
            severity: if medium { Severity::Medium } else { Severity::High },
        });
    }
    reads_variable(command, container)
        .or_else(|| interpreter(command))
        .or_else(|| by_environment(name, args, command, container))
}

/// The program, or the script that a language's interpreter is given (`python manage.py`, `php artisan`).
fn script_behind(command: &Simple) -> (&str, &[crate::syntax::shell::Word]) {
    let interpreters = ["python", "python3", "php", "ruby", "node", "bash", "sh"];
    let versioned = command.name.starts_with("python3.") || command.name.starts_with("php8");
    if interpreters.contains(&command.name.as_str()) || versioned {
        let at = command.args.iter().position(|word| !word.text.value.starts_with('-'));
        if let Some(at) = at.filter(|at| *at == 0 || command.args[at - 1].text.value != "-c") {
            let script = command.args[at].text.as_str();
            let name = script.rsplit('/').next().unwrap_or(script);
            if matches!(name, "manage.py" | "artisan" | "spark" | "console" | "rails" | "ace" | "ace.js") {
                return (name, &command.args[at + 1..]);
            }
        }
    }
    (&command.name, &command.args)
}

fn is_flag(written: &str, flags: &[&str]) -> bool {
    flags.iter().any(|flag| {
        let value = match written.strip_prefix(flag) {
            Some("") => return true,
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        value.is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "false" | "0" | "no"))
    })
}

/// Whether a word or, with a `=` in it, a flag with its value is given.
fn is_given(command: &Simple, unless: &str) -> bool {
    match unless.split_once('=') {
        Some((flag, value)) => command.option(&[flag]).is_some_and(|word| word.text.value == value),
        None => command.args.iter().any(|word| word.text.value == unless),
    }
}

/// Flags of the interpreters themselves, which stand before the script.
fn interpreter(command: &Simple) -> Option<Found> {
    let own = || command.args.iter().take_while(|word| word.text.value.starts_with('-'));
    let (word, nature) = match command.name.as_str() {
        "node" | "nodejs" => {
            (own().find(|word| is_flag(word.text.as_str(), &["--watch", "--watch-path"]))?, Nature::Reload)
        }
        "php" => (own().find(|word| word.text.value == "-S")?, Nature::Server),
        _ => return None,
    };
    let what = format!("{} {}", command.name, word.text.as_str());
    Some(Found { span: word.text.span, what, nature, severity: Severity::High })
}

/// Variables that servers read their flags from.
fn reads_variable(command: &Simple, container: &Container) -> Option<Found> {
    let variable = match command.name.as_str() {
        "gunicorn" => "GUNICORN_CMD_ARGS",
        "uvicorn" => "UVICORN_RELOAD",
        _ => return None,
    };
    let env = container.env(variable).filter(|env| env.known)?;
    let value = env.value.as_ref()?.value.as_str();
    let on = value.split_whitespace().any(|word| word == "--reload")
        || variable == "UVICORN_RELOAD" && matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on");
    let what = format!("{} --reload", command.name);
    on.then_some(Found { span: env.span, what, nature: Nature::Reload, severity: Severity::High })
}

fn by_environment(
    name: &str,
    args: &[crate::syntax::shell::Word],
    command: &Simple,
    container: &Container,
) -> Option<Found> {
    let ByEnvironment { subcommands, variables, flags, .. } =
        BY_ENVIRONMENT.iter().find(|server| server.name == name)?;
    let word = args.iter().find(|word| subcommands.contains(&word.text.as_str()))?;
    let given = command.option(flags).map(|word| word.text.value);
    let assigned = || {
        let found = command.assignments.iter().find(|assignment| variables.contains(&assignment.name.as_str()));
        found.map(|assignment| assignment.value.text.value.clone())
    };
    let set = || {
        let env = container.env.iter().find(|env| variables.contains(&env.name.value.as_str()))?;
        Some(env.value.as_ref().map_or_else(String::new, |value| value.value.clone()))
    };
    // Where nothing is said here it may be said by the base image or an `env_file`.
    let environment = given.or_else(assigned).or_else(set)?;
    let develops = environment.starts_with("dev");
    let what = format!("{name} {}", word.text.as_str());
    develops.then_some(Found { span: word.text.span, what, nature: Nature::Server, severity: Severity::High })
}
