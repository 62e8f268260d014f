//! The rule pack: a page under `rules/` and a function in one of the family files below make a rule.
//!
//! [`RULES`] is generated from the pages by `build.rs`; nothing else lists the rules.

mod build;
mod chain;
mod development;
mod exposure;
mod files;
mod health;
mod lifetime;
mod mount;
mod nginx;
mod overlay;
mod privilege;
mod reference;
mod secret;
mod supervisor;
mod supply;
mod suppression;
mod topology;
mod user;

use build::*;
use development::*;
use exposure::*;
use files::*;
use health::*;
use lifetime::*;
use mount::*;
use nginx::*;
pub(crate) use nginx::{Trees, trees};
use overlay::*;
use privilege::*;
use reference::*;
use secret::*;
use supervisor::*;
use supply::*;
use suppression::*;
use topology::*;
use user::*;

use std::cell::RefCell;

use crate::container::facet::Scope;
use crate::container::{CommandLine, Container, Env, Environment, Image, Origin};
use crate::exception::Exception;
use crate::few::Few;
use crate::finding::{Confidence, Development, Finding, Label, Rule, Severity, Tier, Unlisted};
use crate::limit::{Exceeded, Limit};
use crate::policy::Policy;
use crate::project::stacks::Stack;
use crate::project::{Failure, Project, StageNode};
use crate::source::{Skipped, Source, Sources, Span};
use crate::syntax::Document;
use crate::syntax::compose::Compose;
use crate::syntax::dockerfile::Dockerfile;
use crate::syntax::nginx::Nginx;
use crate::syntax::supervisor::Supervisor;

/// A rule and its check.
pub struct Registered {
    /// The metadata.
    pub rule: Rule,
    /// The check.
    pub check: Check,
}

/// A check: a function over one kind of node. It returns nothing and cannot fail.
pub enum Check {
    /// Over the text of every config file.
    Source(fn(&Source, &mut Cx)),
    /// Over every parsed file.
    Document(fn(&Document, &mut Cx)),
    /// Over every Dockerfile.
    Dockerfile(fn(&Dockerfile, &mut Cx)),
    /// Over every stack of Compose files.
    Stack(fn(&Stack, &mut Cx)),
    /// Over every build stage.
    Stage(fn(&StageNode, &mut Cx)),
    /// Over every Compose file.
    Compose(fn(&Compose, &mut Cx)),
    /// Over every supervisord config.
    Supervisor(fn(&Supervisor, &mut Cx)),
    /// Over every nginx config.
    Nginx(fn(&Nginx, &mut Cx)),
    /// Over every image reference.
    Image(fn(&Image, &mut Cx)),
    /// Over every environment variable and build argument.
    Env(fn(&Env, &mut Cx)),
    /// Over everything that is executed.
    Command(fn(&CommandLine, &mut Cx)),
    /// Over both of them: what can be said by a variable can often be said by an assignment in a command, too.
    Setting(fn(Setting, &mut Cx)),
    /// Over every container.
    Container(fn(&Container, &mut Cx)),
    /// Over every path that was not read.
    Skipped(fn(&Skipped, &mut Cx)),
    /// Over everything that broke inside confscan.
    Failure(fn(&Failure, &mut Cx)),
    /// Over every exception, after it was applied.
    Exception(fn(&Exception, &mut Cx)),
    /// Over every place where a limit is exceeded.
    Exceeded(fn(&Exceeded, &mut Cx)),
    /// Over every list of findings that was cut.
    Unlisted(fn(&Unlisted, &mut Cx)),
}

/// A node of [`Check::Setting`].
#[derive(Clone, Copy)]
pub enum Setting<'a> {
    /// An environment variable or build argument.
    Env(&'a Env),
    /// Something that is executed.
    Command(&'a CommandLine),
}

/// Every rule, sorted by id.
pub static RULES: &[Registered] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// The rule called `id`.
pub fn find(id: &str) -> Option<&'static Registered> {
    RULES.binary_search_by(|registered| registered.rule.id.cmp(id)).ok().map(|index| &RULES[index])
}

/// What a check sees besides its node, and where it reports.
pub struct Cx<'a> {
    /// The documents and containers.
    pub project: &'a Project,
    /// The files.
    pub sources: &'a Sources,
    /// What the rules are told.
    pub policy: &'a dyn Policy,
    rule: &'static Rule,
    scope: Option<&'a Scope>,
    /// The stack that the node is.
    own_stack: Option<(usize, &'a Stack)>,
    /// The nginx configs with their includes, where they were made for all rules.
    trees: Option<&'a Trees<'a>>,
    findings: Vec<Finding>,
    exceeded: RefCell<Vec<Exceeded>>,
}

/// What a check leaves behind.
#[derive(Default)]
pub struct Finished {
    /// What it reported, after the settings and the rule's say about development and test were applied.
    pub findings: Vec<Finding>,
    /// What it left out.
    pub exceeded: Vec<Exceeded>,
}

impl<'a> Cx<'a> {
    /// A context for `rule` on a node in `scope`.
    pub fn new(
        project: &'a Project,
        sources: &'a Sources,
        policy: &'a dyn Policy,
        rule: &'static Rule,
        scope: Option<&'a Scope>,
    ) -> Self {
        // One is made for every rule over every node, and most of them find nothing: what a finding needs is looked up
        // when there is one.
        Cx {
            project,
            sources,
            policy,
            rule,
            scope,
            own_stack: None,
            trees: None,
            findings: Vec::new(),
            exceeded: RefCell::default(),
        }
    }

    /// The same for the node that is the stack `index`.
    pub fn in_stack(self, index: usize, stack: &'a Stack) -> Self {
        Cx { own_stack: Some((index, stack)), ..self }
    }

    /// The same with the trees of [`trees`].
    pub(crate) fn with_trees(self, trees: &'a Trees<'a>) -> Self {
        Cx { trees: Some(trees), ..self }
    }

    /// The container that the node belongs to.
    fn container(&self) -> Option<&'a Container> {
        Some(&self.project.containers[self.scope?.container?])
    }

    /// The stack that the node is or runs in.
    fn stack(&self) -> Option<usize> {
        if let Some((index, _)) = self.own_stack {
            return Some(index);
        }
        match self.container()?.origin {
            Origin::Service { stack, .. } => Some(stack),
            Origin::Stage { .. } => None,
        }
    }

    /// The merged model of the stack that the node is or runs in.
    pub fn model(&self) -> Option<&'a Compose> {
        self.project.model(self.stack()?)
    }

    /// Where the node runs.
    pub fn environment(&self) -> Environment {
        match self.own_stack {
            Some((_, stack)) => stack.environment.environment,
            None => self.scope.map_or(Environment::Unmarked, |scope| self.project.environment(scope)),
        }
    }

    /// The containers that the node's file is part of.
    pub fn containers(&self) -> impl Iterator<Item = &'a Container> + use<'a> {
        let project = self.project;
        let owners = self.scope.and_then(|scope| project.owners.get(scope.document));
        owners.into_iter().flatten().map(|&owner| &project.containers[owner])
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &'a str {
        self.sources.text(span)
    }

    /// Reports a finding at `span`, the line to change. `message` is one sentence without its full stop.
    pub fn report(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        let (stack, environment) = (self.stack(), self.environment());
        self.findings.push(Finding {
            rule: self.rule,
            severity: self.rule.severity,
            confidence: self.rule.confidence,
            message: message.into(),
            labels: vec![Label { span, message: String::new() }],
            chain: Few::new(),
            contained: Few::new(),
            inside: None,
            help: None,
            container: self.container().map(|container| container.name.clone()),
            also: Few::new(),
            stacks: stack.into_iter().collect(),
            gap: self.rule.gap,
            environment,
            node: self.scope.map(|scope| scope.path.to_string()).unwrap_or_default(),
            about: self.scope.cloned(),
            evidence: String::new(),
            fingerprint: String::new(),
        });
        self.findings.last_mut().expect("a finding was just pushed")
    }

    /// Says that a limit kept the check from looking at all there is at `span`.
    pub fn exceeded(&self, limit: &'static Limit, span: Span) {
        self.exceeded.borrow_mut().push(Exceeded { span, limit });
    }

    /// As many of `items` as a limit allows; that there are more, at `place`, is noted when they are come upon.
    pub fn within<T>(
        &self,
        limit: &'static Limit,
        place: Span,
        items: impl Iterator<Item = T>,
    ) -> impl Iterator<Item = T> {
        let mut count = 0;
        items.take_while(move |_| {
            count += 1;
            let holds = limit.holds(count);
            if !holds {
                self.exceeded(limit, place);
            }
            holds
        })
    }

    /// What the check leaves behind.
    pub fn finish(self) -> Finished {
        if self.findings.is_empty() {
            return Finished { findings: Vec::new(), exceeded: self.exceeded.into_inner() };
        }
        let environment = self.environment();
        // The environment is what a variable of the container says.
        let own_mark = self.container().is_some_and(|container| container.environment.own);
        let Cx { mut findings, exceeded, sources, policy, rule, .. } = self;
        findings.retain_mut(|finding| {
            // Without settings it does not matter where it stands.
            let path = policy.knows_paths().then(|| sources.get(finding.primary().file).path.as_str());
            let setting = policy.setting(rule, path.unwrap_or_default(), environment);
            finding.severity = setting.severity.unwrap_or(finding.severity);
            if !environment.is_live() && !setting.exact {
                match rule.development {
                    Development::Same => {}
                    Development::Low => finding.severity = finding.severity.min(Severity::Low),
                    // A variable of the container that names a development environment is no proof that it is one: it
                    // may be what such a rule looks for.
                    Development::Silent if !own_mark => return false,
                    Development::Silent => {}
                }
            }
            setting.runs
        });
        Finished { findings, exceeded: exceeded.into_inner() }
    }
}

impl Finding {
    /// Adds a place that explains the finding.
    pub fn related(&mut self, span: Span, message: impl Into<String>) -> &mut Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Adds a step to the chain that proves the finding.
    pub fn link(&mut self, span: Span, message: impl Into<String>) -> &mut Self {
        self.chain.push(Label { span, message: message.into() });
        self
    }

    /// Says that the finding of another rule at `span` is a part of this one: one cause, one finding.
    pub fn contains(&mut self, rule: &'static str, span: Span) -> &mut Self {
        self.contained.push((rule, span));
        self
    }

    /// Says what to do, in one line.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Sets the severity for this case.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// Sets the confidence for this case.
    pub fn confidence(&mut self, confidence: Confidence) -> &mut Self {
        self.confidence = confidence;
        self
    }

    /// Sets what was found, for the finding's identity; the text under the primary label where it is not set. It must
    /// not hold a secret.
    pub fn evidence(&mut self, evidence: impl Into<String>) -> &mut Self {
        self.evidence = evidence.into();
        self
    }

    /// Extends the logical path, for a node inside the check's node.
    pub fn inside(&mut self, part: &str) -> &mut Self {
        if !self.node.is_empty() {
            self.node.push('.');
        }
        self.node.push_str(part);
        self
    }
}
