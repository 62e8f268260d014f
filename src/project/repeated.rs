//! Secrets that are written in several places. Values are compared by their hashes, and nothing keeps them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Project;
use crate::container::{EnvPlace, Environment};
use crate::secret::{self, Verdict, files};
use crate::source::{Sources, Span};

/// Places of one value that are kept.
const MOST: usize = 100;

/// A value and where it is written.
#[derive(Debug)]
pub struct Repeated {
    /// The places, in the order of their files.
    pub places: Vec<Place>,
}

/// A place where a secret is written.
#[derive(Clone, Debug)]
pub struct Place {
    /// The value, or the name where that is in several lines.
    pub span: Span,
    /// What the value is given to.
    pub name: String,
    /// What that belongs to: the logical path of its service, stage or program.
    pub owner: String,
    /// Where it runs.
    pub environment: Environment,
    /// The file is one to be copied and filled in.
    pub example: bool,
    /// No person made the value up.
    pub random: bool,
}

impl Repeated {
    /// The places that are not in examples.
    pub fn used(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(|place| !place.example)
    }

    /// The first place that runs live, where another file has the value for development or tests.
    pub fn from_development(&self) -> Option<&Place> {
        let live = self.used().find(|place| place.environment.is_live())?;
        let file = live.span.file;
        self.used().any(|place| !place.environment.is_live() && place.span.file != file).then_some(live)
    }

    /// The first of the places, where they are in several files or for several services.
    pub fn first(&self) -> Option<&Place> {
        let first = self.used().next()?;
        let service = |place: &Place| place.owner.starts_with("services.");
        let several = self.used().any(|other| {
            other.span.file != first.span.file || service(first) && service(other) && other.owner != first.owner
        });
        several.then_some(first)
    }
}

/// Where a variable's value is shown.
pub fn shown(env: &crate::container::Env, sources: &Sources) -> Span {
    let value = env.value.as_ref().map(|value| value.span).filter(|span| !span.is_empty());
    value.filter(|span| !sources.text(*span).contains('\n')).unwrap_or(env.name.span)
}

/// Finds the secrets that are written in several places.
pub(super) fn find(project: &Project, sources: &Sources) -> HashMap<Span, Arc<Repeated>> {
    let mut by_value: HashMap<[u8; 32], Vec<Place>> = HashMap::new();
    let mut seen = HashSet::new();
    for env in &project.envs {
        let Some(written) = secret::written(env) else { continue };
        let Verdict::Secret { random } = written.verdict else { continue };
        let span = shown(env, sources);
        let container = env.scope.container.map(|index| &project.containers[index]);
        if !seen.insert(span) || secret::is_default(env, &written, container) {
            continue;
        }
        let places = by_value.entry(Sha256::digest(written.literal.value).into()).or_default();
        if places.len() < MOST {
            places.push(Place {
                span,
                name: env.name.value.clone(),
                owner: env.scope.path.to_string(),
                environment: project.environment(&env.scope),
                example: files::is_to_fill_in(&sources.get(span.file).path, env.place == EnvPlace::Dotenv),
                random,
            });
        }
    }
    let mut found = HashMap::new();
    for mut places in by_value.into_values().filter(|places| places.len() > 1) {
        places.sort_by(|a, b| {
            let key = |place: &Place| (sources.get(place.span.file).path.clone(), place.span);
            key(a).cmp(&key(b))
        });
        let repeated = Arc::new(Repeated { places });
        found.extend(repeated.places.iter().map(|place| (place.span, repeated.clone())));
    }
    found
}
