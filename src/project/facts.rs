//! What decides a container's facts: Compose beats the image, a stage beats its base.

use crate::container::facet::Scope;
use crate::container::known::KnownImage;
use crate::container::{BuiltFrom, Fact, Healthcheck, Image, ImagePlace, User, UserSource, Why, image::split};
use crate::source::{Span, Spanned};
use crate::syntax::compose::Service;
use crate::syntax::dockerfile::{Base, Dockerfile, Healthcheck as Instruction, Kind};

/// What the facts are decided from.
pub(super) struct Facts<'a> {
    pub service: Option<&'a Service>,
    pub dockerfile: Option<&'a Dockerfile>,
    pub built: Option<&'a BuiltFrom>,
    /// The service has a `build` whose Dockerfile was not found.
    pub unbuilt: bool,
    pub image: Option<&'a Image>,
    pub known: Option<&'static KnownImage>,
    pub partial: bool,
    /// The place that stands for the container.
    pub span: Span,
}

impl Facts<'_> {
    /// The account that the first process starts as.
    pub fn user(&self) -> Fact<User> {
        // An empty one leaves the image's.
        let user = self.service.and_then(|service| service.user.as_ref()).filter(|user| !user.value.is_empty());
        if let Some(user) = user {
            if !user.known {
                return Fact::Unknown(Why::Variable);
            }
            return known_at(User { name: user.value.clone(), by: UserSource::Compose }, user.span);
        }
        if let Some(user) = self.built.and_then(|built| built.config.user.as_ref()) {
            if !user.is_known() {
                return Fact::Unknown(Why::Variable);
            }
            return known_at(User { name: user.value.clone(), by: UserSource::Dockerfile }, user.span);
        }
        self.inherited(|known| {
            let user = User { name: known.user.to_owned(), by: UserSource::KnownImage };
            known_at(user, self.image.map_or(self.span, |image| image.span))
        })
    }

    /// The health check in force.
    pub fn healthcheck(&self) -> Fact<Healthcheck> {
        if let Some(check) = self.service.and_then(|service| service.healthcheck.as_ref()) {
            if let Some(span) = check.disabled {
                return known_at(Healthcheck::Disabled, span);
            }
            if check.test.is_some() {
                return known_at(Healthcheck::Compose, check.span);
            }
        }
        let instruction = self.built.and_then(|built| built.config.healthcheck);
        let instruction = instruction.and_then(|index| self.dockerfile?.effective(index));
        if let Some(instruction) = instruction {
            let check = match &instruction.kind {
                Kind::Healthcheck(Instruction::None) => Healthcheck::Disabled,
                _ => Healthcheck::Dockerfile,
            };
            return known_at(check, instruction.span);
        }
        self.inherited(|known| match known.healthcheck {
            true => known_at(Healthcheck::KnownImage, self.image.map_or(self.span, |image| image.span)),
            false => Fact::Absent(self.span),
        })
    }

    /// A fact that neither the service nor the stages decide: the base image does.
    fn inherited<T>(&self, decide: impl FnOnce(&'static KnownImage) -> Fact<T>) -> Fact<T> {
        if self.partial {
            return Fact::Unknown(Why::Partial);
        }
        if self.unbuilt {
            return Fact::Unknown(Why::MissingDockerfile);
        }
        if let Some(known) = self.known {
            return decide(known);
        }
        match (self.built.map(|built| &built.config.base), self.image) {
            (Some(Base::Scratch), _) => Fact::Absent(self.span),
            (_, Some(image)) if !image.known => Fact::Unknown(Why::Variable),
            _ => Fact::Unknown(Why::UnknownImage),
        }
    }
}

/// The facet of an image reference.
pub(super) fn image(scope: Scope, place: ImagePlace, span: Span, text: String, known: bool, variable: bool) -> Image {
    let parts = split(&text);
    Image {
        scope,
        place,
        span,
        registry: parts.registry,
        repository: parts.repository,
        tag: parts.tag,
        digest: parts.digest,
        reference: text,
        known,
        variable,
        built_here: false,
    }
}

/// The fact that something is where `span` says.
fn known_at<T>(value: T, span: Span) -> Fact<T> {
    Fact::Known(Spanned::new(value, span))
}
