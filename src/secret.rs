//! What is a secret: by its name and by its value.
//!
//! Two questions are asked of a value, with two answers. Whether to report it: only where its name is a credential's AND
//! the value can be one, since a false alarm costs trust. Whether to show it: never where it might be one, since what is
//! written to a log cannot be taken back. The first is [`written`]; the second is asked of every file that was read, by
//! [`crate::redact`].

pub mod files;
pub mod known;
pub mod line;
mod literals;
pub mod name;
pub mod text;
pub mod token;
pub mod url;
pub mod value;

pub use name::Shape;
pub use value::Verdict;

use std::ops::Range;

use crate::container::{Container, Env};
use crate::source::Spanned;

/// The secrets in a text that show by their format alone.
#[derive(Debug, Default)]
pub struct Formats {
    /// Vendors' tokens and keys.
    pub tokens: Vec<token::Token>,
    /// Passwords inside connection strings.
    pub connections: Vec<url::Connection>,
}

impl Formats {
    /// What stands in `text`.
    pub fn of(text: &str) -> Formats {
        Formats { tokens: token::find(text), connections: url::find(text) }
    }

    /// Whether anything stands in `text`, a sample or not.
    pub fn are_in(text: &str) -> bool {
        !token::find(text).is_empty() || !url::find(text).is_empty()
    }

    /// The bytes that are secret, in no order.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let tokens = self.tokens.iter().map(|token| token.range.clone());
        tokens.chain(self.connections.iter().map(|connection| connection.password.clone()))
    }
}

/// A value that is written for an environment variable whose name is a credential's.
#[derive(Debug)]
pub struct Written<'a> {
    /// What the name says.
    pub shape: Shape,
    /// What the value is.
    pub verdict: Verdict,
    /// The value, and its place.
    pub literal: Spanned<&'a str>,
}

/// What an environment variable gives away by name and value; nothing where another rule speaks of the value, since it
/// is a vendor's token or a connection string.
pub fn written(env: &Env) -> Option<Written<'_>> {
    let name = env.name.value.as_str();
    let separator = behind_user(name);
    let shape = if separator.is_some() { Shape::Password } else { name::shape(name)? };
    let judged = env.literals.iter().filter_map(|literal| {
        let value = match separator {
            // What a password is checked with begins with a dollar sign.
            Some(separator) => literal.value.split_once(separator).filter(|(_, value)| !value.starts_with('$'))?.1,
            None => literal.value.as_str(),
        };
        let elsewhere = Formats::are_in(value);
        let verdict = if is_own_name(name, value) { own(shape) } else { value::judge(shape, value) };
        (!elsewhere).then(|| Written { shape, verdict, literal: Spanned::new(value, literal.span) })
    });
    judged.max_by_key(|written| match written.verdict {
        Verdict::Plain => 0,
        Verdict::Placeholder => 1,
        Verdict::Default => 2,
        Verdict::Secret { .. } => 3,
    })
}

/// What stands between a user and a password where a variable has both: the image of Neo4j takes `user/password`, HTTP
/// `user:password`.
fn behind_user(name: &str) -> Option<char> {
    match name {
        "NEO4J_AUTH" => Some('/'),
        "BASIC_AUTH" => Some(':'),
        _ => name.ends_with("_BASIC_AUTH").then_some(':'),
    }
}

/// Whether a value is the name of a variable: its own, or another credential's in capitals.
fn is_own_name(name: &str, value: &str) -> bool {
    // An interpolation that was forgotten, or a secret of a test.
    let capitals = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    value.eq_ignore_ascii_case(name) || value.contains('_') && value.bytes().all(capitals) && name::is_sensitive(value)
}

/// What the name of a variable is as a value.
fn own(shape: Shape) -> Verdict {
    if shape >= Shape::Secret { Verdict::Default } else { Verdict::Placeholder }
}

/// Whether what is written for a credential can be guessed: it is made of words that everybody tries and of names that
/// stand beside it: those of the `container` that it belongs to.
pub fn is_default(env: &Env, written: &Written, container: Option<&Container>) -> bool {
    /// Variables of a container that are looked at.
    const MOST: usize = 256;
    match written.verdict {
        Verdict::Default => return true,
        Verdict::Secret { .. } => {}
        _ => return false,
    }
    let value = written.literal.value;
    let mut names: Vec<&str> = Vec::new();
    let parts = |name: &str| name.len() >= 2 && name.len() <= value.len();
    let separators = ['_', '-', '.', '/'];
    names.extend(env.name.value.split(separators).filter(|part| parts(part)));
    if let Some(container) = container {
        names.extend(container.name.split(separators).filter(|part| parts(part)));
        let image = container.image.as_ref().map_or("", |image| image.repository.as_str());
        names.extend(image.split(separators).filter(|part| parts(part)));
        let beside = container.env.iter().take(MOST).filter(|other| {
            let name = other.name.value.to_ascii_lowercase();
            ["user", "username", "login", "db", "database", "name"].iter().any(|ending| name.ends_with(ending))
        });
        names.extend(
            beside.filter_map(|other| other.value.as_ref()).map(|other| other.value.as_str()).filter(|v| parts(v)),
        );
    }
    value::is_made_of(value, &names)
}

#[cfg(test)]
mod tests;
