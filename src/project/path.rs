//! Paths of the repository: relative to the scan root, `/` between parts, no `.` and no `..`.

/// The directory that a file is in; `""` is the root.
pub fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The file name of a path.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `path` seen from `directory`; `None` when it is absolute, is no path of this host's kind, or leads out of the root.
pub fn join(directory: &str, path: &str) -> Option<String> {
    if path.starts_with(['/', '~', '\\']) || path.as_bytes().get(1) == Some(&b':') {
        return None;
    }
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Makes a path in a container plain: absolute, without `.`, `..` and doubled slashes.
pub fn absolute(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let start = if path.starts_with('/') { "" } else { directory };
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// What is left of `path` below `directory`; `Some("")` when they are the same.
pub fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    if directory.is_empty() || directory == "/" {
        return Some(path.trim_start_matches('/'));
    }
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// Whether a file name fits a pattern with `*`, `?` and `[…]`, as `glob(3)` and Python's `fnmatch` have them.
pub fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Position behind the last `*`, and where in the name it is tried next: enough for linear backtracking.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match single(&pattern[p..], name[n]) {
            Some(width) => {
                p += width;
                n += 1;
            }
            None if pattern.get(p) == Some(&'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            None => match star {
                Some((after, tried)) => {
                    star = Some((after, tried + 1));
                    (p, n) = (after, tried + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// How many characters of the pattern match `c`, when its first element does and is not a `*`.
fn single(pattern: &[char], c: char) -> Option<usize> {
    match *pattern.first()? {
        '*' => None,
        '?' => Some(1),
        '[' => {
            let close = pattern.iter().skip(2).position(|&c| c == ']').map(|at| at + 2);
            let Some(close) = close else { return (c == '[').then_some(1) };
            let (negated, set) = match pattern[1] {
                '!' | '^' => (true, &pattern[2..close]),
                _ => (false, &pattern[1..close]),
            };
            let mut found = false;
            let mut at = 0;
            while at < set.len() {
                if at + 2 < set.len() && set[at + 1] == '-' {
                    found |= (set[at]..=set[at + 2]).contains(&c);
                    at += 3;
                } else {
                    found |= set[at] == c;
                    at += 1;
                }
            }
            (found != negated).then_some(close + 1)
        }
        other => (other == c).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_stay_inside_the_root() {
        assert_eq!(join("a/b", "../c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(join("", ".").as_deref(), Some(""));
        assert_eq!(join("a", "../.."), None);
        assert_eq!(join("a", "/etc/passwd"), None);
        assert_eq!(join("a", "~/x"), None);
        assert_eq!(join("a", "C:\\x"), None);
    }

    #[test]
    fn container_paths_are_made_plain() {
        assert_eq!(absolute("/app", "conf/../x"), "/app/x");
        assert_eq!(absolute("/app", "/etc//nginx/./nginx.conf"), "/etc/nginx/nginx.conf");
        assert_eq!(below("/etc/nginx/conf.d/a", "/etc/nginx/"), Some("conf.d/a"));
        assert_eq!(below("/etc/nginxx", "/etc/nginx"), None);
    }

    #[test]
    fn globs_match_as_the_shell_does() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("a*b*c", "a__b_b_c", true),
            ("[a-c]?.x", "b1.x", true),
            ("[!a-c]?.x", "b1.x", false),
            ("[", "[", true),
            ("*", "", true),
            ("a", "", false),
        ] {
            assert_eq!(glob(pattern, name), expected, "{pattern} {name}");
        }
        assert!(!glob(&"*a".repeat(200), &"b".repeat(5_000)), "a pattern of many stars ends");
    }
}
