//! Compose files as compose-go reads them: one typed model for the short and the long spelling of everything.

pub mod merge;
mod model;
mod parts;
mod schema;
mod service;
mod short;
pub mod template;
mod uncommon;
mod words;

#[cfg(test)]
mod tests;

pub use self::model::is_reset;
pub use self::parts::{
    Build, Dependency, Deploy, Device, EnvFile, Extends, FileObject, Form, Healthcheck, Hook, Include, Invocation,
    Logging, Mount, MountKind, Network, NetworkReference, ObjectReference, Port, Volume, Watch,
};
pub use self::uncommon::{Uncommon, UncommonKeys};

use std::ops::Deref;

use self::template::Template;
use super::yaml::{self, Node};
use super::{SyntaxError, yaml::Yaml};
use crate::source::{FileId, Span, Spanned, Text};

/// A parsed Compose file.
#[derive(Debug)]
pub struct Compose {
    /// The file.
    pub file: FileId,
    /// Top-level `name`.
    pub name: Option<Scalar>,
    /// The services in order.
    pub services: Vec<Service>,
    /// Top-level `networks`.
    pub networks: Vec<Network>,
    /// Top-level `volumes`.
    pub volumes: Vec<Volume>,
    /// Top-level `secrets`.
    pub secrets: Vec<FileObject>,
    /// Top-level `configs`.
    pub configs: Vec<FileObject>,
    /// `include` entries.
    pub include: Vec<Include>,
    /// Every comment, from its `#` to the end of the line.
    pub comments: Vec<Span>,
    /// What YAML does not allow: the text cannot be read as YAML at all from here on.
    pub syntax_errors: Vec<SyntaxError>,
    /// What is YAML but not a Compose file: duplicate keys, wrong types, unknown keys.
    pub schema_errors: Vec<SyntaxError>,
    /// Networks, volumes, secrets, configs and services that are used but not defined in this file. An overlay may well
    /// leave their definition to another file.
    pub reference_errors: Vec<UndefinedReference>,
    /// See [`Yaml::hidden_line_breaks`].
    pub hidden_line_breaks: Vec<Span>,
    /// The documents as they were read, to be merged with those of other files.
    pub trees: Vec<Node>,
}

/// A use of something that the file does not define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndefinedReference {
    /// What is used.
    pub kind: ReferenceKind,
    /// Its name, where it is used.
    pub name: Spanned<String>,
}

/// What services refer to by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// A network of the top level.
    Network,
    /// A volume of the top level.
    Volume,
    /// A secret of the top level.
    Secret,
    /// A config of the top level.
    Config,
    /// Another service.
    Service,
}

impl ReferenceKind {
    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            ReferenceKind::Network => "network",
            ReferenceKind::Volume => "volume",
            ReferenceKind::Secret => "secret",
            ReferenceKind::Config => "config",
            ReferenceKind::Service => "service",
        }
    }
}

/// Values of variables, by the file that they are used in (an included file has variables of its own) and by name.
pub type Variables<'a> = dyn Fn(FileId, &str) -> Option<String> + 'a;

/// A scalar after interpolation. It is one pointer, since a service is mostly scalars that it does not have.
#[derive(Clone, Debug)]
pub struct Scalar(Box<Interpolated>);

/// What a [`Scalar`] holds.
#[derive(Clone, Debug)]
pub struct Interpolated {
    /// The value: variables are replaced by their default; a variable without a default stays as written (`${NAME}`).
    pub value: String,
    /// Where it was written.
    pub span: Span,
    /// The value before interpolation, in parts.
    pub template: Template,
    /// False when a variable without a default is left in it.
    pub known: bool,
    /// The value with the place of each byte, where it is not the text as written.
    resolved: Option<Box<Text>>,
}

impl Deref for Scalar {
    type Target = Interpolated;

    fn deref(&self) -> &Interpolated {
        &self.0
    }
}

/// `key=value` of `environment`, `labels`, `build.args` and the like, from the map or from the list spelling.
#[derive(Clone, Debug)]
pub struct KeyValue {
    /// Key and value together.
    pub span: Span,
    /// Key.
    pub key: Spanned<String>,
    /// Value; `None` when it is taken from the environment (`KEY` alone, or a null value).
    pub value: Option<Scalar>,
}

/// A service.
#[derive(Debug, Default)]
pub struct Service {
    /// Name, at its key.
    pub name: Option<Spanned<String>>,
    /// The whole service, from its key to the end of its value.
    pub span: Option<Span>,
    /// Every key of the service with the span of the key, in order (merged keys included).
    pub keys: Vec<Spanned<String>>,
    /// `image`.
    pub image: Option<Scalar>,
    /// `build`.
    pub build: Option<Box<Build>>,
    /// `command`.
    pub command: Option<Invocation>,
    /// `entrypoint`.
    pub entrypoint: Option<Invocation>,
    /// `ports`.
    pub ports: Vec<Port>,
    /// `expose`.
    pub expose: Vec<Scalar>,
    /// `volumes` and `tmpfs`.
    pub mounts: Vec<Mount>,
    /// `environment`.
    pub environment: Vec<KeyValue>,
    /// `env_file`.
    pub env_file: Vec<EnvFile>,
    /// `user`.
    pub user: Option<Scalar>,
    /// `privileged`.
    pub privileged: Option<Spanned<bool>>,
    /// `cap_add`.
    pub cap_add: Vec<Scalar>,
    /// `cap_drop`.
    pub cap_drop: Vec<Scalar>,
    /// `security_opt`.
    pub security_opt: Vec<Scalar>,
    /// `pid`.
    pub pid: Option<Scalar>,
    /// `ipc`.
    pub ipc: Option<Scalar>,
    /// `network_mode`.
    pub network_mode: Option<Scalar>,
    /// `read_only`.
    pub read_only: Option<Spanned<bool>>,
    /// `init`.
    pub init: Option<Spanned<bool>>,
    /// `healthcheck`.
    pub healthcheck: Option<Box<Healthcheck>>,
    /// `restart`.
    pub restart: Option<Scalar>,
    /// `deploy`.
    pub deploy: Option<Box<Deploy>>,
    /// `mem_limit`.
    pub mem_limit: Option<Scalar>,
    /// `cpus`.
    pub cpus: Option<Scalar>,
    /// `pids_limit`.
    pub pids_limit: Option<Scalar>,
    /// `logging`.
    pub logging: Option<Box<Logging>>,
    /// `depends_on`.
    pub depends_on: Vec<Dependency>,
    /// `profiles`.
    pub profiles: Vec<Scalar>,
    /// `networks`.
    pub networks: Vec<NetworkReference>,
    /// `labels`.
    pub labels: Vec<KeyValue>,
    /// `container_name`.
    pub container_name: Option<Scalar>,
    /// `hostname`.
    pub hostname: Option<Scalar>,
    /// `working_dir`.
    pub working_dir: Option<Scalar>,
    /// The keys that few services have.
    pub uncommon: Uncommon,
}

/// Reads a Compose file. `vars` gives the values of variables.
///
/// What several documents of one file define is put into one model, in their order.
pub fn parse(file: FileId, text: &str, vars: &Variables<'_>) -> Compose {
    let Yaml { documents, comments, errors, duplicate_keys, hidden_line_breaks, .. } = yaml::parse(file, text);
    let mut builder = model::Builder::new(file, vars);
    for document in &documents {
        builder.document(document);
    }
    let mut compose = builder.finish();
    compose.trees = documents;
    compose.comments = comments;
    compose.hidden_line_breaks = hidden_line_breaks;
    compose.syntax_errors = errors;
    compose.schema_errors.extend(duplicate_keys);
    compose.schema_errors.sort_by_key(|error| (error.span.start, error.span.end));
    compose
}

/// The model of a tree, which may have been merged from several files.
pub fn model(root: &Node, vars: &Variables<'_>) -> Compose {
    let mut builder = model::Builder::new(root.span.file, vars);
    builder.document(root);
    builder.finish()
}

/// Whether a text is a Compose file by its content: YAML with a mapping under a top-level `services:`.
pub fn looks_like(text: &str) -> bool {
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let is_services = |line: &str| {
        let line = line.trim_end();
        ["services:", "\"services\":", "'services':"].iter().any(|key| {
            line.strip_prefix(key).is_some_and(|rest| {
                let rest = rest.trim_start();
                // Also a tag, an anchor or a mapping in braces.
                rest.is_empty() || rest.starts_with(['#', '&', '!', '{'])
            })
        })
    };
    while let Some(line) = lines.next() {
        if !is_services(line) {
            continue;
        }
        if line.contains('{') {
            return true;
        }
        let next = lines.by_ref().find(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        });
        return next.is_some_and(|next| next.starts_with([' ', '\t']) && !next.trim_start().starts_with("- "));
    }
    text.trim_start().starts_with('{') && text.contains("\"services\"")
}

impl Compose {
    /// Whether the file defines something of that kind and name.
    pub fn defines(&self, kind: ReferenceKind, name: &str) -> bool {
        let named = |own: &Spanned<String>| own.value == name;
        match kind {
            ReferenceKind::Network => self.networks.iter().any(|network| named(&network.name)),
            ReferenceKind::Volume => self.volumes.iter().any(|volume| named(&volume.name)),
            ReferenceKind::Secret => self.secrets.iter().any(|secret| named(&secret.name)),
            ReferenceKind::Config => self.configs.iter().any(|config| named(&config.name)),
            ReferenceKind::Service => self.services.iter().any(|service| service.name.as_ref().is_some_and(named)),
        }
    }

    /// A model without anything in it.
    pub fn empty(file: FileId) -> Compose {
        Compose {
            file,
            name: None,
            services: Vec::new(),
            networks: Vec::new(),
            volumes: Vec::new(),
            secrets: Vec::new(),
            configs: Vec::new(),
            include: Vec::new(),
            comments: Vec::new(),
            syntax_errors: Vec::new(),
            schema_errors: Vec::new(),
            reference_errors: Vec::new(),
            hidden_line_breaks: Vec::new(),
            trees: Vec::new(),
        }
    }
}

impl Scalar {
    /// The value where it was written.
    pub fn into_value(self) -> Spanned<String> {
        Spanned::new(self.0.value, self.0.span)
    }

    /// The scalar of a template.
    pub fn new(template: Template, vars: &Variables<'_>) -> Scalar {
        let span = template.raw.span;
        let vars = |name: &str| vars(span.file, name);
        let scalar = match template.literal() {
            Some(literal) if literal.len() == template.raw.value.len() => {
                Interpolated { value: literal.to_owned(), span, template, known: true, resolved: None }
            }
            _ => {
                let (text, known) = template.resolve_text(&vars);
                Interpolated { value: text.value.clone(), span, template, known, resolved: Some(Box::new(text)) }
            }
        };
        Scalar(Box::new(scalar))
    }

    /// The text before interpolation with the place of each byte.
    pub fn raw(&self) -> &Text {
        &self.template.raw
    }

    /// The value with the place of each byte: of a default, where the default stands.
    pub fn text(&self) -> &Text {
        self.resolved.as_deref().unwrap_or(&self.template.raw)
    }

    /// The bytes `range` of the value as a scalar of its own.
    pub fn slice(&self, range: std::ops::Range<usize>, vars: &Variables<'_>) -> Scalar {
        Scalar::new(self.template.slice(range, &|name| vars(self.span.file, name)), vars)
    }
}
