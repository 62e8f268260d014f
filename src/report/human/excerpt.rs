//! Source lines with marks under them. What is handed to annotate-snippets was made harmless before: short lines with
//! neither tabs, control characters nor secrets.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use super::{Page, Place, style};
use crate::finding::{Finding, Severity};
use crate::source::{FileId, Span};
use crate::text::{commands, piled, visible};

/// A label this many lines from the finding's line or nearer is drawn in the same excerpt.
const NEAR: u32 = 4;
/// Related places that are shown with their lines; the others are only counted.
const PLACES: usize = 4;
/// Columns to the next tab stop.
const TAB: usize = 4;

/// A label, ready to be drawn on its first line.
struct Mark<'a> {
    primary: bool,
    place: Place<'a>,
    message: String,
}

/// Writes the excerpts of a finding and returns the width of the column of line numbers.
pub(super) fn write(page: &Page, finding: &Finding, out: &mut dyn Write) -> io::Result<usize> {
    let mut blocks: Vec<Vec<Mark>> = Vec::new();
    for (index, label) in finding.labels.iter().enumerate().take(1 + PLACES) {
        let mark = mark(page, index == 0, label.span, &label.message);
        let near = |block: &&mut Vec<Mark>| {
            let first = &block[0].place;
            first.span.file == mark.place.span.file && first.start.line.abs_diff(mark.place.start.line) <= NEAR
        };
        match blocks.iter_mut().find(near) {
            Some(block) => block.push(mark),
            None => blocks.push(vec![mark]),
        }
    }
    let lines = blocks.iter().flatten().map(|mark| mark.place.start.line);
    let gutter = lines.max().unwrap_or(1).to_string().len();
    let blue = Style::new().fg_color(Some(AnsiColor::BrightBlue.into())).bold();
    for (index, block) in blocks.iter().enumerate() {
        let Place { path, start, .. } = block[0].place;
        let arrow = if index == 0 { "-->" } else { ":::" };
        let arrow = page.paint(blue, format_args!("{:gutter$}{arrow}", ""));
        writeln!(out, "{arrow} {}:{}:{}", visible(path), start.line, start.column)?;
        draw(page, finding.severity, gutter, block, out)?;
    }
    if finding.labels.len() > 1 + PLACES {
        let more = finding.labels.len() - 1 - PLACES;
        writeln!(out, "{} and {more} more", page.paint(blue, format_args!("{:gutter$}:::", "")))?;
    }
    Ok(gutter)
}

fn mark<'a>(page: &Page<'a>, primary: bool, span: Span, message: &str) -> Mark<'a> {
    let place = page.report.place(span);
    let mut message = visible(message).into_owned();
    if place.end.line > place.start.line {
        message.push_str(if message.is_empty() { "" } else { " " });
        message.push_str(&format!("… to line {}", place.end.line));
    }
    Mark { primary, place, message }
}

/// Draws the marks of one block, all in the same file and on lines near one another.
fn draw(page: &Page, severity: Severity, gutter: usize, block: &[Mark], out: &mut dyn Write) -> io::Result<()> {
    let file = block[0].place.span.file;
    let first = block.iter().map(|mark| mark.place.start.line).min().unwrap_or(1);
    let last = block.iter().map(|mark| mark.place.start.line).max().unwrap_or(1);
    // The gutter, the bar and two spaces.
    let width = page.width.saturating_sub(gutter + 4);
    let mut text = String::new();
    let mut annotations = Vec::new();
    for line in first..=last {
        if line > first {
            text.push('\n');
        }
        let marks: Vec<&Mark> = block.iter().filter(|mark| mark.place.start.line == line).collect();
        let spans: Vec<Span> = marks.iter().map(|mark| mark.place.span).collect();
        let ranges = prepare(page, file, line, &spans, width, &mut text);
        for (mark, range) in marks.iter().zip(ranges) {
            let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let label = (!mark.message.is_empty()).then_some(mark.message.as_str());
            annotations.push(kind.span(range).label(label));
        }
    }
    let level = match severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low => Level::INFO,
        Severity::Info => Level::NOTE,
    };
    let renderer = if page.color { styled() } else { Renderer::plain() };
    // The lines are cut to the width already; labels to the right of them would only have them cut once more.
    let renderer = renderer.term_width(page.width * 4);
    let snippet = Snippet::source(text).line_start(first as usize).annotations(annotations);
    let pad = gutter.saturating_sub(last.to_string().len());
    let drawn = renderer.render(&[Group::with_level(level).element(snippet)]);
    drawn.lines().try_for_each(|line| writeln!(out, "{:pad$}{line}", ""))
}

/// The renderer that marks in the colours of the severities.
fn styled() -> Renderer {
    let color = |severity| style(severity).bold();
    Renderer::styled()
        .error(color(Severity::High))
        .warning(color(Severity::Medium))
        .info(color(Severity::Low))
        .note(color(Severity::Info))
}

/// A character as it is shown, and where it stands in the file.
struct Cell {
    offset: u32,
    shown: char,
}

impl Cell {
    /// Columns that it may take. Nothing below U+1100 is wide (Unicode's UAX #11); of what is above, more than is said
    /// here is narrow, which only cuts a line a little early.
    fn columns(&self) -> usize {
        if self.shown < '\u{1100}' || self.shown == '…' || self.shown == '\u{fffd}' { 1 } else { 2 }
    }
}

/// Appends line `line` of `file` to `out`, made safe to show and cut to about `width` columns around the first of
/// `spans`, and returns where the part of each span that lies in it is in `out`; none is empty.
fn prepare(page: &Page, file: FileId, line: u32, spans: &[Span], width: usize, out: &mut String) -> Vec<Range<usize>> {
    let (text, start) = page.report.sources.get(file).line(line);
    let focus = spans.first().map_or(0, |span| (span.start.saturating_sub(start) as usize).min(text.len()));
    // A character takes at most four bytes; no more of a long line is looked at than can be shown.
    let from = text.floor_char_boundary(focus.saturating_sub(4 * width));
    let to = text.ceil_char_boundary((focus + 4 * width).min(text.len()));
    let masked = page.report.masked(Span::new(file, start as usize + from..start as usize + to));
    let mut cells: Vec<Cell> = Vec::with_capacity(masked.len());
    let mut offset = start + from as u32;
    for (original, shown) in text[from..to].chars().zip(masked.chars()) {
        if shown == '\t' {
            let stop = TAB - cells.len() % TAB;
            cells.extend((0..stop).map(|_| Cell { offset, shown: ' ' }));
        } else if !(original == '\u{feff}' && offset == 0) {
            cells.push(Cell { offset, shown: picture(shown) });
        }
        offset += original.len_utf8() as u32;
    }
    let shown = |cells: &[Cell]| cells.iter().map(|cell| cell.shown).collect::<String>();
    if !masked.is_ascii() {
        let shown = shown(&cells);
        for at in piled(&shown) {
            cells[shown[..at].chars().count()].shown = '\u{fffd}';
        }
    }
    // The log that this ends up in may be read by a CI system.
    if masked.contains("##") {
        let shown = shown(&cells);
        for at in commands(&shown) {
            cells[shown[..at].chars().count()].shown = '\u{fffd}';
        }
    }
    let cell_at = |offset: u32| cells.partition_point(|cell| cell.offset < offset);
    let found: Vec<(usize, usize)> =
        spans.iter().map(|span| (cell_at(span.start), cell_at(span.end.max(span.start)))).collect();
    let (left, right) = window(&cells, found.first().copied().unwrap_or((0, 0)), width);
    if left > 0 || from > 0 {
        out.push('…');
    }
    let mut at = Vec::with_capacity(right - left + 1);
    for cell in &cells[left..right] {
        at.push(out.len());
        out.push(cell.shown);
    }
    at.push(out.len());
    // Behind the last character there is always one to mark: the sign of a cut, or else a space.
    let end = out.len();
    out.push(if right < cells.len() || to < text.len() { '…' } else { ' ' });
    let after = out.len();
    let place = |cell: usize| cell.clamp(left, right) - left;
    let ranges = found.iter().map(|&(first, last)| {
        let range = at[place(first)]..at[place(last)];
        match range.is_empty() {
            false => range,
            true => range.start..at.get(place(first) + 1).copied().unwrap_or(after),
        }
    });
    let ranges: Vec<_> = ranges.collect();
    if out.ends_with(' ') && ranges.iter().all(|range| range.end <= end) {
        out.truncate(end);
    }
    ranges
}

/// Which of the characters are shown: all if they fit into `width` columns, else those around the part `focus`.
fn window(cells: &[Cell], focus: (usize, usize), width: usize) -> (usize, usize) {
    let columns = |cells: &[Cell]| cells.iter().map(Cell::columns).sum::<usize>();
    if columns(cells) <= width {
        return (0, cells.len());
    }
    // The marked part in the middle, or its beginning where it is too wide itself.
    let mut left = focus.0;
    let mut spare = (width.saturating_sub(columns(&cells[focus.0..focus.1])) / 2).max(width / 8);
    while left > 0 && cells[left - 1].columns() <= spare {
        left -= 1;
        spare -= cells[left].columns();
    }
    let mut right = left;
    let mut rest = width;
    while right < cells.len() && cells[right].columns() <= rest {
        rest -= cells[right].columns();
        right += 1;
    }
    while left > 0 && cells[left - 1].columns() <= rest {
        left -= 1;
        rest -= cells[left].columns();
    }
    (left, right)
}

/// The character to show in place of one that acts on a terminal: its picture from U+2400 on, or U+FFFD.
fn picture(character: char) -> char {
    match character {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        ' '..='~' => character,
        _ => match visible(character.encode_utf8(&mut [0; 4])) {
            Cow::Borrowed(_) => character,
            Cow::Owned(_) => '\u{fffd}',
        },
    }
}
