//! Which file of one state of the repository is which file of the other, by their contents.
//!
//! git finds renames in the same way, but only between commits: what is moved and not committed yet counts here, too.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::project::path::file_name;
use crate::source::{Source, Sources};

/// Pairs of files that are compared line by line; with more only those with equal contents are found.
const MOST_PAIRS: usize = 10_000;
/// Percentage of the larger file that the two have to share, as in git.
const ALIKE: u64 = 50;

/// The new path of every file of `before` that is another's in `after`.
pub fn renames(before: &Sources, after: &Sources) -> HashMap<String, String> {
    let mut gone = only_in(before, after);
    let mut new = only_in(after, before);
    let mut renames = HashMap::new();
    // Equal contents, those with the same name first.
    for by_name in [true, false] {
        let key = |source: &Source| {
            let name = if by_name { file_name(&source.path) } else { "" };
            (source.kind, name.to_owned(), source.text.clone())
        };
        let mut free: BTreeMap<_, Vec<&Source>> = BTreeMap::new();
        new.iter().rev().for_each(|source| free.entry(key(source)).or_default().push(source));
        for source in &gone {
            if let Some(found) = free.get_mut(&key(source)).and_then(Vec::pop) {
                renames.insert(source.path.clone(), found.path.clone());
            }
        }
        take_out(&mut gone, &mut new, &renames);
    }
    if gone.len().saturating_mul(new.len()) <= MOST_PAIRS {
        let counted = |sources: &[&Source]| sources.iter().map(|source| lines(source)).collect::<Vec<_>>();
        let (before, after) = (counted(&gone), counted(&new));
        let mut pairs = Vec::new();
        for (from, source) in gone.iter().enumerate() {
            for (to, target) in new.iter().enumerate().filter(|(_, target)| target.kind == source.kind) {
                let larger = source.text.len().max(target.text.len()).max(1) as u64;
                let alike = shared(&before[from], &after[to]) * 100 / larger;
                if alike >= ALIKE {
                    let same_name = file_name(&source.path) == file_name(&target.path);
                    pairs.push((Reverse(alike), Reverse(same_name), from, to));
                }
            }
        }
        pairs.sort_unstable();
        let mut used = (HashSet::new(), HashSet::new());
        for (_, _, from, to) in pairs {
            if !used.0.contains(&from) && !used.1.contains(&to) {
                used.0.insert(from);
                used.1.insert(to);
                renames.insert(gone[from].path.clone(), new[to].path.clone());
            }
        }
    }
    renames
}

/// The files of `these` at whose paths `those` have nothing, by path.
fn only_in<'a>(these: &'a Sources, those: &Sources) -> Vec<&'a Source> {
    let mut only: Vec<&Source> =
        these.iter().map(|(_, source)| source).filter(|source| !those.exists(&source.path)).collect();
    only.sort_unstable_by_key(|source| source.path.as_str());
    only
}

fn take_out(gone: &mut Vec<&Source>, new: &mut Vec<&Source>, renames: &HashMap<String, String>) {
    gone.retain(|source| !renames.contains_key(&source.path));
    let taken: HashSet<&String> = renames.values().collect();
    new.retain(|source| !taken.contains(&source.path));
}

/// How often each line stands in a file, with its length in bytes.
fn lines(source: &Source) -> HashMap<u64, (u64, u64)> {
    let mut lines: HashMap<u64, (u64, u64)> = HashMap::new();
    for line in source.text.lines() {
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        lines.entry(hasher.finish()).or_insert((0, line.len() as u64 + 1)).0 += 1;
    }
    lines
}

/// Bytes of the lines that both files have.
fn shared(a: &HashMap<u64, (u64, u64)>, b: &HashMap<u64, (u64, u64)>) -> u64 {
    let (few, many) = if a.len() < b.len() { (a, b) } else { (b, a) };
    few.iter().filter_map(|(line, (times, length))| Some(times.min(&many.get(line)?.0) * length)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Kind;

    fn sources(files: &[(&str, &str)]) -> Sources {
        let mut sources = Sources::default();
        for (path, text) in files {
            let mut source = Source::new(*path, *text);
            source.kind = Kind::Dockerfile;
            sources.add(source);
        }
        sources
    }

    #[test]
    fn a_file_is_found_again_by_its_content_and_then_by_its_name() {
        let long = "FROM a\nRUN one\nRUN two\nUSER root\n";
        let edited = "FROM a\nRUN one\nRUN two\nUSER app\n";
        type Files<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(Files, Files, Files)] = &[
            (&[("Dockerfile", long)], &[("api/Dockerfile", long)], &[("Dockerfile", "api/Dockerfile")]),
            (&[("Dockerfile", long)], &[("api/Dockerfile", edited)], &[("Dockerfile", "api/Dockerfile")]),
            (&[("Dockerfile", long)], &[("api/Dockerfile", "FROM z\nRUN other\n")], &[]),
            // What is still there was copied, not moved.
            (&[("Dockerfile", long)], &[("Dockerfile", long), ("api/Dockerfile", long)], &[]),
            (
                &[("a/Dockerfile", long), ("a/x.Dockerfile", long)],
                &[("b/Dockerfile", long), ("b/x.Dockerfile", long)],
                &[("a/Dockerfile", "b/Dockerfile"), ("a/x.Dockerfile", "b/x.Dockerfile")],
            ),
        ];
        for (before, after, expected) in cases {
            let expected: HashMap<String, String> =
                expected.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
            assert_eq!(renames(&sources(before), &sources(after)), expected, "{before:?} {after:?}");
        }
    }
}
