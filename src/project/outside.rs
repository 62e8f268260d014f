//! What configs include from outside of the scan root.

use std::collections::HashMap;

use super::link::Linker;
use super::{include, path};
use crate::source::{ReadError, Skipped, Span};
use crate::syntax::Document;

/// Bytes of the longest path that is shown.
const MOST_SHOWN: usize = 120;

/// A file at `place` that names `target`, which lies outside of the scan root.
pub(super) fn named(linker: &Linker, place: Span, by: &str, target: &str) -> Skipped {
    let shown = &target[..target.floor_char_boundary(MOST_SHOWN)];
    let reason = format!("`{by}` names `{shown}`, which lies outside of the scanned folder");
    Skipped { path: linker.sources.get(place.file).path.clone(), reason, gap: Some(place) }
}

/// Notes the relative includes of nginx and supervisord configs that lead out of the scan root, where nothing in it is
/// what they mean. An absolute one is a path of the container, and so is that of a text which a Dockerfile puts there.
pub(super) fn note(linker: &mut Linker, includes: &include::Includes) {
    let mut folders: HashMap<String, bool> = HashMap::new();
    let mut outside = Vec::new();
    for document in &linker.documents {
        let own = &linker.sources.get(document.file()).path;
        if linker.sources.find(own) != Some(document.file()) {
            continue;
        }
        let mut look = |by: &str, target: &str, relative: &str, place: Span| {
            let Some(looks) = looks(path::directory(own), relative) else { return };
            let out = match looks {
                Looks::In(folder) => *folders.entry(folder).or_insert_with_key(|folder| {
                    // Only the folder is asked for: nothing of what is in it is read.
                    matches!(linker.sources.store().read(folder), Err(ReadError::Outside))
                }),
                Looks::Above => true,
            };
            if out {
                outside.push(named(linker, place, by, target));
            }
        };
        match document {
            Document::Nginx(nginx) => {
                for visit in nginx.walk().filter(|visit| visit.directive.is("include")) {
                    if let Some(pattern) = visit.directive.arguments.first()
                        && includes.of(visit.directive.span).is_empty()
                    {
                        look("include", pattern.text.as_str(), pattern.text.as_str(), pattern.text.span);
                    }
                }
            }
            Document::Supervisor(supervisor) => {
                let files = supervisor.include_files();
                for pattern in files.iter().filter(|pattern| !linker.followed.contains(&pattern.span)) {
                    let relative = pattern.value.strip_prefix("%(here)s/").unwrap_or(&pattern.value);
                    look("files", &pattern.value, relative, pattern.span);
                }
            }
            Document::Dockerfile(_) | Document::Compose(_) | Document::Dotenv(_) => {}
        }
    }
    linker.outside.append(&mut outside);
}

/// Where a relative pattern looks.
#[derive(Debug, PartialEq)]
enum Looks {
    /// In a folder that only the disk can tell the place of.
    In(String),
    /// Above the scan root.
    Above,
}

/// Where `pattern`, seen from `directory`, looks; nothing where it is absolute or cannot be told.
fn looks(directory: &str, pattern: &str) -> Option<Looks> {
    let folder = path::directory(pattern);
    if folder.is_empty() || pattern.starts_with('/') {
        return None;
    }
    // What stands before the first part that stands for others may be enough.
    let is_open = |part: &&str| part.contains(['*', '?', '[', '$', '{', '%']);
    let open = folder.split('/').position(|part| is_open(&part));
    let known: Vec<&str> = folder.split('/').take(open.unwrap_or(usize::MAX)).collect();
    match path::join(directory, &format!("./{}", known.join("/"))) {
        None => Some(Looks::Above),
        Some(folder) => open.is_none().then_some(Looks::In(folder)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_leads_out_by_what_is_known_of_it() {
        for (directory, pattern, expected) in [
            ("", "../x.conf", Some(Looks::Above)),
            ("", "../$x/y.conf", Some(Looks::Above)),
            ("a", "../../*/y.conf", Some(Looks::Above)),
            ("a", "b/../../../y%20.conf", Some(Looks::Above)),
            ("a", "../b/*.conf", Some(Looks::In("b".to_owned()))),
            ("a", "~b/*.conf", Some(Looks::In("a/~b".to_owned()))),
            ("a", "../b*/x.conf", None),
            ("", "$up/../x.conf", None),
            ("", "*.conf", None),
            ("", "/../x.conf", None),
        ] {
            assert_eq!(looks(directory, pattern), expected, "{directory} {pattern}");
        }
    }
}
