//! Variables that Compose replaces by nothing, where nothing in the repository says that they have to be set.
//!
//! Compose warns and goes on: a password is empty, an image has no tag. Whether somebody is told to set the variable is
//! looked up in every `.env` file and example, in the comments of Compose files, and in what is read only for this: the
//! documentation, CI files and scripts around the stacks that have such variables.

use std::collections::{BTreeSet, HashSet};

use super::stacks::{Basis, Stack};
use super::{Project, path};
use crate::container::Origin;
use crate::secret::{Shape, name};
use crate::source::{Kind, Sources, Span, Text};
use crate::syntax::Document;
use crate::syntax::compose::template::Template;
use crate::syntax::compose::{Form, Invocation, Scalar, Service};

/// Files that are read.
const MAX_FILES: usize = 1_500;
/// Bytes of such a file.
const MAX_SIZE: usize = 512 << 10;
/// Bytes of all of them.
const MAX_TOTAL: usize = 32 << 20;
/// Folders whose files are looked at.
const MAX_FOLDERS: usize = 1_000;
/// Variables of a stack that are kept.
const MAX_NAMES: usize = 200;
/// Uses of a variable that are kept.
const MAX_USES: usize = 4;

/// A variable without a value that something depends on.
#[derive(Clone, Debug)]
pub struct Need {
    /// Name of the variable.
    pub name: String,
    /// What the first use of it is for.
    pub what: Use,
    /// The service that it is in.
    pub service: String,
    /// The uses.
    pub spans: Vec<Span>,
}

/// What a variable is used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// The reference of an image.
    Image,
    /// A published port.
    Port,
    /// What is mounted.
    Source,
    /// A credential, of that name.
    Credential(String),
    /// Hosts that are let in, of that name.
    Hosts(String),
}

/// Finds the variables of all stacks.
pub(super) fn find(project: &mut Project, sources: &Sources) {
    let mut needs: Vec<Vec<Need>> = project.stacks.iter().map(|_| Vec::new()).collect();
    for container in &project.containers {
        let Origin::Service { stack: index, .. } = container.origin else { continue };
        let stack = &project.stacks[index];
        if container.environment.environment.is_live()
            && is_graded(stack, sources)
            && let Some(service) = project.service(container)
        {
            of_service(&container.name, service, stack, sources, &mut needs[index]);
        }
    }
    let wanted: HashSet<&str> = needs.iter().flatten().map(|need| need.name.as_str()).collect();
    if wanted.is_empty() {
        return;
    }
    let folders = needs.iter().zip(&project.stacks).filter(|(needs, _)| !needs.is_empty());
    let folders =
        folders.map(|(_, stack)| path::directory(&sources.get(project.documents[stack.files[0]].file()).path));
    let folders: BTreeSet<&str> = folders.collect();
    let said: HashSet<String> = mentions(project, sources, wanted, folders).into_iter().map(str::to_owned).collect();
    for (stack, needs) in project.stacks.iter_mut().zip(needs) {
        stack.undefined = needs.into_iter().filter(|need| !said.contains(&need.name)).collect();
    }
}

/// Whether a stack runs as it stands here. What a command line reads its variables from may be out of sight.
fn is_graded(stack: &Stack, sources: &Sources) -> bool {
    let elsewhere = match stack.basis {
        Basis::CommandLine(span) => stack.variables.is_empty() && sources.text(span).contains("--env-file"),
        Basis::Fragment => true,
        _ => false,
    };
    !elsewhere && !stack.superseded && stack.environment.environment.is_live()
}

/// What a service needs variables for.
fn of_service(owner: &str, service: &Service, stack: &Stack, sources: &Sources, needs: &mut Vec<Need>) {
    let mut add = |template: &Template, what: &dyn Fn(&str) -> Option<Use>| {
        for variable in template.variables().filter(|variable| variable.operation.is_none()) {
            let name = variable.name.value.as_str();
            if is_usual(name) || stack.variables.get(name).is_some() {
                continue;
            }
            let Some(what) = what(name) else { continue };
            let full = needs.len() >= MAX_NAMES;
            match needs.iter_mut().find(|need| need.name == name) {
                Some(known) if known.spans.len() < MAX_USES && !known.spans.contains(&variable.span) => {
                    known.spans.push(variable.span);
                }
                Some(_) => {}
                None if full => {}
                None => {
                    let (name, service) = (name.to_owned(), owner.to_owned());
                    needs.push(Need { name, what, service, spans: vec![variable.span] });
                }
            }
        }
    };
    if let Some(image) = &service.image {
        add(&image.template, &|_| Some(Use::Image));
    }
    for pair in &service.environment {
        let key = pair.key.value.as_str();
        let credential = |name: &str| name::shape(name).is_some_and(|shape| shape > Shape::Token);
        let what = |name: &str| match () {
            () if credential(key) || credential(name) => Some(Use::Credential(key.to_owned())),
            () if lets_in(key) => Some(Use::Hosts(key.to_owned())),
            () => None,
        };
        if let Some(value) = &pair.value {
            add(&value.template, &what);
        }
    }
    for invocation in [&service.command, &service.entrypoint].into_iter().flatten() {
        for word in words(invocation) {
            let password = |name: &str| name::shape(name).is_some_and(|shape| shape > Shape::Token);
            add(&word.template, &|name| {
                password(name).then(|| Use::Credential("a password on its command line".to_owned()))
            });
        }
    }
    for port in service.ports.iter().filter(|port| port.open) {
        let (template, _) = Template::parse(Text::verbatim(sources.text(port.span), port.span));
        add(&template, &|_| Some(Use::Port));
    }
    for source in service.mounts.iter().filter_map(|mount| mount.source.as_ref()) {
        add(&source.template, &|_| Some(Use::Source));
    }
}

fn words(invocation: &Invocation) -> &[Scalar] {
    match &invocation.form {
        Form::Text(text) => std::slice::from_ref(text),
        Form::List(words) => words,
    }
}

/// Whether a variable says who is let in, so that nothing may mean everyone.
fn lets_in(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let has = |word: &str| upper.split('_').any(|part| part == word);
    (has("ALLOWED") || has("TRUSTED") || has("CORS"))
        && ["HOSTS", "HOST", "ORIGINS", "ORIGIN", "PROXIES", "DOMAINS", "IPS"].iter().any(|word| has(word))
}

/// Whether shells, CI or Compose set the variable.
fn is_usual(name: &str) -> bool {
    const NAMES: [&str; 24] = [
        "PWD",
        "HOME",
        "UID",
        "GID",
        "EUID",
        "USER",
        "USERNAME",
        "LOGNAME",
        "HOSTNAME",
        "HOST",
        "SHELL",
        "PATH",
        "LANG",
        "TZ",
        "TERM",
        "TMPDIR",
        "TEMP",
        "XDG_RUNTIME_DIR",
        "DISPLAY",
        "PUID",
        "PGID",
        "CI",
        "APPDATA",
        "USERPROFILE",
    ];
    const PREFIXES: [&str; 7] = ["COMPOSE_", "DOCKER_", "CI_", "GITHUB_", "XDG_", "SSH_", "LC_"];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Which of the names the repository says something of.
fn mentions<'n>(
    project: &Project,
    sources: &Sources,
    mut wanted: HashSet<&'n str>,
    folders: BTreeSet<&str>,
) -> HashSet<&'n str> {
    let mut said = HashSet::new();
    let mut read = |text: &str, wanted: &mut HashSet<&'n str>| {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if let Some(name) = wanted.take(word) {
                said.insert(name);
            }
        }
    };
    for document in &project.documents {
        let source = sources.get(document.file());
        match document {
            Document::Dotenv(_) => read(&source.text, &mut wanted),
            Document::Compose(compose) => {
                compose.comments.iter().for_each(|span| read(source.slice(*span), &mut wanted))
            }
            _ => {}
        }
    }
    for (_, source) in sources.iter().filter(|(_, source)| source.kind == Kind::Auxiliary) {
        read(&source.text, &mut wanted);
    }
    let mut total = 0;
    for file in files(sources, folders) {
        if wanted.is_empty() || total > MAX_TOTAL {
            break;
        }
        if sources.find(&file).is_some() {
            continue;
        }
        if let Ok(bytes) = sources.store().read(&file)
            && bytes.len() <= MAX_SIZE
        {
            total += bytes.len();
            read(&String::from_utf8_lossy(&bytes), &mut wanted);
        }
    }
    said
}

/// The documentation, CI files and scripts of folders and those above them.
fn files(sources: &Sources, folders: BTreeSet<&str>) -> BTreeSet<String> {
    const BELOW: [&str; 27] = [
        "docs",
        "doc",
        "documentation",
        "scripts",
        "script",
        "bin",
        "ci",
        "hack",
        "tools",
        "deploy",
        "deployment",
        ".github",
        ".github/workflows",
        ".circleci",
        ".gitlab",
        ".forgejo/workflows",
        ".gitea/workflows",
        "env",
        "envs",
        ".env.d",
        "config",
        "configs",
        "infra",
        "ansible",
        "terraform",
        "setup",
        "install",
    ];
    let mut places: BTreeSet<String> = BTreeSet::new();
    for mut folder in folders {
        while places.len() < MAX_FOLDERS && places.insert(folder.to_owned()) {
            places.extend(BELOW.iter().filter_map(|below| path::join(folder, below)));
            if folder.is_empty() {
                break;
            }
            folder = path::directory(folder);
        }
    }
    let mut found = BTreeSet::new();
    for place in &places {
        for name in sources.list(place).iter() {
            if found.len() >= MAX_FILES {
                return found;
            }
            if speaks(name) {
                found.extend(path::join(place, name));
            }
        }
    }
    found
}

/// Whether a file of that name may say what a variable is for.
fn speaks(name: &str) -> bool {
    const ENDINGS: [&str; 25] = [
        "md", "markdown", "mdx", "rst", "adoc", "sh", "bash", "zsh", "ps1", "bat", "py", "js", "mjs", "ts", "rb", "mk",
        "yml", "yaml", "json", "toml", "env", "example", "sample", "template", "dist",
    ];
    const NAMES: [&str; 8] =
        ["makefile", "justfile", "jenkinsfile", "taskfile", "rakefile", "vagrantfile", "procfile", "readme"];
    let lower = name.to_ascii_lowercase();
    let ending = lower.rsplit_once('.').map_or("", |(_, ending)| ending);
    let lock = lower.contains("lock") || lower.contains("compose");
    !name.ends_with('/')
        && !lock
        && (ENDINGS.contains(&ending)
            || NAMES.iter().any(|known| lower.starts_with(known))
            || lower.starts_with(".env"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_who_is_let_in_is_known_by_its_name() {
        for (name, expected) in [
            ("ALLOWED_HOSTS", true),
            ("DJANGO_ALLOWED_HOSTS", true),
            ("CORS_ORIGINS", true),
            ("TRUSTED_PROXIES", true),
            ("DB_HOST", false),
            ("ALLOWED_SIZE", false),
        ] {
            assert_eq!(lets_in(name), expected, "{name}");
        }
    }

    #[test]
    fn documentation_ci_and_scripts_speak_and_lists_of_packages_do_not() {
        for (name, expected) in [
            ("README.md", true),
            ("Makefile", true),
            ("deploy.sh", true),
            ("ci.yml", true),
            (".env.sample", true),
            ("env.example", true),
            ("package-lock.json", false),
            ("compose.yaml", false),
            ("docs/", false),
            ("logo.png", false),
        ] {
            assert_eq!(speaks(name), expected, "{name}");
        }
    }
}
