//! OpenSSL cipher lists, as far as it takes to see the weak ones (`openssl-ciphers(1)`).

use std::ops::Range;

/// A kind of weak cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Family {
    /// No encryption.
    Null,
    /// No certificate.
    Anonymous,
    /// 40 and 56 bits.
    Export,
    /// Single DES.
    Des,
    /// RC2 and RC4.
    Rc4,
    /// Three-key DES with its small blocks.
    TripleDes,
    /// MD5 as the integrity check.
    Md5,
}

const FAMILIES: [Family; 7] =
    [Family::Null, Family::Anonymous, Family::Export, Family::Des, Family::Rc4, Family::TripleDes, Family::Md5];

impl Family {
    /// How it is called, behind `ciphers`.
    pub fn name(self) -> &'static str {
        match self {
            Family::Null => "without encryption",
            Family::Anonymous => "without a certificate",
            Family::Export => "of export grade",
            Family::Des => "with DES",
            Family::Rc4 => "with RC4",
            Family::TripleDes => "with 3DES",
            Family::Md5 => "with MD5",
        }
    }

    /// Words of a list that are this family and no more: with `!` or `-` they take it out.
    fn is_called(self, word: &str) -> bool {
        let words: &[&str] = match self {
            Family::Null => &["NULL", "eNULL"],
            Family::Anonymous => &["aNULL"],
            Family::Export => &["EXP", "EXPORT", "EXPORT40", "EXPORT56", "LOW"],
            Family::Des => &["DES", "LOW"],
            Family::Rc4 => &["RC4"],
            Family::TripleDes => &["3DES"],
            Family::Md5 => &["MD5"],
        };
        words.contains(&word)
    }

    /// Whether a word that stands for many ciphers lets it in. OpenSSL counts 3DES, RC4 and SEED as `MEDIUM`; anonymous
    /// ciphers are in every group that is not about authentication.
    fn is_in_group(self, word: &str) -> bool {
        match word {
            "ALL" => self != Family::Null,
            "COMPLEMENTOFALL" => self == Family::Null,
            "COMPLEMENTOFDEFAULT" => self == Family::Anonymous,
            "HIGH" => self == Family::Anonymous,
            "MEDIUM" => matches!(self, Family::Anonymous | Family::Rc4 | Family::TripleDes),
            "LOW" => matches!(self, Family::Anonymous | Family::Des),
            _ => self.is_called(word),
        }
    }

    /// Whether a single cipher is of the family, by its OpenSSL or IANA name.
    fn has(self, name: &str) -> bool {
        let mut parts = name.split(['-', '_']);
        match self {
            Family::Null => parts.any(|part| part == "NULL"),
            Family::Anonymous => parts.any(|part| matches!(part, "ADH" | "AECDH" | "anon")),
            Family::Export => parts.any(|part| matches!(part, "EXP" | "EXP1024" | "EXPORT" | "EXPORT1024")),
            Family::Des => name.contains("DES-CBC-") || name.contains("_DES_CBC_") || name.contains("DES40"),
            Family::Rc4 => parts.any(|part| matches!(part, "RC4" | "RC2")),
            Family::TripleDes => parts.any(|part| matches!(part, "CBC3" | "3DES")),
            Family::Md5 => name.ends_with("-MD5") || name.ends_with("_MD5"),
        }
    }
}

/// A word of a list that lets weak ciphers in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weak {
    /// What it lets in.
    pub family: Family,
    /// Where the word stands in the list.
    pub range: Range<usize>,
    /// It is a group of many ciphers, not one that is asked for by name.
    pub by_group: bool,
}

/// What a list lets in that is weak, the worst first. Words that are not known let in nothing.
pub(super) fn weak(list: &str) -> Vec<Weak> {
    let mut found: Vec<Weak> = Vec::new();
    let mut killed: Vec<Family> = Vec::new();
    let mut start = 0;
    for word in list.split([':', ',', ' ', ';', '\n', '\t', '\r']) {
        let range = start..start + word.len();
        start = range.end + 1;
        if let Some(killing) = word.strip_prefix('!') {
            let families = FAMILIES.into_iter().filter(|family| family.is_called(killing));
            for family in families {
                found.retain(|entry| entry.family != family);
                if !killed.contains(&family) {
                    killed.push(family);
                }
            }
            // A cipher that is taken out by its own name.
            found.retain(|entry| list[entry.range.clone()] != *killing);
        } else if let Some(removed) = word.strip_prefix('-') {
            let families: Vec<Family> = FAMILIES.into_iter().filter(|family| family.is_called(removed)).collect();
            found.retain(|entry| !families.contains(&entry.family) && list[entry.range.clone()] != *removed);
        } else if !word.starts_with(['+', '@']) {
            for family in FAMILIES.into_iter().filter(|family| !killed.contains(family)) {
                let admitted = admits(family, word);
                if let Some(by_group) = admitted
                    && !found.iter().any(|entry| entry.family == family)
                {
                    found.push(Weak { family, range: range.clone(), by_group });
                }
            }
        }
    }
    found.sort_by_key(|entry| entry.family);
    found
}

/// Whether a word lets a family in, and if so whether it does as a group. `A+B` is what is in both.
fn admits(family: Family, word: &str) -> Option<bool> {
    if word.contains('+') {
        let named = word.split('+').any(|part| family.is_called(part));
        let excluded = word
            .split('+')
            .any(|part| FAMILIES.into_iter().any(|other| other != family && other.is_called(part)) || is_strong(part));
        return (named && !excluded).then_some(false);
    }
    if family.is_in_group(word) {
        return Some(!family.is_called(word));
    }
    (word.contains(['-', '_']) && family.has(word)).then_some(false)
}

/// Groups that hold nothing weak but anonymous ciphers.
fn is_strong(word: &str) -> bool {
    word.starts_with("AES") || word.starts_with("CHACHA20") || matches!(word, "HIGH" | "ARIA" | "CAMELLIA")
}

/// Which words let in what, as a sentence.
pub(super) fn describe(list: &str, weak: &[Weak]) -> String {
    let mut clauses: Vec<(&Range<usize>, Vec<&str>)> = Vec::new();
    for entry in weak {
        match clauses.iter_mut().find(|(range, _)| **range == entry.range) {
            Some((_, kinds)) => kinds.push(entry.family.name()),
            None => clauses.push((&entry.range, vec![entry.family.name()])),
        }
    }
    let clauses = clauses.iter().enumerate().map(|(index, (range, kinds))| {
        let verb = if index == 0 { " lets in ciphers" } else { "" };
        format!("`{}`{verb} {}", &list[(*range).clone()], and(kinds))
    });
    clauses.collect::<Vec<_>>().join(", ")
}

/// `a`, `a and b`, `a, b and c`.
fn and(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_let_in_what_openssl_would_take() {
        use Family::*;
        let cases: &[(&str, &[Family])] = &[
            ("HIGH:!aNULL:!MD5", &[]),
            ("HIGH:!MD5", &[Anonymous]),
            ("!aNULL:HIGH", &[]),
            ("ALL", &[Anonymous, Export, Des, Rc4, TripleDes, Md5]),
            ("ALL:!aNULL:!EXPORT:!LOW:!RC4:!3DES:!MD5", &[]),
            ("ALL:!aNULL:!ADH:!eNULL:!LOW:!EXP:RC4+RSA:+HIGH:+MEDIUM", &[Rc4, TripleDes, Md5]),
            ("DEFAULT:!RC4", &[]),
            ("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-DES-CBC3-SHA:!3DES", &[]),
            ("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-DES-CBC3-SHA", &[TripleDes]),
            ("DES-CBC3-SHA:!DES", &[TripleDes]),
            ("DES-CBC-SHA", &[Des]),
            ("EECDH+AESGCM:EDH+AESGCM:AES256+EECDH", &[]),
            ("EECDH+RC4:RSA+3DES:!MD5", &[Rc4, TripleDes]),
            ("RC4-MD5:ADH-AES128-SHA", &[Anonymous, Rc4, Md5]),
            ("NULL-SHA:EXP-RC4-MD5:!RC4:!MD5", &[Null, Export]),
            ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", &[TripleDes]),
            ("RC4:-RC4:HIGH:!aNULL", &[]),
            ("@SECLEVEL=2:HIGH:!aNULL", &[]),
            ("${CIPHERS}", &[]),
            ("", &[]),
        ];
        for (list, expected) in cases {
            let found: Vec<Family> = weak(list).iter().map(|entry| entry.family).collect();
            assert_eq!(&found, expected, "{list}");
        }
    }

    #[test]
    fn the_word_that_lets_in_is_pointed_at() {
        let list = "HIGH:!aNULL:RC4-SHA";
        let found = weak(list);
        assert_eq!(&list[found[0].range.clone()], "RC4-SHA");
        assert!(!found[0].by_group);
    }
}
