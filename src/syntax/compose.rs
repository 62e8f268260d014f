//! Compose files as compose-go reads them: one typed model for the short and the long spelling of everything.

mod model;
mod schema;
mod service;
mod short;
pub mod template;
mod words;

#[cfg(test)]
mod tests;

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
    pub reference_errors: Vec<SyntaxError>,
    /// See [`Yaml::hidden_line_breaks`].
    pub hidden_line_breaks: Vec<Span>,
}

/// Values of variables, by name.
pub type Variables<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A scalar after interpolation.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The value: variables are replaced by their default; a variable without a default stays as written (`${NAME}`).
    pub value: String,
    /// Where it was written.
    pub span: Span,
    /// The value before interpolation, in parts.
    pub template: Template,
    /// False when a variable without a default is left in it.
    pub known: bool,
    /// The value with the place of each byte, where it is not the text as written.
    resolved: Option<Text>,
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
    pub build: Option<Build>,
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
    /// `volumes_from`.
    pub volumes_from: Vec<Scalar>,
    /// `environment`.
    pub environment: Vec<KeyValue>,
    /// `env_file`.
    pub env_file: Vec<EnvFile>,
    /// `user`.
    pub user: Option<Scalar>,
    /// `group_add`.
    pub group_add: Vec<Scalar>,
    /// `privileged`.
    pub privileged: Option<Spanned<bool>>,
    /// `use_api_socket`.
    pub use_api_socket: Option<Spanned<bool>>,
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
    /// `uts`.
    pub uts: Option<Scalar>,
    /// `userns_mode`.
    pub userns_mode: Option<Scalar>,
    /// `cgroup`.
    pub cgroup: Option<Scalar>,
    /// `network_mode`.
    pub network_mode: Option<Scalar>,
    /// `devices`.
    pub devices: Vec<Device>,
    /// `device_cgroup_rules`.
    pub device_cgroup_rules: Vec<Scalar>,
    /// `read_only`.
    pub read_only: Option<Spanned<bool>>,
    /// `init`.
    pub init: Option<Spanned<bool>>,
    /// `healthcheck`.
    pub healthcheck: Option<Healthcheck>,
    /// `restart`.
    pub restart: Option<Scalar>,
    /// `runtime`.
    pub runtime: Option<Scalar>,
    /// `deploy`.
    pub deploy: Option<Deploy>,
    /// `mem_limit`.
    pub mem_limit: Option<Scalar>,
    /// `cpus`.
    pub cpus: Option<Scalar>,
    /// `pids_limit`.
    pub pids_limit: Option<Scalar>,
    /// `logging`.
    pub logging: Option<Logging>,
    /// `depends_on`.
    pub depends_on: Vec<Dependency>,
    /// `profiles`.
    pub profiles: Vec<Scalar>,
    /// `secrets`.
    pub secrets: Vec<ObjectReference>,
    /// `configs`.
    pub configs: Vec<ObjectReference>,
    /// `networks`.
    pub networks: Vec<NetworkReference>,
    /// `labels`.
    pub labels: Vec<KeyValue>,
    /// `extends`.
    pub extends: Option<Extends>,
    /// `develop.watch`.
    pub watch: Vec<Watch>,
    /// `pre_start`, `post_start` and `pre_stop`.
    pub hooks: Vec<Hook>,
    /// `container_name`.
    pub container_name: Option<Scalar>,
    /// `hostname`.
    pub hostname: Option<Scalar>,
    /// `working_dir`.
    pub working_dir: Option<Scalar>,
    /// `stop_signal`.
    pub stop_signal: Option<Scalar>,
    /// `stop_grace_period`.
    pub stop_grace_period: Option<Scalar>,
    /// `extra_hosts`.
    pub extra_hosts: Vec<Scalar>,
    /// `sysctls`.
    pub sysctls: Vec<KeyValue>,
    /// `provider.type`.
    pub provider: Option<Scalar>,
    /// `scale`.
    pub scale: Option<Scalar>,
    /// `annotations`.
    pub annotations: Vec<KeyValue>,
    /// `cgroup_parent`.
    pub cgroup_parent: Option<Scalar>,
    /// `credential_spec`: `config`, `file` or `registry`.
    pub credential_spec: Vec<KeyValue>,
    /// `gpus`: `all`, or the drivers and identifiers of devices.
    pub gpus: Vec<Scalar>,
    /// `label_file`.
    pub label_file: Vec<Scalar>,
    /// `links` and `external_links`.
    pub links: Vec<Scalar>,
    /// `dns`.
    pub dns: Vec<Scalar>,
    /// `mem_reservation`.
    pub mem_reservation: Option<Scalar>,
    /// `memswap_limit`.
    pub memswap_limit: Option<Scalar>,
    /// `shm_size`.
    pub shm_size: Option<Scalar>,
    /// `cpu_quota`.
    pub cpu_quota: Option<Scalar>,
    /// `oom_kill_disable`.
    pub oom_kill_disable: Option<Spanned<bool>>,
    /// `oom_score_adj`.
    pub oom_score_adj: Option<Scalar>,
    /// `ulimits`: the value is the soft limit where there are two.
    pub ulimits: Vec<KeyValue>,
    /// `storage_opt`.
    pub storage_opt: Vec<KeyValue>,
    /// `isolation`.
    pub isolation: Option<Scalar>,
    /// `platform`.
    pub platform: Option<Scalar>,
    /// `pull_policy`.
    pub pull_policy: Option<Scalar>,
    /// `tty`.
    pub tty: Option<Spanned<bool>>,
    /// `stdin_open`.
    pub stdin_open: Option<Spanned<bool>>,
}

/// `build`, short or long.
#[derive(Debug, Default)]
pub struct Build {
    /// The whole value.
    pub span: Option<Span>,
    /// `context`, or the short form.
    pub context: Option<Scalar>,
    /// `dockerfile`.
    pub dockerfile: Option<Scalar>,
    /// `dockerfile_inline`: the text, and what it is before interpolation stands in the template.
    pub dockerfile_inline: Option<Scalar>,
    /// `target`.
    pub target: Option<Scalar>,
    /// `args`.
    pub args: Vec<KeyValue>,
    /// `secrets`.
    pub secrets: Vec<ObjectReference>,
    /// `ssh`.
    pub ssh: Vec<Scalar>,
    /// `additional_contexts`.
    pub additional_contexts: Vec<KeyValue>,
    /// `labels`.
    pub labels: Vec<KeyValue>,
    /// `cache_from`.
    pub cache_from: Vec<Scalar>,
    /// `network`.
    pub network: Option<Scalar>,
    /// `privileged`.
    pub privileged: Option<Spanned<bool>>,
    /// `entitlements`.
    pub entitlements: Vec<Scalar>,
    /// `platforms`.
    pub platforms: Vec<Scalar>,
    /// `cache_to`.
    pub cache_to: Vec<Scalar>,
    /// `extra_hosts`.
    pub extra_hosts: Vec<Scalar>,
    /// `tags`.
    pub tags: Vec<Scalar>,
    /// `no_cache`.
    pub no_cache: Option<Spanned<bool>>,
    /// `isolation`.
    pub isolation: Option<Scalar>,
}

/// A command or entrypoint.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The whole value.
    pub span: Span,
    /// One scalar, split by compose-go's rules of shell words, or the elements of a list.
    pub form: Form,
}

/// How a command was written.
#[derive(Clone, Debug)]
pub enum Form {
    /// One string. Compose splits it into words by shell rules but runs no shell.
    Text(Scalar),
    /// A list.
    List(Vec<Scalar>),
}

/// A published port; a range is one entry.
#[derive(Clone, Debug)]
pub struct Port {
    /// The whole entry.
    pub span: Span,
    /// Host address as written; `None` when none is given, which means all interfaces.
    pub host_ip: Option<Scalar>,
    /// Host ports, first and last; `None` when the host port is left to the engine.
    pub published: Option<(u16, u16)>,
    /// Container ports, first and last; `(0, 0)` when a variable without a default is in it.
    pub target: (u16, u16),
    /// `tcp`, `udp` or as written, in lower case.
    pub protocol: String,
    /// `mode` (`host` or `ingress`).
    pub mode: Option<String>,
    /// Some part of it is a variable that has no default.
    pub open: bool,
    /// `name`.
    pub name: Option<Scalar>,
}

/// A mount of `volumes` or `tmpfs`.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The whole entry.
    pub span: Span,
    /// Kind.
    pub kind: MountKind,
    /// Host path or volume name.
    pub source: Option<Scalar>,
    /// Path in the container.
    pub target: Option<Scalar>,
    /// Mounted read-only.
    pub read_only: bool,
    /// Options of the short form, `bind.propagation`, `bind.selinux`, `tmpfs` options.
    pub options: Vec<Spanned<String>>,
}

/// What a mount brings in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// A host path.
    Bind,
    /// A named or anonymous volume.
    Volume,
    /// A tmpfs.
    Tmpfs,
    /// Another image.
    Image,
    /// A Windows named pipe.
    NamedPipe,
    /// A Swarm cluster volume.
    Cluster,
}

/// `env_file` entry.
#[derive(Clone, Debug)]
pub struct EnvFile {
    /// Path.
    pub path: Scalar,
    /// `required`, which is true unless said otherwise.
    pub required: bool,
    /// `format`.
    pub format: Option<String>,
}

/// `devices` entry.
#[derive(Clone, Debug)]
pub struct Device {
    /// The whole entry.
    pub span: Span,
    /// Host device, or a CDI name.
    pub source: Scalar,
    /// Path in the container.
    pub target: Option<String>,
    /// Permissions (`rwm`).
    pub permissions: Option<String>,
}

/// `healthcheck`.
#[derive(Clone, Debug)]
pub struct Healthcheck {
    /// Key `healthcheck` of the service.
    pub span: Span,
    /// `disable: true` or `test: NONE`, and where.
    pub disabled: Option<Span>,
    /// `test`: a string means `CMD-SHELL`; a list starts with `CMD` or `CMD-SHELL`.
    pub test: Option<Invocation>,
    /// `interval`.
    pub interval: Option<Scalar>,
    /// `timeout`.
    pub timeout: Option<Scalar>,
    /// `retries`.
    pub retries: Option<Scalar>,
    /// `start_period`.
    pub start_period: Option<Scalar>,
}

/// `deploy`.
#[derive(Clone, Debug, Default)]
pub struct Deploy {
    /// `mode`.
    pub mode: Option<Scalar>,
    /// `replicas`.
    pub replicas: Option<Scalar>,
    /// `restart_policy.condition`; the outer `Some` says that there is a `restart_policy`.
    pub restart_policy: Option<Option<Scalar>>,
    /// `resources.limits.memory`.
    pub memory_limit: Option<Scalar>,
    /// `resources.limits.cpus`.
    pub cpus_limit: Option<Scalar>,
    /// `resources.limits.pids`.
    pub pids_limit: Option<Scalar>,
    /// `labels`.
    pub labels: Vec<KeyValue>,
    /// `resources.reservations.memory`.
    pub memory_reservation: Option<Scalar>,
}

/// `logging`.
#[derive(Clone, Debug)]
pub struct Logging {
    /// `driver`.
    pub driver: Option<Scalar>,
    /// `options`.
    pub options: Vec<KeyValue>,
}

/// `depends_on` entry.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The service depended on.
    pub service: Spanned<String>,
    /// `condition`.
    pub condition: Option<Spanned<String>>,
    /// `required`, which is true unless said otherwise.
    pub required: bool,
    /// `restart`.
    pub restart: bool,
}

/// A use of a top-level secret or config.
#[derive(Clone, Debug)]
pub struct ObjectReference {
    /// The whole entry.
    pub span: Span,
    /// Name of the top-level object.
    pub source: Spanned<String>,
    /// `target`.
    pub target: Option<Scalar>,
    /// `mode` as written.
    pub mode: Option<Spanned<String>>,
}

/// A use of a network.
#[derive(Clone, Debug)]
pub struct NetworkReference {
    /// Name of the top-level network.
    pub name: Spanned<String>,
    /// Aliases.
    pub aliases: Vec<String>,
}

/// `extends`.
#[derive(Clone, Debug)]
pub struct Extends {
    /// The whole value.
    pub span: Span,
    /// `service`, or the short form.
    pub service: Option<Scalar>,
    /// `file`.
    pub file: Option<Scalar>,
}

/// `develop.watch` entry.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The whole entry.
    pub span: Span,
    /// `path`.
    pub path: Option<Scalar>,
    /// `action`.
    pub action: Option<Spanned<String>>,
    /// `target`.
    pub target: Option<Scalar>,
    /// `exec`.
    pub exec: Option<Hook>,
}

/// A lifecycle hook.
#[derive(Clone, Debug)]
pub struct Hook {
    /// `pre_start`, `post_start`, `pre_stop` or `exec`.
    pub event: Spanned<String>,
    /// `command`.
    pub command: Option<Invocation>,
    /// `user`.
    pub user: Option<Scalar>,
    /// `privileged`.
    pub privileged: Option<Spanned<bool>>,
    /// `image` (of `pre_start`).
    pub image: Option<Scalar>,
    /// `environment`.
    pub environment: Vec<KeyValue>,
}

/// A top-level network.
#[derive(Clone, Debug)]
pub struct Network {
    /// Name, at its key.
    pub name: Spanned<String>,
    /// `internal`.
    pub internal: Option<Spanned<bool>>,
    /// `external`.
    pub external: bool,
    /// `driver`.
    pub driver: Option<Scalar>,
    /// `driver_opts`.
    pub driver_opts: Vec<KeyValue>,
}

/// A top-level volume.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Name, at its key.
    pub name: Spanned<String>,
    /// `external`.
    pub external: bool,
    /// `driver`.
    pub driver: Option<Scalar>,
    /// `driver_opts`.
    pub driver_opts: Vec<KeyValue>,
}

/// A top-level secret or config.
#[derive(Clone, Debug)]
pub struct FileObject {
    /// Name, at its key.
    pub name: Spanned<String>,
    /// `file`.
    pub file: Option<Scalar>,
    /// `environment`.
    pub environment: Option<Scalar>,
    /// `content`.
    pub content: Option<Scalar>,
    /// `external`.
    pub external: bool,
}

/// `include` entry.
#[derive(Clone, Debug)]
pub struct Include {
    /// The whole entry.
    pub span: Span,
    /// `path`, one or several.
    pub paths: Vec<Scalar>,
    /// `project_directory`.
    pub project_directory: Option<Scalar>,
    /// `env_file`.
    pub env_file: Vec<Scalar>,
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
        }
    }
}

impl Scalar {
    /// The scalar of a template.
    pub fn new(template: Template, vars: &Variables<'_>) -> Scalar {
        let span = template.raw.span;
        match template.literal() {
            Some(literal) if literal.len() == template.raw.value.len() => {
                Scalar { value: literal.to_owned(), span, template, known: true, resolved: None }
            }
            _ => {
                let (text, known) = template.resolve_text(vars);
                Scalar { value: text.value.clone(), span, template, known, resolved: Some(text) }
            }
        }
    }

    /// The text before interpolation with the place of each byte.
    pub fn raw(&self) -> &Text {
        &self.template.raw
    }

    /// The value with the place of each byte: of a default, where the default stands.
    pub fn text(&self) -> &Text {
        self.resolved.as_ref().unwrap_or(&self.template.raw)
    }

    /// The bytes `range` of the value as a scalar of its own.
    pub fn slice(&self, range: std::ops::Range<usize>, vars: &Variables<'_>) -> Scalar {
        Scalar::new(self.template.slice(range, vars), vars)
    }
}
