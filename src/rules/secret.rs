//! Secrets in files.
//!
//! One value is one finding. A vendor's token is `hardcoded-secret-value` wherever it stands, a password in a URL is
//! `credential-in-connection-string`; of what is left, a value that can be guessed is `default-credentials`, and the
//! rest is reported by where it is written.

mod arguments;
mod context;
mod conventions;
mod copied;
mod examples;
mod repeated;
mod text;
mod variables;

pub(super) use arguments::{build_arg_feeds_secret, build_arg_unknown, build_secret_mismatch};
pub(super) use context::{context_leaks_sensitive_files, env_file_baked_into_image};
pub(super) use conventions::file_convention_unused;
pub(super) use copied::secret_file_copied;
pub(super) use examples::example_file_holds_real_secret;
pub(super) use repeated::{secret_duplicated, test_credentials_in_production};
pub(super) use text::{credential_in_connection_string, hardcoded_secret_value};
pub(super) use variables::required_variable_undefined;

use super::Cx;
use crate::container::{CommandLine, CommandPlace, Container, Env, EnvPlace, Port, Reach};
use crate::finding::{Confidence, Severity};
use crate::project::repeated::shown;
use crate::secret::{self, Shape, Verdict, Written, line, token, url};
use crate::source::Span;

const KEEP_OUT: &str =
    "keep the value outside of the repository: a mounted secret, or a variable that is set on the host";

pub(super) fn secret_in_environment(env: &Env, cx: &mut Cx) {
    let name = &env.name.value;
    if matches!(env.place, EnvPlace::Dotenv | EnvPlace::BuildArg) {
        return;
    }
    if is_bare_argument(env) {
        if secret::name::shape(name) > Some(Shape::Key) && !is_given_by_compose(env, cx) {
            cx.report(place(env, cx), format!("build argument `{name}` stays readable in the history of the image"))
                .help("mount it where it is needed: `RUN --mount=type=secret,id=…`")
                .severity(Severity::Medium)
                .evidence(name);
        }
        return;
    }
    let Some(written) = secret::written(env) else { return };
    let Verdict::Secret { random } = written.verdict else { return };
    if is_default(env, &written, cx) {
        return;
    }
    let message = match env.place {
        EnvPlace::DockerfileEnv => format!("ENV `{name}` puts a secret into the image"),
        EnvPlace::DockerfileArg => format!("ARG `{name}` has a secret as its default, in the history of the image"),
        _ => format!("`{name}` of {} is a secret that is written here", owner(env)),
    };
    let in_image = matches!(env.place, EnvPlace::DockerfileEnv | EnvPlace::DockerfileArg);
    let finding = cx.report(place(env, cx), message);
    finding.help(KEEP_OUT).evidence(name);
    if random {
        finding.confidence(Confidence::Certain);
    }
    // Everyone who can pull the image has it.
    if random && in_image {
        finding.severity(Severity::Critical);
    }
}

pub(super) fn default_credentials(env: &Env, cx: &mut Cx) {
    let dotenv = env.place == EnvPlace::Dotenv;
    if env.place == EnvPlace::BuildArg || dotenv && is_example(env, true, cx) {
        return;
    }
    let Some(written) = secret::written(env).filter(|written| is_default(env, written, cx)) else { return };
    let name = &env.name.value;
    let message = match env.place {
        EnvPlace::DockerfileEnv | EnvPlace::DockerfileArg => {
            format!("the image brings a guessable value for `{name}`")
        }
        EnvPlace::Dotenv => format!("`{name}` has a guessable value"),
        _ if written.literal.span != env.value.as_ref().map_or(env.span, |value| value.span) => {
            format!("`{name}` of {} falls back to a guessable value", owner(env))
        }
        _ => format!("`{name}` of {} has a guessable value", owner(env)),
    };
    let port =
        env.scope.container.and_then(|index| open_port(&cx.project.containers[index], name)).map(|port| port.span);
    let to_fill_in = is_example(env, false, cx);
    let finding = cx.report(place(env, cx), message);
    finding
        .help("set a long random value; a variable without a default (`${NAME:?}`) cannot be forgotten")
        .evidence(name);
    if to_fill_in || is_login_elsewhere(name) {
        finding.severity(Severity::Low);
    } else if let Some(port) = port {
        finding.severity(Severity::Critical).related(port, "everyone can reach the service here");
    } else if dotenv {
        finding.severity(Severity::Medium);
    }
}

pub(super) fn secret_in_build_args(env: &Env, cx: &mut Cx) {
    if env.place != EnvPlace::BuildArg {
        return;
    }
    let name = &env.name.value;
    if let Some(written) = secret::written(env) {
        if matches!(written.verdict, Verdict::Secret { .. } | Verdict::Default) {
            cx.report(
                place(env, cx),
                format!("build argument `{name}` of {} is a secret that is written here", owner(env)),
            )
            .help("pass it as `build.secrets`, and mount it in the one RUN that needs it")
            .evidence(name);
        }
    } else if secret::name::shape(name) > Some(Shape::Key) {
        // A value of another kind (a URL, a token) is another rule's.
        let outside =
            env.value.as_ref().is_none_or(|value| env.literals.is_empty() && cx.text(value.span).contains('$'));
        if outside {
            cx.report(
                env.span,
                format!("build argument `{name}` of {} ends up in the history of the image", owner(env)),
            )
            .help("pass it as `build.secrets`, and mount it in the one RUN that needs it")
            .severity(Severity::Medium)
            .evidence(name);
        }
    }
}

pub(super) fn secret_in_command_line(command: &CommandLine, cx: &mut Cx) {
    for given in line::given(command) {
        let secret = matches!(given.verdict, Verdict::Secret { .. } | Verdict::Default);
        // What a build is run with for want of a real one (`SECRET_KEY=dummy ./manage.py collectstatic`) guards nothing.
        let for_build =
            command.place == CommandPlace::Run && given.program.is_empty() && given.verdict == Verdict::Default;
        if !secret || for_build || is_token(given.span, cx) || !url::find(&given.value).is_empty() {
            continue;
        }
        let to = if given.program.is_empty() { String::new() } else { format!(" of `{}`", given.program) };
        let seen = match command.place {
            CommandPlace::Run => "which the history of the image shows",
            CommandPlace::Healthcheck => "which `docker inspect` and the list of processes show",
            _ => "which the list of processes shows",
        };
        cx.report(given.span, format!("`{}`{to} is given a secret, {seen}", given.name))
            .help("let the program read it from a file (a mounted secret), or from a variable that is set on the host")
            .evidence(format!("{} {}", given.program, given.name));
    }
}

/// Whether the value shows by its format what it is, with what stands in front of it (`Authorization: Bearer`).
fn is_token(span: Span, cx: &Cx) -> bool {
    /// Bytes in front of the value that are looked at.
    const FRONT: usize = 64;
    let text = &cx.sources.get(span.file).text;
    let range = span.range();
    let from = text.floor_char_boundary(range.start.saturating_sub(FRONT));
    let found = token::find(&text[from..text.floor_char_boundary(range.end)]);
    found.iter().any(|token| from + token.range.end > range.start)
}

/// The place to report: the value, which stands in one place however many names refer to it, where it is in one line.
fn place(env: &Env, cx: &Cx) -> Span {
    shown(env, cx.sources)
}

/// The name of what an environment belongs to, as a phrase.
fn owner(env: &Env) -> String {
    let path = &*env.scope.path;
    format!("`{}`", path.strip_prefix("services.").or_else(|| path.strip_prefix("program.")).unwrap_or(path))
}

/// ARG without a default: the value comes with the build.
fn is_bare_argument(env: &Env) -> bool {
    env.place == EnvPlace::DockerfileArg && env.value.as_ref().is_none_or(|value| value.value.is_empty())
}

/// Whether a service passes the build argument: then the finding is there.
fn is_given_by_compose(env: &Env, cx: &Cx) -> bool {
    cx.project.owners[env.scope.document].iter().any(|&owner| {
        let service = cx.project.service(&cx.project.containers[owner]);
        let args = service.and_then(|service| service.build.as_ref()).map_or(&[][..], |build| &build.args);
        args.iter().any(|arg| arg.key.value == env.name.value)
    })
}

/// Whether the file of a variable is one to be copied and filled in.
fn is_example(env: &Env, folders: bool, cx: &Cx) -> bool {
    secret::files::is_to_fill_in(&cx.sources.get(env.span.file).path, folders)
}

/// Whether what is written for a credential can be guessed.
fn is_default(env: &Env, written: &Written, cx: &Cx) -> bool {
    secret::is_default(env, written, env.scope.container.map(|index| &cx.project.containers[index]))
}

/// Whether a name is that of a login at a mail server or an identity provider, which somebody else has set.
fn is_login_elsewhere(name: &str) -> bool {
    const OTHERS: [&str; 6] = ["SMTP", "IMAP", "MAIL", "OIDC", "OAUTH", "OAUTH2"];
    name.split(['_', '.', '-']).any(|word| OTHERS.iter().any(|other| word.eq_ignore_ascii_case(other)))
}

/// The port at which everyone can reach what the credential of that name protects: not where the name is that of
/// another service's, which this one logs in to.
fn open_port<'a>(container: &'a Container, name: &str) -> Option<&'a Port> {
    /// Words of names, and a part of the names of the images that they belong to.
    const OF_OTHERS: &[(&str, &[&str])] = &[
        ("DB", &["postgres", "mysql", "mariadb", "mongo", "percona"]),
        ("DATABASE", &["postgres", "mysql", "mariadb", "mongo", "percona"]),
        ("STORAGE", &[]),
        ("OIDC", &[]),
        ("OAUTH", &[]),
        ("JDBC", &[]),
        ("S3", &["minio", "s3"]),
        ("AWS", &[]),
        ("POSTGRES", &["postg", "pg", "timescale", "supabase"]),
        ("POSTGRESQL", &["postg", "pg", "timescale"]),
        ("PG", &["postg", "pg"]),
        ("MYSQL", &["mysql", "mariadb", "percona"]),
        ("MARIADB", &["mariadb"]),
        ("REDIS", &["redis", "valkey", "keydb"]),
        ("MONGO", &["mongo"]),
        ("MONGODB", &["mongo"]),
        ("RABBITMQ", &["rabbitmq"]),
        ("SMTP", &["mail", "smtp", "postfix"]),
        ("IMAP", &["mail", "imap"]),
        ("MAIL", &["mail", "smtp"]),
        ("LDAP", &["ldap"]),
        ("ELASTICSEARCH", &["elastic"]),
    ];
    let port = container.ports.iter().find(|port| port.reach == Reach::Everyone)?;
    let image = container.image.as_ref().map_or("", |image| image.repository.as_str());
    let own = name.split(['_', '.', '-']).all(|word| {
        let word = word.to_ascii_uppercase();
        OF_OTHERS
            .iter()
            .find(|(other, _)| *other == word || word.starts_with(&format!("{other}PASS")))
            .is_none_or(|(_, images)| images.iter().any(|part| image.contains(part) || container.name.contains(part)))
    });
    own.then_some(port)
}
