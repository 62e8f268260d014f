//! Values that are written as a text, or as something that TOML has a form of its own for.

#[cfg(test)]
use std::borrow::Cow;
use std::fmt;

use jiff::civil::Date;
#[cfg(test)]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::settings::{FromText, deserialize_from_text};

/// What a stack is called.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct StackName(#[cfg_attr(test, schemars(length(min = 1, max = 60)))] pub String);

deserialize_from_text!(StackName);

impl FromText for StackName {
    fn from_text(name: &str) -> Result<Self, String> {
        match name.trim().is_empty() || name.chars().count() > 60 {
            true => Err("a name has 1 to 60 characters".to_owned()),
            false => Ok(StackName(name.to_owned())),
        }
    }
}

/// A path from the folder of the file that it is written in, with `/` between its parts; `..` is allowed as far as it
/// stays in the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RelativePath(pub String);

deserialize_from_text!(RelativePath);

impl FromText for RelativePath {
    fn from_text(path: &str) -> Result<Self, String> {
        if path.is_empty() {
            return Err("the path is empty".to_owned());
        }
        if path.starts_with(['/', '~', '\\']) || path.as_bytes().get(1) == Some(&b':') {
            return Err(format!("`{path}` is not a path from the folder of this file"));
        }
        Ok(RelativePath(path.to_owned()))
    }
}

/// An absolute folder of a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ContainerFolder(pub String);

deserialize_from_text!(ContainerFolder);

impl FromText for ContainerFolder {
    fn from_text(path: &str) -> Result<Self, String> {
        if path.starts_with('/') {
            return Ok(ContainerFolder(crate::project::path::absolute("/", path)));
        }
        Err(format!("`{path}` is not an absolute path of a container"))
    }
}

/// A day: a TOML date (`2027-01-31`), or the same as a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(pub Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Days;
        impl<'de> Visitor<'de> for Days {
            type Value = Day;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a date such as 2027-01-31")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Day, E> {
                let day = (text.len() == 10).then(|| text.parse().ok()).flatten();
                day.map(Day).ok_or_else(|| E::custom(format!("`{text}` is not a date such as 2027-01-31")))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Day, A::Error> {
                let date = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
                self.visit_str(&date.to_string())
            }
        }
        deserializer.deserialize_any(Days)
    }
}

#[cfg(test)]
impl JsonSchema for Day {
    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A date such as 2027-01-31", "type": "string", "format": "date" })
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sizes;
        impl Visitor<'_> for Sizes {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number of bytes, or a string such as \"512K\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Size, E> {
                size(text).map(Size).map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<Size, E> {
                self.visit_str(&bytes.to_string())
            }
        }
        deserializer.deserialize_any(Sizes)
    }
}

#[cfg(test)]
impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes, or a text with a suffix K or M",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9]+ ?([kKmM]?[bB]?|[kKmM]i[bB])$" },
            ],
        })
    }
}

/// A number of findings that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxFindings(pub usize);

impl<'de> Deserialize<'de> for MaxFindings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const MOST: i64 = 100_000;
        let number = i64::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("not a number from 1 to {MOST}"));
        usize::try_from(number).ok().filter(|_| (1..=MOST).contains(&number)).map(MaxFindings).ok_or_else(wrong)
    }
}

#[cfg(test)]
impl JsonSchema for MaxFindings {
    fn schema_name() -> Cow<'static, str> {
        "MaxFindings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A number of findings", "type": "integer", "minimum": 1, "maximum": 100_000 })
    }
}

/// A number of bytes: `65536`, `64K`, `64KiB`, `1M`.
///
/// # Errors
/// It is not a number of bytes, or more than spans can count.
pub fn size(given: &str) -> Result<u64, String> {
    let digits = given.trim_end_matches(|character: char| !character.is_ascii_digit());
    let factor = match given[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        _ => return Err("not a number of bytes, K or M".to_owned()),
    };
    // Spans are 32 bits wide, and a file that is not UTF-8 doubles when it is recoded.
    const MOST: u64 = 1 << 30;
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    bytes.filter(|bytes| *bytes <= MOST).ok_or_else(|| format!("not a number of bytes up to {MOST}"))
}
