//! The short spellings of `ports`, `volumes` and `devices`, split into ranges of bytes.

use std::ops::Range;

/// Where `byte` stands in `value` outside of `${…}`, which a variable without a value leaves in it.
pub(super) fn find(value: &str, byte: u8) -> Option<usize> {
    colons_or(value, byte).next()
}

/// Every place of `byte` outside of `${…}`.
fn colons_or(value: &str, byte: u8) -> impl DoubleEndedIterator<Item = usize> {
    let bytes = value.as_bytes();
    let mut found = Vec::new();
    let mut depth = 0usize;
    for (at, &current) in bytes.iter().enumerate() {
        match current {
            b'{' if at > 0 && bytes[at - 1] == b'$' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ if current == byte && depth == 0 => found.push(at),
            _ => {}
        }
    }
    found.into_iter()
}

/// A short port, as ranges of its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ShortPort {
    pub host_ip: Option<Range<usize>>,
    pub published: Option<Range<usize>>,
    pub target: Range<usize>,
    pub protocol: Option<Range<usize>>,
}

/// `[[IP:]published:]target[/protocol]`, as go-connections' `nat` splits it: the last two colons count, what is before
/// them is the address.
pub(super) fn port(value: &str) -> ShortPort {
    let slash = colons_or(value, b'/').next_back();
    let end = slash.unwrap_or(value.len());
    let mut colons = colons_or(&value[..end], b':').rev();
    let last = colons.next();
    let before = colons.next();
    let (host_ip, published, target) = match (last, before) {
        (None, _) => (None, None, 0..end),
        (Some(last), None) => (None, Some(0..last), last + 1..end),
        (Some(last), Some(before)) => (Some(0..before), Some(before + 1..last), last + 1..end),
    };
    let some = |range: Option<Range<usize>>| range.filter(|range| !range.is_empty());
    let host_ip = some(host_ip).map(|range| match &value.as_bytes()[range.clone()] {
        [b'[', .., b']'] => range.start + 1..range.end - 1,
        _ => range,
    });
    ShortPort {
        host_ip: some(host_ip),
        published: some(published),
        target,
        protocol: some(slash.map(|slash| slash + 1..value.len())),
    }
}

/// `80` or `80-90`.
pub(super) fn port_range(value: &str) -> Option<(u16, u16)> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let (first, last) = match value.split_once('-') {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(value)?, number(value)?),
    };
    (first <= last).then_some((first, last))
}

/// A short mount, as ranges of its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ShortVolume {
    pub source: Option<Range<usize>>,
    pub target: Range<usize>,
    pub options: Vec<Range<usize>>,
}

/// `[source:]target[:options]`, in which `C:` is a drive. Of too many colons, compose-go reads the first three parts and
/// refuses the rest: `None` as the second.
pub(super) fn volume(value: &str) -> (ShortVolume, Option<&'static str>) {
    if value.len() <= 2 {
        let error = value.is_empty().then_some("a volume is empty");
        return (ShortVolume { source: None, target: 0..value.len(), options: Vec::new() }, error);
    }
    let mut sections = Vec::new();
    let mut start = 0;
    for at in colons_or(value, b':') {
        let drive = at == start + 1 && value.as_bytes()[start].is_ascii_alphabetic();
        if !drive {
            sections.push(start..at);
            start = at + 1;
        }
    }
    sections.push(start..value.len());
    let mut error = sections.iter().any(Range::is_empty).then_some("a volume has an empty part between its colons");
    let mut sections = sections.into_iter();
    let first = sections.next().unwrap_or(0..value.len());
    let Some(target) = sections.next() else {
        return (ShortVolume { source: None, target: first, options: Vec::new() }, error);
    };
    let mut options = Vec::new();
    if let Some(range) = sections.next() {
        let mut start = range.start;
        for piece in value[range].split(',') {
            options.push(start..start + piece.len());
            start += piece.len() + 1;
        }
    }
    if sections.next().is_some() {
        error = error.or(Some("a volume has too many colons"));
    }
    (ShortVolume { source: Some(first), target, options }, error)
}

/// Whether the source of a short mount is a path of the host; a name of a volume otherwise.
pub(super) fn is_path(source: &str) -> bool {
    match source.as_bytes() {
        [b'.' | b'/' | b'~', ..] | [b'\\', b'\\', ..] => true,
        [drive, b':', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    }
}
