//! What the groups of a regular expression can match, as a set of characters.
//!
//! The reading is on the safe side of exact: it says which characters a group may hold, not in which order. nginx's
//! expressions are PCRE, where `.` leaves out the newline unless `(?s)` is given.

/// A set of ASCII characters, one bit for each.
pub(super) type Characters = u128;

/// The newline, which ends a header line.
pub(super) const NEWLINE: Characters = 1 << b'\n';

/// Groups inside one another that are followed; what is deeper is taken for anything.
const MAX_DEPTH: usize = 64;

/// Every ASCII character.
const ANY: Characters = u128::MAX;

/// A capture group, or the whole expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Its name, for `(?<name>…)`.
    pub name: Option<String>,
    /// What its classes and wildcards can match.
    pub classes: Characters,
    /// What stands in it as it is.
    pub literals: Characters,
    /// Whatever it matches starts with a slash, or is empty.
    pub starts_with_slash: bool,
}

impl Group {
    fn new(name: Option<String>) -> Group {
        Group { name, classes: 0, literals: 0, starts_with_slash: true }
    }

    /// Everything that it may hold.
    pub fn characters(&self) -> Characters {
        self.classes | self.literals
    }
}

/// The capture groups of an expression, in order; the first is the whole expression.
pub(super) fn groups(pattern: &str) -> Vec<Group> {
    let mut reader = Reader { bytes: pattern.as_bytes(), at: 0, dot: ANY & !NEWLINE };
    if pattern.contains("(?s)") {
        reader.dot = ANY;
    }
    let mut groups = vec![Group::new(None)];
    let mut open = vec![Open { capture: Some(0), around: false, fresh: true, outer_fresh: true }];
    while let Some(byte) = reader.next() {
        match byte {
            b'(' => {
                let opening = reader.opening();
                let around = matches!(opening, Opening::Around) || open.last().is_some_and(|open| open.around);
                let capture = match opening {
                    Opening::Capture(name) => {
                        groups.push(Group::new(name));
                        Some(groups.len() - 1)
                    }
                    Opening::Plain | Opening::Around => None,
                    Opening::Flags => continue,
                };
                if open.len() >= MAX_DEPTH {
                    groups.iter_mut().for_each(|group| (group.classes, group.starts_with_slash) = (ANY, false));
                    return groups;
                }
                let outer_fresh = open.last().is_some_and(|open| open.fresh);
                open.push(Open { capture, around, fresh: true, outer_fresh });
            }
            b')' => {
                if open.len() > 1 {
                    if matches!(reader.peek(), Some(b'?' | b'*')) {
                        renew(&mut open);
                    }
                    open.pop();
                }
            }
            b'|' => {
                renew(&mut open);
                open.iter_mut().rev().take(1).for_each(|open| open.fresh = true);
            }
            b'^' | b'$' => {}
            b'*' | b'+' | b'?' => {}
            b'{' => reader.skip_counts(),
            _ => {
                let (characters, literal) = reader.atom(byte);
                if open.last().is_some_and(|open| open.around) {
                    continue;
                }
                let optional = matches!(reader.peek(), Some(b'?' | b'*'));
                let slash = literal && characters == 1 << b'/' && !optional;
                for open in &mut open {
                    if let Some(index) = open.capture {
                        let group = &mut groups[index];
                        if literal {
                            group.literals |= characters;
                        } else {
                            group.classes |= characters;
                        }
                        group.starts_with_slash &= !open.fresh || slash;
                    }
                    open.fresh = false;
                }
            }
        }
    }
    groups
}

/// A group that is open.
struct Open {
    /// Which capture it is.
    capture: Option<usize>,
    /// It looks around, so that it matches nothing itself.
    around: bool,
    /// What comes next is the first of what the group matches.
    fresh: bool,
    /// `fresh` of the group around it when this one started.
    outer_fresh: bool,
}

/// What comes next stands where the innermost group started, for the groups around it: another alternative, or what
/// follows a group that may be left out.
fn renew(open: &mut [Open]) {
    let mut fresh = true;
    for inner in (1..open.len()).rev() {
        fresh &= open[inner].outer_fresh;
        open[inner - 1].fresh = fresh;
    }
}

/// What a `(` starts.
enum Opening {
    Capture(Option<String>),
    Plain,
    Around,
    /// `(?i)`: nothing.
    Flags,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    dot: Characters,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// Reads what stands behind a `(`.
    fn opening(&mut self) -> Opening {
        let rest = self.rest();
        if rest.first() != Some(&b'?') {
            return Opening::Capture(None);
        }
        if [&b"?="[..], b"?!", b"?<=", b"?<!"].iter().any(|around| rest.starts_with(around)) {
            self.at += 2;
            return Opening::Around;
        }
        for (start, end) in [(&b"?<"[..], b'>'), (b"?P<", b'>'), (b"?'", b'\'')] {
            if let Some(name) = rest.strip_prefix(start) {
                let length = name.iter().position(|&byte| byte == end).unwrap_or(name.len());
                let text = String::from_utf8_lossy(&name[..length]).into_owned();
                self.at += (start.len() + length + 1).min(rest.len());
                return Opening::Capture(Some(text));
            }
        }
        let flags = rest[1..].iter().position(|byte| !byte.is_ascii_alphabetic() && *byte != b'-');
        let after = flags.map_or(rest.len(), |at| at + 1);
        let closed = rest.get(after) == Some(&b')');
        self.at += (after + 1).min(rest.len());
        if closed { Opening::Flags } else { Opening::Plain }
    }

    /// Steps over `{1,3}`; a `{` that starts no counts is left to be a character.
    fn skip_counts(&mut self) {
        let length = self.rest().iter().take_while(|byte| byte.is_ascii_digit() || **byte == b',').count();
        if length > 0 && self.rest().get(length) == Some(&b'}') {
            self.at += length + 1;
        }
    }

    /// What one atom matches, and whether it is a single character.
    fn atom(&mut self, byte: u8) -> (Characters, bool) {
        match byte {
            b'.' => (self.dot, false),
            b'[' => (self.class(), false),
            b'\\' => self.escape(),
            _ => (bit(byte), true),
        }
    }

    fn escape(&mut self) -> (Characters, bool) {
        let digits = b'0'..=b'9';
        let word = range(b'a', b'z') | range(b'A', b'Z') | range(b'0', b'9') | bit(b'_');
        let space = bit(b' ') | range(b'\t', b'\r');
        match self.next() {
            Some(b'd') => (range(b'0', b'9'), false),
            Some(b'D') => (ANY & !range(b'0', b'9'), false),
            Some(b'w') => (word, false),
            Some(b'W') => (ANY & !word, false),
            Some(b's') => (space, false),
            Some(b'S') => (ANY & !space, false),
            Some(b'h') => (bit(b' ') | bit(b'\t'), false),
            Some(b'N') => (ANY & !NEWLINE, false),
            Some(b'R' | b'v' | b'X' | b'C' | b'p' | b'P' | b'H' | b'V') => (ANY, false),
            Some(b'n') => (NEWLINE, true),
            Some(b'r') => (bit(b'\r'), true),
            Some(b't') => (bit(b'\t'), true),
            // Assertions match nothing; a reference matches what its group did, which the group has counted.
            Some(b'b' | b'B' | b'A' | b'z' | b'Z' | b'G' | b'K' | b'Q' | b'E') | None => (0, false),
            Some(byte) if digits.contains(&byte) => (0, false),
            Some(b'x') => {
                let length = self.rest().iter().take(2).take_while(|byte| byte.is_ascii_hexdigit()).count();
                let text = std::str::from_utf8(&self.rest()[..length]).unwrap_or_default();
                let byte = u8::from_str_radix(text, 16).unwrap_or(0);
                self.at += length;
                (bit(byte), true)
            }
            Some(byte) => (bit(byte), true),
        }
    }

    /// Reads a class up to its `]`.
    fn class(&mut self) -> Characters {
        let negated = self.peek() == Some(b'^');
        self.at += usize::from(negated);
        let mut set = 0;
        let mut first = true;
        while let Some(byte) = self.next() {
            if byte == b']' && !first {
                break;
            }
            first = false;
            if byte == b'[' && self.peek() == Some(b':') {
                let length = self.rest().iter().position(|&byte| byte == b']').map_or(self.rest().len(), |at| at + 1);
                set |= named_class(&self.rest()[..length]);
                self.at += length;
                continue;
            }
            let (characters, literal) = if byte == b'\\' { self.escape() } else { (bit(byte), true) };
            let low = characters.trailing_zeros() as u8;
            if literal && self.peek() == Some(b'-') && self.rest().get(1).is_some_and(|&byte| byte != b']') {
                self.at += 1;
                let Some(end) = self.next() else { break };
                let (end, _) = if end == b'\\' { self.escape() } else { (bit(end), true) };
                // Above ASCII nothing is told apart.
                set |= range(low.min(127), (end.trailing_zeros() as u8).min(127));
            } else {
                set |= characters;
            }
        }
        if negated { !set } else { set }
    }
}

fn bit(byte: u8) -> Characters {
    if byte < 128 { 1 << byte } else { 0 }
}

fn range(low: u8, high: u8) -> Characters {
    (low..=high).fold(0, |set, byte| set | bit(byte))
}

/// `:alpha:]` and its kin, without the `[`.
fn named_class(text: &[u8]) -> Characters {
    match text {
        b":alpha:]" => range(b'a', b'z') | range(b'A', b'Z'),
        b":digit:]" => range(b'0', b'9'),
        b":alnum:]" => range(b'a', b'z') | range(b'A', b'Z') | range(b'0', b'9'),
        b":lower:]" => range(b'a', b'z'),
        b":upper:]" => range(b'A', b'Z'),
        b":xdigit:]" => range(b'a', b'f') | range(b'A', b'F') | range(b'0', b'9'),
        b":graph:]" => range(b'!', b'~'),
        b":print:]" => range(b' ', b'~'),
        b":punct:]" => range(b'!', b'/') | range(b':', b'@') | range(b'[', b'`') | range(b'{', b'~'),
        _ => ANY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(pattern: &str) -> Group {
        groups(pattern).into_iter().nth(1).unwrap_or_else(|| panic!("{pattern} has no group"))
    }

    #[test]
    fn a_group_holds_a_newline_when_its_classes_do() {
        for (pattern, expected) in [
            ("^/a/(.*)$", false),
            ("(?s)^/a/(.*)$", true),
            ("^/a/([^/]+)", true),
            ("^/a/([^/\\s]+)", false),
            ("^/a/([^\\n]+)", false),
            ("^/a/([^/[:space:]]+)", false),
            ("^/a/(\\w+)", false),
            ("^/a/(\\W+)", true),
            ("^/a/(\\S+)", false),
            ("^/a/([\\s\\S]*)", true),
            ("^/a/([a-z0-9-]+)/[^x]", false),
            ("^/a/(b(?:[^/]+)c)", true),
            ("^/a/(b(?=[^/])c)", false),
            ("^/[^/]*/(b|c)", false),
            ("([]a]+)", false),
            ("([\\x00-\\x1f])", true),
            ("(\\d{1,3})", false),
        ] {
            assert_eq!(group(pattern).characters() & NEWLINE != 0, expected, "{pattern}");
        }
    }

    #[test]
    fn a_group_starts_with_a_slash_when_every_alternative_does() {
        for (pattern, expected) in [
            ("^/a(/.*)$", true),
            ("^/a(/.*)?$", true),
            ("^/a(.*)$", false),
            ("^(/a|/b)x", true),
            ("^(/a|b)x", false),
            ("^/a(/?.*)$", false),
            ("^((/a)b)", true),
            ("^((?:x)/b)", false),
            ("^((/a|b)c)", false),
            ("^((/a)?b)", false),
            ("^((/a|)b)", false),
        ] {
            assert_eq!(group(pattern).starts_with_slash, expected, "{pattern}");
        }
    }

    #[test]
    fn groups_are_counted_and_named() {
        let found = groups("^(?:a)(?<first>b)(?P<second>[c)])(?i)(?!d)(\\(e)");
        let names: Vec<Option<&str>> = found.iter().map(|group| group.name.as_deref()).collect();
        assert_eq!(names, [None, Some("first"), Some("second"), None]);
        assert_eq!(found[1].classes, 0);
        assert_eq!(found[3].literals, bit(b'(') | bit(b'e'));
    }

    #[test]
    fn broken_expressions_are_read_to_their_end() {
        for pattern in ["(", ")", "[", "[^", "\\", "(?", "(?<", "(?P<n", "a{", "[a-", "[\\", "(?<é>é)", "[[:", "\\x"]
        {
            groups(pattern);
        }
        assert_eq!(groups(&"(".repeat(1_000))[0].classes, ANY, "too deep is anything");
    }
}
