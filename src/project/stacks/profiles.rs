//! Which services of a stack run, by the profiles that are active: as compose-go's `WithProfiles` and the check of
//! dependencies behind it.

use std::collections::HashMap;

use super::{Gap, GapKind, GapReason};
use crate::source::{Span, Spanned};
use crate::syntax::compose::{Compose, Service};

/// The profile that stands for all of them.
const ALL: &str = "*";

/// A service that another one needs and that does not run, so that Compose refuses to start the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inactive {
    /// The service that needs it.
    pub by: String,
    /// The needed service, where that is said.
    pub service: Spanned<String>,
    /// The profiles that it runs under.
    pub profiles: Vec<Spanned<String>>,
}

/// Takes the services out of `model` whose profiles are not among `active`. Gives what those that run need of them, and
/// the profiles that no service has.
pub(super) fn activate(model: &mut Compose, active: &[Spanned<String>]) -> (Vec<Inactive>, Vec<Gap>) {
    let all = active.iter().any(|name| name.value == ALL);
    let runs = |service: &Service| {
        let named = |name: &str| active.iter().any(|active| active.value == name);
        all || service.profiles.is_empty() || service.profiles.iter().any(|profile| named(&profile.value))
    };
    let has = |name: &str| model.services.iter().flat_map(|service| &service.profiles).any(|it| it.value == name);
    let unknown = active.iter().filter(|name| name.value != ALL && !has(&name.value));
    let unknown = unknown.map(|name| Gap {
        kind: GapKind::Profiles,
        span: name.span,
        service: None,
        target: name.value.clone(),
        why: GapReason::Undefined,
    });
    let unknown = unknown.collect();
    let (services, others): (Vec<Service>, Vec<Service>) =
        std::mem::take(&mut model.services).into_iter().partition(runs);
    let others: HashMap<&str, &Service> =
        others.iter().filter_map(|service| Some((service.name.as_ref()?.value.as_str(), service))).collect();
    let mut inactive = Vec::new();
    for service in &services {
        let Some(by) = &service.name else { continue };
        for (name, span) in needs(service) {
            let Some(other) = others.get(name) else { continue };
            let profiles = other.profiles.iter().map(|it| Spanned::new(it.value.clone(), it.span)).collect();
            inactive.push(Inactive { by: by.value.clone(), service: Spanned::new(name.to_owned(), span), profiles });
        }
    }
    model.services = services;
    (inactive, unknown)
}

/// The services that Compose starts, or refuses to do without, where `service` runs.
fn needs(service: &Service) -> impl Iterator<Item = (&str, Span)> {
    let depends = service.depends_on.iter().filter(|dependency| dependency.required);
    let depends = depends.map(|dependency| (dependency.service.value.as_str(), dependency.service.span));
    let modes = [&service.network_mode, &service.pid, &service.ipc].into_iter().flatten();
    let modes = modes.filter_map(|mode| Some((mode.value.strip_prefix("service:")?, mode.span)));
    let from = service.uncommon.volumes_from.iter().filter(|from| !from.value.starts_with("container:"));
    let from = from.map(|from| (from.value.split(':').next().unwrap_or_default(), from.span));
    let links = service.uncommon.links.iter().map(|link| (link.value.split(':').next().unwrap_or_default(), link.span));
    depends.chain(modes).chain(from).chain(links)
}
