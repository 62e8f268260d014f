//! supervisord configs as Supervisor's own reader reads them (Python's `ConfigParser`, inline comments `;` and `#`).
//!
//! The facts are those of Supervisor 4.3 (`UnhosedConfigParser` and `ServerOptions` of its `options.py`,
//! `datatypes.py`) on Python 3's `configparser`.

mod known;
mod parser;
mod values;

pub use known::{SectionKind, known_option, suggested_option};
pub use parser::{looks_like, parse};
pub use values::{Environment, Expansion, expansions, has_expansions};

use std::collections::HashMap;

use super::SyntaxError;
use crate::source::{FileId, Span, Spanned, Text};

/// A parsed supervisord config.
#[derive(Debug)]
pub struct Supervisor {
    /// The file.
    pub file: FileId,
    /// The sections in the order in which they were first written; the same section twice is merged, as Supervisor does.
    pub sections: Vec<Section>,
    /// Every comment, from its `;` or `#` to the end of the line.
    pub comments: Vec<Span>,
    /// What Supervisor would refuse.
    pub errors: Vec<SyntaxError>,
    /// Index of each section by its name.
    by_name: HashMap<String, usize>,
}

/// A section: `[name]` and its options.
#[derive(Debug)]
pub struct Section {
    /// The name between the brackets, and the span of it.
    pub name: Spanned<String>,
    /// Span of the whole header line, brackets included.
    pub header: Span,
    /// Every option in order; the last one of a name wins.
    pub options: Vec<Setting>,
}

/// An option of a section.
#[derive(Debug)]
pub struct Setting {
    /// Lower-case name.
    pub name: Spanned<String>,
    /// The value, continuation lines joined by line feeds and inline comments removed; `%(…)s` is kept as written.
    pub value: Text,
}

/// Name of the section whose options hold for every other section that does not have them.
const DEFAULT_SECTION: &str = "DEFAULT";

/// What a process section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProgramKind {
    /// `[program:x]`
    Program,
    /// `[fcgi-program:x]`
    FastCgi,
    /// `[eventlistener:x]`
    EventListener,
}

/// A section that makes supervisord run processes.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    /// Which section it is.
    pub kind: ProgramKind,
    /// The name after the colon, without the blanks around it.
    pub name: Spanned<String>,
    /// The header line of the section.
    pub header: Span,
    /// The section.
    pub section: &'a Section,
    defaults: Option<&'a Section>,
}

impl<'a> Program<'a> {
    /// The option that Supervisor uses for `key` (lower case): the section's, or that of `[DEFAULT]`.
    pub fn get(&self, key: &str) -> Option<&'a Setting> {
        self.section.get(key).or_else(|| self.defaults?.get(key))
    }
}

/// `[group:x]`: programs under one name.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The name after the colon, without the blanks around it.
    pub name: Spanned<String>,
    /// The section.
    pub section: &'a Section,
    /// The names in `programs`.
    pub programs: Vec<Text>,
}

impl Supervisor {
    /// The section of that name, as written between the brackets.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.by_name.get(name).and_then(|&index| self.sections.get(index))
    }

    /// The option that Supervisor uses: that of the section, or that of `[DEFAULT]`.
    pub fn get<'a>(&'a self, section: &'a Section, key: &str) -> Option<&'a Setting> {
        section.get(key).or_else(|| self.section(DEFAULT_SECTION)?.get(key))
    }

    /// Every section that makes supervisord run processes, in the order of the file.
    pub fn programs(&self) -> impl Iterator<Item = Program<'_>> {
        let defaults = self.section(DEFAULT_SECTION);
        self.sections.iter().filter_map(move |section| Self::as_program(section, defaults))
    }

    /// The program of that name; of several, which Supervisor refuses, the first kind of them.
    pub fn program(&self, name: &str) -> Option<Program<'_>> {
        let defaults = self.section(DEFAULT_SECTION);
        let written = ["program", "fcgi-program", "eventlistener"].map(|kind| format!("{kind}:{name}"));
        let section = written.iter().find_map(|written| self.section(written));
        let found = section.and_then(|section| Self::as_program(section, defaults));
        // Blanks around the name are no part of it, and rare enough to be looked for one by one.
        let spaced = || self.programs().filter(|program| program.section.name.value.contains(' '));
        found.or_else(|| spaced().take(1_000).find(|program| program.name.value == name))
    }

    fn as_program<'a>(section: &'a Section, defaults: Option<&'a Section>) -> Option<Program<'a>> {
        let kind = match section.kind() {
            SectionKind::Program => ProgramKind::Program,
            SectionKind::FcgiProgram => ProgramKind::FastCgi,
            SectionKind::EventListener => ProgramKind::EventListener,
            _ => return None,
        };
        Some(Program { kind, name: section.name_after_colon(), header: section.header, section, defaults })
    }

    /// Every `[group:x]`, in the order of the file.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        self.sections.iter().filter(|section| section.kind() == SectionKind::Group).map(|section| Group {
            name: section.name_after_colon(),
            section,
            programs: self.get(section, "programs").map_or_else(Vec::new, Setting::as_list),
        })
    }

    /// The patterns of `[include]`: what files Supervisor reads after this one. Each is relative to the folder of this
    /// file, and `%(here)s` in it is that folder.
    pub fn include_files(&self) -> Vec<Text> {
        let files = self.section("include").and_then(|section| self.get(section, "files"));
        files.map_or_else(Vec::new, Setting::as_words)
    }
}

impl Section {
    /// The last option of that name (lower case), which is the one that counts.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.options.iter().rev().find(|setting| setting.name.value == key)
    }

    /// What the section is, by its name.
    pub fn kind(&self) -> SectionKind {
        SectionKind::of(&self.name.value)
    }

    /// The part of the name after its first colon, without blanks; the whole name where it has none.
    pub fn name_after_colon(&self) -> Spanned<String> {
        let name = self.name.value.as_str();
        let start = name.find(':').map_or(0, |colon| colon + 1);
        let part = &name[start..];
        let trimmed = part.trim();
        let start = self.name.span.start as usize + start + (part.len() - part.trim_start().len());
        Spanned::new(trimmed.to_owned(), Span::new(self.name.span.file, start..start + trimmed.len()))
    }
}

#[cfg(test)]
mod tests;
