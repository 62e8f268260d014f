//! Variables that switch debugging on, or name an environment for development.

use crate::container::{Container, Env};
use crate::finding::Severity;

/// A variable that is set for development.
pub(super) struct Flag {
    /// Name and value, in words.
    pub what: String,
    /// What it does.
    pub effect: &'static str,
    /// What to do.
    pub help: &'static str,
    /// How bad.
    pub severity: Severity,
    /// It opens a console that runs code, where the program has one.
    pub console: bool,
}

/// Variables that switch the debugging of a framework on: what it shows then. (From the frameworks' manuals.)
const SWITCHES: &[(&str, &str, Severity)] = &[
    ("DEBUG", "errors show code, settings and variables to whoever causes them", Severity::High),
    ("FLASK_DEBUG", "errors of Flask's own server open a console that runs code", Severity::High),
    ("QUART_DEBUG", "errors show code and variables to whoever causes them", Severity::High),
    ("DJANGO_DEBUG", "errors show code, settings and variables to whoever causes them", Severity::High),
    ("APP_DEBUG", "errors show code, settings and variables to whoever causes them", Severity::High),
    ("SYMFONY_DEBUG", "errors show code, settings and variables to whoever causes them", Severity::High),
    ("FASTAPI_DEBUG", "errors show code and variables to whoever causes them", Severity::High),
    ("WP_DEBUG", "errors are shown to visitors", Severity::Medium),
    ("WORDPRESS_DEBUG", "errors are shown to visitors", Severity::Medium),
    ("PHP_DISPLAY_ERRORS", "errors are shown to visitors", Severity::Medium),
    ("SPRING_DEVTOOLS_RESTART_ENABLED", "the application restarts on every file change", Severity::Medium),
    ("DEBUG_MODE", "debugging is for development", Severity::Medium),
    ("ENABLE_DEBUG", "debugging is for development", Severity::Medium),
    ("DEBUG_ENABLED", "debugging is for development", Severity::Medium),
    ("DEVELOPMENT_MODE", "debugging is for development", Severity::Medium),
    ("DEV_MODE", "debugging is for development", Severity::Medium),
];

/// Variables that name the environment: what it does when that is development.
const ENVIRONMENTS: &[(&str, &str, Severity)] = &[
    ("FLASK_ENV", "errors of Flask's own server open a console that runs code", Severity::High),
    ("RAILS_ENV", "errors show code and a console, and classes are reloaded", Severity::High),
    ("RACK_ENV", "errors show code and variables", Severity::High),
    ("ASPNETCORE_ENVIRONMENT", "errors show code, and user secrets are loaded", Severity::High),
    ("DOTNET_ENVIRONMENT", "errors show code, and user secrets are loaded", Severity::High),
    ("CI_ENVIRONMENT", "errors show code and variables", Severity::High),
    ("ROCKET_ENV", "errors and requests are logged in full", Severity::Low),
    ("APP_ENV", "the framework runs as on a developer's machine", Severity::High),
    ("SYMFONY_ENV", "the framework runs as on a developer's machine", Severity::High),
    ("DJANGO_ENV", "the framework runs as on a developer's machine", Severity::High),
    ("NODE_ENV", "frameworks show stack traces and leave caches and checks off", Severity::High),
    ("MIX_ENV", "code is reloaded and errors are shown", Severity::High),
    ("SPRING_PROFILES_ACTIVE", "the profile for development is active", Severity::Medium),
    ("DJANGO_SETTINGS_MODULE", "the settings for development are in force", Severity::Medium),
    ("ENVIRONMENT", "the application runs as on a developer's machine", Severity::Medium),
    ("ENV", "the application runs as on a developer's machine", Severity::Medium),
];

/// What the variable switches on.
pub(super) fn of(env: &Env, container: &Container) -> Option<Flag> {
    let value = env.value.as_ref().filter(|_| env.known)?;
    of_value(&env.name.value, &value.value, container)
}

/// What a variable with that value switches on.
pub(super) fn of_value(name: &str, value: &str, container: &Container) -> Option<Flag> {
    let value = value.trim();
    let named = || format!("`{name}={value}`");
    // The name is everyone's: of Django and Flask it is known what it does.
    if name == "DEBUG" && !runs_python(container) && is_yes(value) {
        let effect = "debugging is for development";
        let help = "set it to `false` here, and to `true` in a development override";
        return Some(Flag { what: named(), effect, help, severity: Severity::Medium, console: false });
    }
    if let Some((_, effect, severity)) = SWITCHES.iter().find(|(switch, ..)| *switch == name) {
        let console = name == "FLASK_DEBUG";
        let help = "set it to `false` here, and to `true` in a development override";
        return is_yes(value).then(|| Flag { what: named(), effect, help, severity: *severity, console });
    }
    if let Some((_, effect, severity)) = ENVIRONMENTS.iter().find(|(environment, ..)| *environment == name) {
        let console = name == "FLASK_ENV";
        let help = "name the production environment here, and this one in a development override";
        return is_development(name, value).then(|| Flag { what: named(), effect, help, severity: *severity, console });
    }
    if name == "XDEBUG_MODE" && value.split(',').any(|mode| matches!(mode.trim(), "debug" | "develop")) {
        let effect = "Xdebug connects to whoever asks for it and shows code in errors";
        let help = "set it to `off`, or leave Xdebug out of the image";
        return Some(Flag { what: named(), effect, help, severity: Severity::Medium, console: false });
    }
    if name == "WERKZEUG_DEBUG_PIN" && value.eq_ignore_ascii_case("off") {
        let effect = "the console of the debugger asks for no PIN";
        let help = "remove it, and the debugger with it";
        return Some(Flag { what: named(), effect, help, severity: Severity::High, console: true });
    }
    if name == "SPRING_DEVTOOLS_REMOTE_SECRET" && !value.is_empty() {
        return Some(Flag {
            // Its value is a password.
            what: format!("`{name}`"),
            effect: "the remote developer tools take code from whoever knows that secret",
            help: "remove it, and the developer tools from what is shipped",
            severity: Severity::High,
            console: false,
        });
    }
    let logs = name == "RUST_LOG"
        || name == "LOG_LEVEL"
        || name == "LOGLEVEL"
        || name.ends_with("_LOG_LEVEL")
        || name.ends_with("_LOGLEVEL");
    if logs && ["debug", "trace"].iter().any(|level| value.eq_ignore_ascii_case(level)) {
        let effect = "logs at this level hold what requests and responses hold";
        return Some(Flag {
            what: named(),
            effect,
            help: "set it to `info`",
            severity: Severity::Info,
            console: false,
        });
    }
    if name.ends_with("_DEBUG") && is_yes(value) {
        let help = "set it to `false` here, and to `true` in a development override";
        let effect = "debugging is for development";
        return Some(Flag { what: named(), effect, help, severity: Severity::Low, console: false });
    }
    None
}

/// Whether a program with a console of its own runs: Werkzeug's, which `flask run` and `runserver_plus` start.
pub(super) fn runs_console(container: &Container) -> bool {
    container.processes.iter().flat_map(|process| &process.effective.commands).any(|command| {
        let runs = |word: &str| command.args.iter().any(|arg| arg.text.value == word);
        command.name == "flask" && runs("run") || runs("runserver_plus")
    })
}

/// Whether Python runs there, by the image or a program.
fn runs_python(container: &Container) -> bool {
    let programs =
        ["gunicorn", "uvicorn", "hypercorn", "daphne", "flask", "manage.py", "django-admin", "celery", "uwsgi"];
    let python = |name: &str| name.starts_with("python") || programs.contains(&name);
    container.image.as_ref().is_some_and(|image| image.repository == "python")
        || container.processes.iter().flat_map(|process| &process.effective.commands).any(|c| python(&c.name))
}

fn is_yes(value: &str) -> bool {
    ["true", "1", "yes", "on", "y", "t", "enabled"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

fn is_development(name: &str, value: &str) -> bool {
    let develops =
        |part: &str| ["dev", "develop", "development", "local"].iter().any(|word| part.eq_ignore_ascii_case(word));
    match name {
        "SPRING_PROFILES_ACTIVE" => value.split(',').any(|profile| develops(profile.trim())),
        "DJANGO_SETTINGS_MODULE" => value.rsplit(['.', '_']).next().is_some_and(develops),
        _ => develops(value),
    }
}
