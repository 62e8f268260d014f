//! Facets: the same type for the same thing, whatever format it was written in.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use super::DocumentId;
use crate::command::{Program, Unwrapped};
use crate::limit::Exceeded;
use crate::source::{Span, Spanned, Text};
use crate::syntax::compose::{MountKind, Port as ComposePort};
use crate::syntax::shell::Script;

/// The logical place of a node: what findings about it are attributed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The document.
    pub document: DocumentId,
    /// The Dockerfile stage that it stands in.
    pub stage: Option<usize>,
    /// The container that it belongs to, where it is just one.
    pub container: Option<usize>,
    /// Logical path in the document (`services.web`, `stages.build`, `program.worker`).
    pub path: Arc<str>,
}

/// An environment variable, or something that becomes one.
#[derive(Clone, Debug)]
pub struct Env {
    /// Where it belongs.
    pub scope: Scope,
    /// What it is written as.
    pub place: EnvPlace,
    /// Name and value together.
    pub span: Span,
    /// Name.
    pub name: Spanned<String>,
    /// Value with its defaults put in; `None` when it is taken from outside.
    pub value: Option<Spanned<String>>,
    /// The value holds no variable without a default.
    pub known: bool,
    /// What is written out of the value: all of it when it holds no variable, else the defaults (`${X:-default}`).
    pub literals: Vec<Spanned<String>>,
}

/// What an environment variable is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvPlace {
    /// ENV of a Dockerfile.
    DockerfileEnv,
    /// ARG of a Dockerfile.
    DockerfileArg,
    /// `environment` of a service.
    Service,
    /// `environment` of a lifecycle hook.
    Hook,
    /// `build.args` of a service.
    BuildArg,
    /// `environment=` of a supervisord section.
    Supervisor,
    /// A line of a `.env` file.
    Dotenv,
}

/// Something that is executed: a command line or a script.
#[derive(Debug)]
pub struct CommandLine {
    /// Where it belongs.
    pub scope: Scope,
    /// What it is written as.
    pub place: CommandPlace,
    /// All of it.
    pub span: Span,
    /// The text for the shell; `None` in exec form.
    pub text: Option<Text>,
    /// The elements of the exec form.
    pub exec: Vec<Text>,
    /// The commands in it: of the shell text, or of the one command of the exec form and what it wraps
    /// (`sh -c '…'`).
    pub script: Script,
    /// The shell in force keeps the status of a pipeline's earlier commands (`SHELL [… "-o", "pipefail" …]`).
    pub pipefail: bool,
    /// What its wrappers start, once it was asked for.
    pub(crate) unwrapped: OnceLock<Unwrapped>,
}

impl CommandLine {
    /// Every program that it starts, behind `sudo`, `env`, `sh -c` and the like, in source order, those in substitutions
    /// included; each with the index of its command in the script.
    pub fn programs(&self) -> impl Iterator<Item = (usize, Program<'_>)> {
        self.unwrapped().programs(&self.script)
    }

    /// What was left out so far because there is too much of it: what its wrappers start is looked at when it is asked
    /// for.
    pub fn exceeded(&self) -> impl Iterator<Item = Exceeded> {
        let behind = self.unwrapped.get().map_or(&[][..], Unwrapped::exceeded);
        self.script.exceeded.into_iter().chain(behind.iter().copied())
    }

    /// What its wrappers start.
    pub fn unwrapped(&self) -> &Unwrapped {
        self.unwrapped.get_or_init(|| Unwrapped::of(&self.script))
    }
}

/// What a command line is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandPlace {
    /// RUN.
    Run,
    /// CMD.
    Cmd,
    /// ENTRYPOINT.
    Entrypoint,
    /// HEALTHCHECK, or `healthcheck.test`.
    Healthcheck,
    /// `command` of a service.
    ServiceCommand,
    /// `entrypoint` of a service.
    ServiceEntrypoint,
    /// A lifecycle hook.
    Hook,
    /// `command=` of a supervisord program.
    Program,
}

/// Who can reach a published port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every address of the host.
    Everyone,
    /// One address of the host that is neither loopback nor private.
    Address,
    /// A private or link-local address of the host.
    Private,
    /// Only the host itself.
    Loopback,
    /// The address is a variable without a default.
    Unknown,
}

impl Reach {
    /// Who can reach a port that is bound to `address`.
    pub fn of(address: &str) -> Reach {
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() || bare == "*" {
            return Reach::Everyone;
        }
        if bare.eq_ignore_ascii_case("localhost") {
            return Reach::Loopback;
        }
        let Ok(ip) = bare.parse::<IpAddr>() else {
            return Reach::Unknown;
        };
        let ip = match ip {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
            v4 => v4,
        };
        if ip.is_unspecified() {
            Reach::Everyone
        } else if ip.is_loopback() {
            Reach::Loopback
        } else if match ip {
            // 100.64.0.0/10 is the carrier-grade range (RFC 6598) that private overlay networks hand out.
            IpAddr::V4(v4) => {
                v4.is_private() || v4.is_link_local() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64)
            }
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
        } {
            Reach::Private
        } else {
            Reach::Address
        }
    }

    /// Whether addresses that are not private can reach it.
    pub fn is_public(self) -> bool {
        matches!(self, Reach::Everyone | Reach::Address)
    }
}

/// A published port.
#[derive(Clone, Debug)]
pub struct Port {
    /// The whole entry.
    pub span: Span,
    /// Who can reach it.
    pub reach: Reach,
    /// Host address as resolved.
    pub host_ip: Option<String>,
    /// Host ports, first and last; `None` when the engine picks one.
    pub published: Option<(u16, u16)>,
    /// Container ports, first and last.
    pub target: (u16, u16),
    /// `tcp`, `udp`, …
    pub protocol: String,
    /// Some part of it is a variable without a default.
    pub open: bool,
}

impl Port {
    /// The facet of a Compose `ports` entry.
    pub fn from_compose(port: &ComposePort) -> Port {
        let host_ip = port.host_ip.as_ref().map(|ip| ip.value.clone());
        let reach = match (&host_ip, &port.host_ip) {
            (Some(ip), Some(scalar)) if scalar.known => Reach::of(ip),
            (Some(_), _) => Reach::Unknown,
            _ => Reach::Everyone,
        };
        Port {
            span: port.span,
            reach,
            host_ip,
            published: port.published,
            target: port.target,
            protocol: port.protocol.clone(),
            open: port.open,
        }
    }

    /// Whether the container port range holds `port`.
    pub fn targets(&self, port: u16) -> bool {
        (self.target.0..=self.target.1).contains(&port)
    }
}

/// A mount of a container.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The whole entry.
    pub span: Span,
    /// Kind.
    pub kind: MountKind,
    /// Host path or volume name; a bind of the repository is a path with `./` or `../` in front.
    pub source: Option<String>,
    /// For a bind with a relative source: the path in the repository, when it lies in it.
    pub repository_path: Option<String>,
    /// Path in the container.
    pub target: Option<String>,
    /// Mounted read-only.
    pub read_only: bool,
    /// Options as written (`z`, `rshared`, …).
    pub options: Vec<Spanned<String>>,
    /// The source holds a variable without a default.
    pub open: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_who_can_reach_it() {
        for (address, expected) in [
            ("0.0.0.0", Reach::Everyone),
            ("[::]", Reach::Everyone),
            ("::ffff:0.0.0.0", Reach::Everyone),
            ("127.0.0.53", Reach::Loopback),
            ("[::1]", Reach::Loopback),
            ("localhost", Reach::Loopback),
            ("192.168.1.2", Reach::Private),
            ("100.101.102.103", Reach::Private),
            ("fd00::1", Reach::Private),
            ("203.0.113.9", Reach::Address),
            ("nonsense", Reach::Unknown),
        ] {
            assert_eq!(Reach::of(address), expected, "{address}");
        }
    }
}
