//! The types of plain scalars, as go-yaml v4 resolves them.

/// Type of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// Empty, `~`, `null`, `Null`, `NULL`.
    Null,
    /// `true` and `false` in three spellings each; not `yes`, `on` and the like, which are strings.
    Bool,
    /// Decimal, `0x`, `0o`, `0b` and the old octal `0755`, with `_` between digits.
    Int,
    /// With a point or an exponent, `.inf`, `.nan`, and integers beyond 64 bits.
    Float,
    /// `2001-01-01` and the longer forms.
    Timestamp,
    /// `<<`.
    Merge,
    /// Everything else.
    String,
    /// An explicit tag that YAML does not define.
    Other,
}

impl ScalarType {
    /// The type of a plain scalar without a tag.
    pub fn of_plain(text: &str) -> ScalarType {
        let Some(&first) = text.as_bytes().first() else {
            return ScalarType::Null;
        };
        match first {
            b'~' | b'n' | b'N' if matches!(text, "~" | "null" | "Null" | "NULL") => ScalarType::Null,
            b't' | b'T' if matches!(text, "true" | "True" | "TRUE") => ScalarType::Bool,
            b'f' | b'F' if matches!(text, "false" | "False" | "FALSE") => ScalarType::Bool,
            b'<' if text == "<<" => ScalarType::Merge,
            b'.' => match text {
                ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" => ScalarType::Float,
                _ if is_float(text) => ScalarType::Float,
                _ => ScalarType::String,
            },
            b'+' | b'-' | b'0'..=b'9' => of_number(text),
            _ => ScalarType::String,
        }
    }

    /// The type that an explicit tag, as written, gives.
    pub fn of_tag(tag: &str) -> ScalarType {
        let name = tag
            .strip_prefix("!!")
            .or_else(|| tag.strip_prefix("!<tag:yaml.org,2002:").and_then(|rest| rest.strip_suffix('>')));
        match name {
            _ if tag == "!" => ScalarType::String,
            Some("null") => ScalarType::Null,
            Some("bool") => ScalarType::Bool,
            Some("int") => ScalarType::Int,
            Some("float") => ScalarType::Float,
            Some("timestamp") => ScalarType::Timestamp,
            Some("merge") => ScalarType::Merge,
            Some("str" | "binary") => ScalarType::String,
            _ => ScalarType::Other,
        }
    }

    /// The tag that go-yaml shows for the type.
    pub fn tag(self) -> &'static str {
        match self {
            ScalarType::Null => "!!null",
            ScalarType::Bool => "!!bool",
            ScalarType::Int => "!!int",
            ScalarType::Float => "!!float",
            ScalarType::Timestamp => "!!timestamp",
            ScalarType::Merge => "!!merge",
            ScalarType::String | ScalarType::Other => "!!str",
        }
    }

    /// The type's name in a message.
    pub fn name(self) -> &'static str {
        match self {
            ScalarType::Null => "null",
            ScalarType::Bool => "boolean",
            ScalarType::Int | ScalarType::Float => "number",
            ScalarType::Timestamp => "timestamp",
            ScalarType::Merge | ScalarType::String | ScalarType::Other => "string",
        }
    }
}

/// A text that starts with a digit or a sign.
fn of_number(text: &str) -> ScalarType {
    if matches!(text, "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF") {
        return ScalarType::Float;
    }
    if is_timestamp(text) {
        return ScalarType::Timestamp;
    }
    let without_underscores: String;
    let plain = if text.contains('_') {
        without_underscores = text.replace('_', "");
        &without_underscores
    } else {
        text
    };
    if is_int(plain) {
        ScalarType::Int
    } else if is_float(plain) {
        ScalarType::Float
    } else {
        ScalarType::String
    }
}

/// What Go's `ParseInt` or `ParseUint` takes in base 0 with 64 bits: a sign, `0x`, `0o`, `0b` or an octal's `0`.
fn is_int(text: &str) -> bool {
    let (digits, signed) = match text.as_bytes().first() {
        Some(b'+' | b'-') => (&text[1..], true),
        _ => (text, false),
    };
    let negative = text.starts_with('-');
    let bytes = digits.as_bytes();
    let (digits, radix) = match bytes {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        [b'0', b'o' | b'O', ..] => (&digits[2..], 8),
        [b'0', b'b' | b'B', ..] => (&digits[2..], 2),
        [b'0', _, ..] => (&digits[1..], 8),
        _ => (digits, 10),
    };
    // from_str_radix would take a second sign.
    if !digits.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) {
        return false;
    }
    match u64::from_str_radix(digits, radix) {
        Ok(value) if negative => value <= i64::MIN.unsigned_abs(),
        Ok(value) => !signed || value <= i64::MAX as u64,
        Err(_) => false,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, within the range of 64-bit floats.
fn is_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let start = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits(start);
    let mut at = whole;
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1);
        if whole == start && at == whole + 1 {
            return false;
        }
    } else if whole == start {
        return false;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = at + 1 + sign;
        at = digits(exponent);
        if at == exponent {
            return false;
        }
    }
    at == bytes.len() && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// `2001-1-2`, `2001-1-2 3:4:5.6`, `2001-1-2T3:4:5.6Z` and with an offset such as `+07:00`.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let mut at = 5;
    // A number of one or two digits in a range, and the separator behind it.
    let mut field = |range: std::ops::RangeInclusive<u32>, separator: Option<u8>| -> Option<u32> {
        let start = at;
        while at < bytes.len() && at < start + 2 && bytes[at].is_ascii_digit() {
            at += 1;
        }
        let number = text[start..at].parse().ok().filter(|number| range.contains(number))?;
        if let Some(separator) = separator {
            (bytes.get(at) == Some(&separator)).then_some(())?;
            at += 1;
        }
        Some(number)
    };
    let (Some(month), Some(day)) = (field(1..=12, Some(b'-')), field(1..=31, None)) else {
        return false;
    };
    let year: u32 = text[..4].parse().unwrap_or(0);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day > days {
        return false;
    }
    let date_end = at;
    let Some(separator) = bytes.get(date_end) else {
        return true;
    };
    if !matches!(separator, b'T' | b't' | b' ') {
        return false;
    }
    at = date_end + 1;
    let mut field = |range: std::ops::RangeInclusive<u32>, colon: bool| -> bool {
        let start = at;
        while at < bytes.len() && at < start + 2 && bytes[at].is_ascii_digit() {
            at += 1;
        }
        if !text[start..at].parse().is_ok_and(|number: u32| range.contains(&number)) {
            return false;
        }
        let met = !colon || bytes.get(at) == Some(&b':');
        at += usize::from(colon && met);
        met
    };
    if !(field(0..=23, true) && field(0..=59, true) && field(0..=59, false)) {
        return false;
    }
    if matches!(bytes.get(at), Some(b'.' | b',')) && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        at += 1;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
    }
    match &bytes[at..] {
        [] => *separator == b' ',
        [b'Z'] => *separator != b' ',
        [b'+' | b'-', hour @ .., b':', a, b] if hour.len() == 2 => {
            *separator != b' ' && hour.iter().chain([a, b]).all(u8::is_ascii_digit)
        }
        _ => false,
    }
}
