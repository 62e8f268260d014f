//! Ignore files of builds, as BuildKit reads them (moby's `ignorefile` and `patternmatcher`). They look like git's and are
//! not: a pattern starts at the root of the context, and what a folder's pattern left out a later line can let in again.

use super::clean_parts;
use crate::source::{FileId, Span};

/// Longest pattern that is taken, in bytes: Linux's PATH_MAX.
const MAX_PATTERN: usize = 4_096;

/// A parsed ignore file.
#[derive(Debug)]
pub struct Dockerignore {
    /// The file.
    pub file: FileId,
    /// The patterns in order.
    pub patterns: Vec<Pattern>,
}

/// A line of an ignore file.
#[derive(Debug)]
pub struct Pattern {
    /// The line without the blanks around it.
    pub span: Span,
    /// It begins with `!`: what it matches is let in.
    pub exception: bool,
    how: How,
}

/// How a pattern is compared.
#[derive(Debug)]
enum How {
    /// The path is this one.
    Exact(String),
    /// The path begins so: `folder/**`.
    Start(String),
    /// The path ends so: `**/name` and `**name`.
    End(String),
    /// The path fits piece by piece.
    Pieces(Vec<Piece>),
}

/// A piece of a pattern, as the regular expression that it stands for.
#[derive(Debug)]
enum Piece {
    /// One character.
    Character(char),
    /// `?`: any character but `/`.
    Any,
    /// `*`: any number of characters but `/`.
    Run,
    /// `**` at the end: anything.
    Rest,
    /// `**` before something: nothing, or anything up to a `/`.
    Folders,
    /// `[…]`: negated or not, and its ranges.
    Class(bool, Vec<(char, char)>),
}

/// Reads an ignore file. A pattern that Go's `filepath.Match` refuses, with which no build would start, matches nothing.
pub fn parse(file: FileId, text: &str) -> Dockerignore {
    let mut patterns = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = if start == 0 { line.trim_start_matches('\u{feff}') } else { line };
        let trimmed = line.trim();
        // A `#` behind a blank begins a pattern.
        if line.starts_with('#') || trimmed.is_empty() || trimmed.len() > MAX_PATTERN {
            continue;
        }
        let (exception, written) = match trimmed.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, trimmed),
        };
        let cleaned = clean(written);
        // For historical reasons, the pattern `.` is ignored.
        let Some(how) = (cleaned != ".").then(|| compile(&cleaned)).flatten() else { continue };
        let front = at - line.len() + (line.len() - line.trim_start().len());
        patterns.push(Pattern { span: Span::new(file, front..front + trimmed.len()), exception, how });
    }
    Dockerignore { file, patterns }
}

/// The shortest equal path, as Go's `filepath.Clean` makes it, without a `/` in front.
fn clean(path: &str) -> String {
    let parts = clean_parts(path);
    match parts.is_empty() {
        true if path.starts_with('/') => "/".to_owned(),
        true => ".".to_owned(),
        false => parts.join("/"),
    }
}

/// How a cleaned pattern is compared; nothing where it is malformed.
fn compile(pattern: &str) -> Option<How> {
    let special = |text: &str| text.contains(['*', '?', '[', ']', '\\']);
    if !special(pattern) {
        return Some(How::Exact(pattern.to_owned()));
    }
    if let Some(end) = pattern.strip_prefix("**").filter(|end| !special(end)) {
        return Some(How::End(end.to_owned()));
    }
    if let Some(start) = pattern.strip_suffix("**").filter(|start| !special(start)) {
        return Some(How::Start(start.to_owned()));
    }
    let mut pieces = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        pieces.push(match next {
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                if rest.peek().is_none() { Piece::Rest } else { Piece::Folders }
            }
            '*' => Piece::Run,
            '?' => Piece::Any,
            '\\' => Piece::Character(rest.next()?),
            '[' => {
                let negated = rest.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    let single = |rest: &mut std::iter::Peekable<std::str::Chars>| match rest.next()? {
                        '\\' => rest.next(),
                        '-' => None,
                        other => Some(other),
                    };
                    if rest.peek() == Some(&']') && !ranges.is_empty() {
                        rest.next();
                        break;
                    }
                    if rest.peek() == Some(&']') {
                        return None;
                    }
                    let low = single(&mut rest)?;
                    let high = match rest.next_if_eq(&'-') {
                        Some(_) if rest.peek() == Some(&']') => return None,
                        Some(_) => single(&mut rest)?,
                        None => low,
                    };
                    ranges.push((low, high));
                }
                Piece::Class(negated, ranges)
            }
            other => Piece::Character(other),
        });
    }
    Some(How::Pieces(pieces))
}

impl Pattern {
    /// Whether the pattern fits the path or a folder that it is in.
    fn covers(&self, path: &str) -> bool {
        let folders = || path.match_indices('/').map(|(at, _)| &path[..at]);
        match &self.how {
            How::Exact(exact) => {
                path.strip_prefix(exact.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            How::Start(start) => path.starts_with(start.as_str()),
            How::End(end) => folders()
                .chain([path])
                .any(|path| path.ends_with(end.as_str()) || end.strip_prefix('/').is_some_and(|end| path == end)),
            How::Pieces(pieces) => covers(pieces, path),
        }
    }

    /// Whether something below the folder may fit.
    fn may_fit_below(&self, folder: &str) -> bool {
        let literal: String = match &self.how {
            How::Exact(exact) => exact.clone(),
            How::Start(start) => start.clone(),
            How::End(_) => return true,
            How::Pieces(pieces) => {
                let literal = pieces.iter().map_while(|piece| match piece {
                    Piece::Character(character) => Some(*character),
                    _ => None,
                });
                literal.collect()
            }
        };
        let inside = |path: &str, folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        match &self.how {
            How::Exact(_) => inside(&literal, folder),
            _ => literal.starts_with(folder) || folder.starts_with(literal.as_str()),
        }
    }
}

/// Whether a path, or a folder that it is in, is what the pieces stand for. All places in the pattern that can be reached are
/// followed at once, so that no pattern takes longer than its length times that of the path.
fn covers(pieces: &[Piece], path: &str) -> bool {
    let mut reached = vec![false; pieces.len() + 1];
    let mut next = vec![false; pieces.len() + 1];
    // A place inside `**/`, which may only be left behind a `/`, is kept apart from the one in front of it.
    let mut inside = vec![false; pieces.len()];
    reached[0] = true;
    skip(pieces, &mut reached);
    for character in path.chars() {
        if character == '/' && reached[pieces.len()] {
            return true;
        }
        next.fill(false);
        for (at, piece) in pieces.iter().enumerate() {
            let here = reached[at];
            match piece {
                Piece::Folders => {
                    inside[at] |= here;
                    next[at + 1] |= inside[at] && character == '/';
                }
                Piece::Rest => next[at] |= here,
                Piece::Run => next[at] |= here && character != '/',
                Piece::Any => next[at + 1] |= here && character != '/',
                Piece::Character(own) => next[at + 1] |= here && *own == character,
                Piece::Class(negated, ranges) => {
                    let found = ranges.iter().any(|(low, high)| (*low..=*high).contains(&character));
                    next[at + 1] |= here && found != *negated;
                }
            }
        }
        std::mem::swap(&mut reached, &mut next);
        skip(pieces, &mut reached);
    }
    reached[pieces.len()]
}

/// Reaches what is behind pieces that may stand for nothing.
fn skip(pieces: &[Piece], reached: &mut [bool]) {
    for (at, piece) in pieces.iter().enumerate() {
        if reached[at] && matches!(piece, Piece::Run | Piece::Rest | Piece::Folders) {
            reached[at + 1] = true;
        }
    }
}

impl Dockerignore {
    /// The line that decides about a path of the context: the last one that fits it or a folder that it is in. There is
    /// none for a path that no line speaks of.
    pub fn decides(&self, path: &str) -> Option<&Pattern> {
        let mut left_out = false;
        let mut decided = None;
        for pattern in &self.patterns {
            // A line that would change nothing does not decide.
            if pattern.exception == left_out && pattern.covers(path) {
                left_out = !pattern.exception;
                decided = Some(pattern);
            }
        }
        decided
    }

    /// What the comparison with a path costs for each byte of the path: the pieces of all patterns.
    pub fn weight(&self) -> usize {
        let pieces = |pattern: &Pattern| match &pattern.how {
            How::Pieces(pieces) => pieces.len(),
            _ => 1,
        };
        self.patterns.iter().map(pieces).sum()
    }

    /// Whether a path of the context is left out.
    pub fn excludes(&self, path: &str) -> bool {
        self.decides(path).is_some_and(|pattern| !pattern.exception)
    }

    /// Whether all that is below a folder is left out.
    pub fn excludes_all_of(&self, folder: &str) -> bool {
        let exceptions = || self.patterns.iter().filter(|pattern| pattern.exception);
        self.excludes(folder) && !exceptions().any(|pattern| pattern.may_fit_below(folder))
    }

    /// Whether everything is left out that no exception names.
    pub fn excludes_by_default(&self) -> bool {
        // Names that nobody thought of.
        ["unforeseen", "unforeseen.0", ".unforeseen", "unforeseen.d/unforeseen"].iter().all(|path| self.excludes(path))
    }

    /// Whether it leaves anything out.
    pub fn excludes_something(&self) -> bool {
        self.patterns.iter().any(|pattern| !pattern.exception)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Dockerignore {
        parse(FileId(0), text)
    }

    #[test]
    fn a_pattern_fits_as_in_moby() {
        for (pattern, path, expected) in [
            ("node_modules", "node_modules", true),
            ("node_modules", "node_modules/left-pad/index.js", true),
            ("node_modules", "web/node_modules", false),
            ("node_modules/", "node_modules/x", true),
            ("/node_modules", "node_modules/x", true),
            ("./a/../b", "b", true),
            ("../b", "b", false),
            ("/../b", "b", true),
            ("*", "a", true),
            ("*", "a/b", true),
            ("*.md", "README.md", true),
            ("*.md", "docs/README.md", false),
            ("*/*.md", "docs/README.md", true),
            ("**/*.md", "README.md", true),
            ("**/*.md", "a/b/c.md", true),
            ("**/*.md", "a/b/c.mdx", false),
            ("**/.env", ".env", true),
            ("**/.env", "a/b/.env", true),
            ("**/.env", "a/b/x.env", false),
            ("**.env", "a/b/x.env", true),
            ("**", "a/b", true),
            ("**/", "a", true),
            ("/**", "a", true),
            ("a/**", "a", false),
            ("a/**", "a/b/c", true),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("a/**/z", "a/b/c/zz", false),
            ("a**/*.txt", "a/b/c.txt", true),
            ("**/a/**/b*", "x/a/y/z/b1", true),
            ("**/a/**/b*", "x/aa/y/z/b1", false),
            (".env?", ".env1", true),
            (".env?", ".env", false),
            ("a?b", "a/b", false),
            ("a[b-d]e", "ace", true),
            ("a[^b-d]e", "ace", false),
            ("a[^b-d]e", "axe", true),
            ("[a\\]]x", "]x", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("a(b)+.c", "a(b)+.c", true),
            ("a.c", "abc", false),
            ("é?", "éé", true),
            ("[", "[", false),
            ("[]a]", "]", false),
            ("[a-]", "a", false),
            (".", "a", false),
            ("/", "a", false),
            (" # x", "# x", true),
            ("# x", "# x", false),
            ("  spaced  ", "spaced", true),
            ("\u{feff}*.md", "a.md", true),
        ] {
            assert_eq!(of(pattern).excludes(path), expected, "{pattern:?} {path:?}");
        }
    }

    #[test]
    fn the_last_line_that_fits_counts() {
        for (lines, path, expected) in [
            ("*.md\n!README.md", "README.md", false),
            ("*.md\n!README.md", "OTHER.md", true),
            ("!README.md\n*.md", "README.md", true),
            ("*\n!src", "src/main.rs", false),
            ("*\n!src\nsrc/*.key", "src/a.key", true),
            ("*\n! src", "src/a", false),
            ("config\n!config/app.yml", "config/app.yml", false),
            ("config\n!config/app.yml", "config/secrets.yml", true),
            (".env*\n!.env.example", ".env.example", false),
            ("*\n!.", "a", true),
            ("*\n!", "a", true),
        ] {
            assert_eq!(of(lines).excludes(path), expected, "{lines:?} {path:?}");
        }
        let ignore = of("*\r\n!src\r\n");
        let decides = ignore.decides("src/a").expect("the exception fits");
        assert_eq!((decides.exception, decides.span.range()), (true, 3..7));
    }

    #[test]
    fn a_folder_is_left_out_as_a_whole_where_no_exception_may_reach_into_it() {
        for (lines, folder, expected) in [
            ("a", "a", true),
            ("a\n!a/b/c", "a", false),
            ("a\n!a/b/c", "a/b", false),
            ("a\n!ab", "a", true),
            ("a\n!**/keep", "a", false),
            ("a\n!a*/x", "a", false),
            ("b", "a", false),
        ] {
            assert_eq!(of(lines).excludes_all_of(folder), expected, "{lines:?} {folder:?}");
        }
    }

    #[test]
    fn a_file_that_lets_in_only_what_it_names_is_known_by_what_it_does() {
        for (lines, expected) in [
            ("*\n!src", true),
            ("**\n!src/**", true),
            ("/*\n!/src", true),
            ("**/*\n!a", true),
            ("*\n!*", false),
            ("*\n!**", false),
            ("*.md\nnode_modules", false),
            ("# nothing", false),
        ] {
            assert_eq!(of(lines).excludes_by_default(), expected, "{lines:?}");
        }
        assert!(of("*.md").excludes_something() && !of("!a\n#b").excludes_something());
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = "**/*a".repeat(800);
        assert!(!of(&pattern).excludes(&"a/b".repeat(700)) && of(&pattern).excludes(&"a/b".repeat(900)));
    }
}
