//! The nodes of Compose services, from the merged models of all stacks.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::{Nodes, Pending, PendingForm, template_literals};
use crate::container::facet::Scope;
use crate::container::{CommandPlace, DocumentId, Env, EnvPlace, Environment, Image, ImagePlace};
use crate::project::{Project, facts};
use crate::source::{FileId, Span, Spanned};
use crate::syntax::compose::{self, Hook, KeyValue, Scalar, Service};

/// Collects the nodes of services. One that several stacks share is one node, and belongs to the most live container.
pub(super) struct Services {
    documents: HashMap<FileId, DocumentId>,
    environments: Vec<Environment>,
    /// The nodes so far by what they are, where they stand, and what is there: several stacks may give the same text
    /// different values.
    seen: HashMap<(Slot, Span, u64), usize>,
    /// The places of the nodes so far.
    places: HashSet<(Slot, Span)>,
    /// A place that was seen needs no other node, whatever its value.
    pub seen_all: bool,
}

/// What a node of a service is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Slot {
    Image,
    Env,
    Command,
}

impl Services {
    pub fn new(project: &Project) -> Self {
        let documents = project.documents.iter().enumerate().map(|(id, document)| (document.file(), id));
        Services {
            documents: documents.collect(),
            environments: project.containers.iter().map(|it| it.environment.environment).collect(),
            seen: HashMap::new(),
            places: HashSet::new(),
            seen_all: false,
        }
    }

    /// Adds the nodes of a service.
    pub fn add(&mut self, nodes: &mut Nodes, service: &Service, container: Option<usize>) {
        let mut own = Nodes::default();
        own.service(service);
        for image in own.images {
            if let Some(scope) = self.take(Slot::Image, image.span, &image.reference, container, nodes) {
                nodes.images.push(Image { scope: Scope { path: image.scope.path, ..scope }, ..image });
            }
        }
        for env in own.envs {
            let value = env.value.as_ref().map_or("", |value| &value.value);
            if let Some(scope) = self.take(Slot::Env, env.span, value, container, nodes) {
                nodes.envs.push(Env { scope: Scope { path: env.scope.path, ..scope }, ..env });
            }
        }
        for command in own.commands {
            if let Some(scope) = self.take(Slot::Command, command.span, &command.form.text(), container, nodes) {
                nodes.commands.push(Pending { scope: Scope { path: command.scope.path, ..scope }, ..command });
            }
        }
    }

    /// The scope of a node that is not there yet; one that is there is given to the more live container.
    fn take(
        &mut self,
        slot: Slot,
        span: Span,
        value: &str,
        container: Option<usize>,
        nodes: &mut Nodes,
    ) -> Option<Scope> {
        let first = self.places.insert((slot, span));
        if self.seen_all && !first {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        let next = match slot {
            Slot::Image => nodes.images.len(),
            Slot::Env => nodes.envs.len(),
            Slot::Command => nodes.commands.len(),
        };
        match self.seen.entry((slot, span, hasher.finish())) {
            Entry::Vacant(free) => {
                free.insert(next);
                let document = self.documents.get(&span.file).copied().unwrap_or_default();
                Some(Scope { document, stage: None, container, path: Arc::default() })
            }
            Entry::Occupied(known) => {
                let scope = match slot {
                    Slot::Image => &mut nodes.images[*known.get()].scope,
                    Slot::Env => &mut nodes.envs[*known.get()].scope,
                    Slot::Command => &mut nodes.commands[*known.get()].scope,
                };
                let live = |index: Option<usize>| index.map(|index| self.environments[index]);
                if live(container) > live(scope.container) {
                    scope.container = container;
                }
                None
            }
        }
    }
}

impl Nodes {
    /// The nodes of a service; the documents of their scopes are found later.
    fn service(&mut self, service: &Service) {
        let scope = service_scope(service);
        if let Some(image) = &service.image {
            let variable = image.template.has_variables();
            let facet = facts::image(
                scope.clone(),
                ImagePlace::Service,
                image.span,
                image.value.clone(),
                image.known,
                variable,
            );
            self.images.push(facet);
        }
        self.envs.extend(service.environment.iter().map(|pair| service_env(scope.clone(), pair)));
        let args = service.build.iter().flat_map(|build| &build.args);
        self.envs.extend(args.map(|pair| pair_env(scope.clone(), EnvPlace::BuildArg, pair)));
        let lines =
            [(CommandPlace::ServiceCommand, &service.command), (CommandPlace::ServiceEntrypoint, &service.entrypoint)];
        for (place, invocation) in lines {
            if let Some(invocation) = invocation {
                self.exec(&scope, place, invocation.span, invocation.words());
            }
        }
        if let Some(test) = service.healthcheck.as_ref().and_then(|check| check.test.as_ref()) {
            self.health_test(&scope, test);
        }
        let watched = service.uncommon.watch.iter().filter_map(|watch| watch.exec.as_ref());
        for hook in service.uncommon.hooks.iter().chain(watched) {
            self.hook(&scope, hook);
        }
    }

    /// `healthcheck.test`: a string and `CMD-SHELL` run in the shell, `CMD` does not.
    fn health_test(&mut self, scope: &Scope, test: &compose::Invocation) {
        let place = CommandPlace::Healthcheck;
        match &test.form {
            compose::Form::Text(scalar) => {
                let form = PendingForm::Shell(scalar.text().clone());
                self.commands.push(Pending { scope: scope.clone(), place, span: test.span, form, pipefail: false });
            }
            compose::Form::List(items) => match items.split_first() {
                Some((first, rest)) if first.value == "CMD-SHELL" => {
                    if let Some(text) = rest.first() {
                        let form = PendingForm::Shell(text.text().clone());
                        self.commands.push(Pending {
                            scope: scope.clone(),
                            place,
                            span: test.span,
                            form,
                            pipefail: false,
                        });
                    }
                }
                Some((first, rest)) if first.value == "CMD" => {
                    let words = rest.iter().map(|item| item.text().clone()).collect();
                    self.exec(scope, place, test.span, words);
                }
                _ => {}
            },
        }
    }

    fn hook(&mut self, scope: &Scope, hook: &Hook) {
        if let Some(image) = &hook.image {
            let variable = image.template.has_variables();
            let facet =
                facts::image(scope.clone(), ImagePlace::Hook, image.span, image.value.clone(), image.known, variable);
            self.images.push(facet);
        }
        self.envs.extend(hook.environment.iter().map(|pair| pair_env(scope.clone(), EnvPlace::Hook, pair)));
        if let Some(command) = &hook.command {
            self.exec(scope, CommandPlace::Hook, command.span, command.words());
        }
    }
}

/// The scope of what a service has; in which document it stands is found for each of its parts.
pub(in crate::project) fn service_scope(service: &Service) -> Scope {
    let name = service.name.as_ref().map_or("", |name| name.value.as_str());
    Scope { document: 0, stage: None, container: None, path: format!("services.{name}").into() }
}

/// The facet of an `environment` entry of a service.
pub(in crate::project) fn service_env(scope: Scope, pair: &KeyValue) -> Env {
    pair_env(scope, EnvPlace::Service, pair)
}

fn pair_env(scope: Scope, place: EnvPlace, pair: &KeyValue) -> Env {
    let value: Option<&Scalar> = pair.value.as_ref();
    Env {
        scope,
        place,
        span: pair.span,
        name: pair.key.clone(),
        known: value.is_none_or(|value| value.known),
        literals: value.map(|value| template_literals(&value.template)).unwrap_or_default(),
        value: value.map(|value| Spanned::new(value.value.clone(), value.span)),
    }
}
