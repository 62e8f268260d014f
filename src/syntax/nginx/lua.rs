//! Where the block of a `*_by_lua_block` ends: after the scan of OpenResty's lua-nginx-module, which knows Lua's
//! strings, long brackets and comments, so that a brace in one of them does not count.

use memchr::memmem;

/// How the search for the end of a Lua block came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LuaEnd {
    /// The `}` that closes the block is at this offset.
    Closed(usize),
    /// None closes it; the best place to go on from is this offset: that of a `}` which starts a line, or the end of
    /// the text.
    Open(usize),
}

/// Finds the `}` that closes the block whose source starts at `start`.
pub(super) fn block_end(text: &str, start: usize) -> LuaEnd {
    let bytes = text.as_bytes();
    let mut depth = 1usize;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return LuaEnd::Closed(at - 1);
                }
            }
            b'"' | b'\'' => match string_end(bytes, at, byte) {
                Some(end) => at = end,
                None => break,
            },
            b'-' if bytes.get(at) == Some(&b'-') => {
                at += 1;
                let end = match long_bracket_level(bytes, at) {
                    Some(level) => long_bracket_end(bytes, at, level),
                    None => memchr::memchr(b'\n', &bytes[at..]).map(|length| at + length + 1),
                };
                match end {
                    Some(end) => at = end,
                    None => break,
                }
            }
            b'[' => {
                if let Some(level) = long_bracket_level(bytes, at - 1) {
                    match long_bracket_end(bytes, at - 1, level) {
                        Some(end) => at = end,
                        None => break,
                    }
                } else {
                    // `[====` without its second bracket is not scanned again from each `=`.
                    while bytes.get(at) == Some(&b'=') {
                        at += 1;
                    }
                }
            }
            _ => {}
        }
    }
    LuaEnd::Open(line_with_brace(text, start))
}

/// Just past the quote that closes a string whose content starts at `at`.
fn string_end(bytes: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        at += memchr::memchr2(quote, b'\\', bytes.get(at..)?)?;
        if bytes[at] == quote {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Number of `=` in the `[==[` at `at`; nothing where there is no such bracket.
fn long_bracket_level(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?.strip_prefix(b"[")?;
    let level = rest.iter().take_while(|&&byte| byte == b'=').count();
    (rest.get(level) == Some(&b'[')).then_some(level)
}

/// Just past the `]==]` that closes the long bracket at `at`.
fn long_bracket_end(bytes: &[u8], at: usize, level: usize) -> Option<usize> {
    let content = at + level + 2;
    let close = [b"]", "=".repeat(level).as_bytes(), b"]"].concat();
    memmem::find(bytes.get(content..)?, &close).map(|length| content + length + close.len())
}

/// Place of the first `}` after `start` that is the first character of its line, blanks aside; the end of the text
/// where there is none.
pub(super) fn line_with_brace(text: &str, start: usize) -> usize {
    let mut line_start = start;
    for line in text[start..].split_inclusive('\n') {
        let code = line.trim_start_matches([' ', '\t']);
        if line_start > start && code.starts_with('}') {
            return line_start + line.len() - code.len();
        }
        line_start += line.len();
    }
    text.len()
}
