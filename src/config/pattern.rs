//! Patterns for paths and for images.

#[cfg(test)]
use std::borrow::Cow;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
#[cfg(test)]
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::settings::{At, FromText, OneOrMany, deserialize_from_text};

/// Longest pattern in bytes.
const LONGEST: usize = 1_000;

/// A pattern for paths, much as in `.gitignore`: `*` and `?` stand for characters of one name, `**` for any folders,
/// `{a,b}` for either. With a `/` in it the pattern starts at the folder of the file that it is written in, without one it
/// is a name anywhere below. What is below a folder that matches does, too.
#[derive(Clone, Debug)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Pattern(Vec<Glob>);

deserialize_from_text!(Pattern);

impl FromText for Pattern {
    fn from_text(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix("./").unwrap_or(text);
        let (start, folder) = (bare.trim_start_matches('/'), bare.ends_with('/'));
        let body = start.trim_end_matches('/');
        if body.is_empty() {
            return Err(format!("`{text}` is not a pattern: `**` stands for every file"));
        }
        if body.split('/').any(|part| part == "..") {
            return Err(format!("`{text}` leads out of the folder of this file"));
        }
        let anywhere = !bare.trim_end_matches('/').contains('/');
        let body = if anywhere { format!("**/{body}") } else { body.to_owned() };
        let below = (!body.ends_with("/**") && body != "**").then(|| format!("{body}/**"));
        let globs = (!folder).then_some(body).into_iter().chain(below);
        globs.map(|pattern| glob(&pattern)).collect::<Result<_, _>>().map(Pattern)
    }
}

fn glob(pattern: &str) -> Result<Glob, String> {
    if pattern.len() > LONGEST {
        return Err(format!("the pattern is longer than {LONGEST} bytes"));
    }
    let built = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    built.map_err(|error| format!("not a pattern: {}", error.kind()))
}

/// Patterns of which one has to match.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "OneOrMany<At<Pattern>>")]
pub struct Globs(GlobSet);

impl Globs {
    /// Whether one of them matches a path, seen from the folder of the file that they are written in.
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<OneOrMany<At<Pattern>>> for Globs {
    type Error = String;

    fn try_from(patterns: OneOrMany<At<Pattern>>) -> Result<Self, String> {
        set(patterns.0.into_iter().flat_map(|pattern| pattern.value.0)).map(Globs)
    }
}

fn set(globs: impl Iterator<Item = Glob>) -> Result<GlobSet, String> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        builder.add(glob);
    }
    builder.build().map_err(|error| format!("the patterns are too much: {}", error.kind()))
}

#[cfg(test)]
impl JsonSchema for Globs {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Globs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        OneOrMany::<Pattern>::json_schema(generator)
    }
}

/// A pattern for images: a registry (`ghcr.io`, `*.example.org`), perhaps with the start of a repository
/// (`docker.io/library`, `ghcr.io/acme/app-*`). `*` stands for characters between two `/`, `**` for any. Docker Hub is
/// `docker.io`, and its official images are below `docker.io/library`.
#[derive(Clone, Debug)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(with = "String"))]
pub struct ImagePattern(Vec<Glob>);

deserialize_from_text!(ImagePattern);

impl FromText for ImagePattern {
    fn from_text(text: &str) -> Result<Self, String> {
        let body = text.trim_end_matches('/');
        let (host, repository) = body.split_once('/').unwrap_or((body, ""));
        if !(host.contains(['.', ':', '*']) || host == "localhost") {
            return Err(match repository {
                "" => format!("`{text}` names no registry; the official image is `docker.io/library/{body}`"),
                _ => format!("`{text}` names no registry; on Docker Hub it is `docker.io/{body}`"),
            });
        }
        if repository.contains([':', '@']) {
            return Err(format!("`{text}` names a tag or digest; a pattern is for a registry and repositories"));
        }
        let all = if body.ends_with("/**") || body == "**" { None } else { Some(format!("{body}/**")) };
        [Some(body.to_owned()), all]
            .into_iter()
            .flatten()
            .map(|body| glob(&body))
            .collect::<Result<_, _>>()
            .map(ImagePattern)
    }
}

/// Patterns for images of which one has to match.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Vec<ImagePattern>")]
pub struct Trusted(GlobSet);

impl Trusted {
    /// Whether one of them matches a registry and repository in full (`docker.io/library/postgres`).
    pub fn matches(&self, image: &str) -> bool {
        self.0.is_match(image)
    }
}

impl TryFrom<Vec<ImagePattern>> for Trusted {
    type Error = String;

    fn try_from(patterns: Vec<ImagePattern>) -> Result<Self, String> {
        set(patterns.into_iter().flat_map(|pattern| pattern.0)).map(Trusted)
    }
}

#[cfg(test)]
impl JsonSchema for Trusted {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Trusted".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<ImagePattern>::json_schema(generator)
    }
}
