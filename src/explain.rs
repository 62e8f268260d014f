//! A rule's page on the terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::finding::Rule;
use crate::listing::{severity_style, tier};
use crate::report::Options;

/// How the parts of a page look.
struct Look {
    heading: Style,
    code: Style,
    fence: Style,
    strong: Style,
    severity: Style,
    /// Columns; nothing keeps the lines as they were written.
    width: Option<usize>,
}

/// Narrowest and widest text that is wrapped: beyond that lines are hard to read.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=100;

/// Writes the page of `rule`.
///
/// # Errors
/// Those of `out`.
pub fn write(rule: &Rule, options: Options, out: &mut dyn Write) -> io::Result<()> {
    let style = |style: Style| if options.color { style } else { Style::new() };
    let look = Look {
        heading: style(Style::new().bold()),
        code: style(AnsiColor::Cyan.on_default()),
        fence: style(Style::new().dimmed()),
        strong: style(Style::new().bold()),
        severity: style(severity_style(rule.severity)),
        width: options.width.map(|width| width.clamp(*WIDTHS.start(), *WIDTHS.end())),
    };
    let (bold, severity) = (look.heading, look.severity);
    writeln!(out, "{bold}{}{bold:#}: {}", rule.id, rule.title)?;
    writeln!(out)?;
    writeln!(out, "severity    {severity}{}{severity:#}", rule.severity.name())?;
    writeln!(out, "confidence  {}", rule.confidence.name())?;
    writeln!(out, "tier        {}", tier(rule))?;
    writeln!(out, "on          {}", rule.on)?;
    for (name, list) in [("tags", rule.tags), ("replaces", rule.replaces)] {
        if !list.is_empty() {
            let lines = wrap(&list.join(" "), look.width.map(|width| width - 12));
            writeln!(out, "{name:10}  {}", lines.join("\n            "))?;
        }
    }
    writeln!(out)?;
    page(rule.page, &look, out)
}

/// Writes Markdown: headings, paragraphs, lists and fences.
fn page(text: &str, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let mut paragraph = Paragraph::default();
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let bare = line.trim();
        let ticks = &bare[..bare.len() - bare.trim_start_matches('`').len()];
        if let Some(open) = fence {
            if ticks.len() >= open.len() && bare == ticks {
                fence = None;
            } else {
                let style = look.fence;
                writeln!(out, "    {style}{line}{style:#}")?;
            }
        } else if ticks.len() >= 3 {
            paragraph.flush(look, out)?;
            fence = Some(ticks);
        } else if bare.is_empty() {
            paragraph.flush(look, out)?;
            writeln!(out)?;
        } else if let Some(title) = heading(bare) {
            paragraph.flush(look, out)?;
            let style = look.heading;
            writeln!(out, "{style}{title}{style:#}")?;
        } else if bare.starts_with('|') {
            paragraph.flush(look, out)?;
            writeln!(out, "{}", inline(bare, look))?;
        } else {
            if bullet(bare).is_some() {
                paragraph.flush(look, out)?;
            }
            paragraph.line(line, bare);
        }
    }
    paragraph.flush(look, out)
}

/// The text of a heading.
fn heading(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    (title.len() < line.len()).then(|| title.strip_prefix(' ')).flatten()
}

/// Length of the mark that starts a list item, with its blank: `- `, `* `, `12. `.
fn bullet(line: &str) -> Option<usize> {
    if line.starts_with("- ") || line.starts_with("* ") {
        return Some(2);
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && line[digits..].starts_with(". ")).then_some(digits + 2)
}

/// Lines that belong together.
#[derive(Default)]
struct Paragraph {
    /// Blanks and the mark of the list item.
    start: String,
    lines: Vec<String>,
}

impl Paragraph {
    fn line(&mut self, line: &str, bare: &str) {
        let mut text = bare;
        if self.lines.is_empty() {
            let mark = bullet(bare).unwrap_or_default();
            self.start = format!("{:indent$}{}", "", &bare[..mark], indent = line.len() - line.trim_start().len());
            text = &bare[mark..];
        }
        self.lines.push(text.to_owned());
    }

    fn flush(&mut self, look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let hanging = self.start.chars().count();
        let lines = match look.width {
            Some(width) => wrap(&self.lines.join(" "), Some(width.saturating_sub(hanging).max(1))),
            None => std::mem::take(&mut self.lines),
        };
        self.lines.clear();
        // Code and emphasis may go on over the end of a line.
        let styled = inline(&lines.join("\n"), look);
        for (index, line) in styled.lines().enumerate() {
            let start = if index == 0 { &self.start } else { "" };
            writeln!(out, "{start:hanging$}{line}")?;
        }
        Ok(())
    }
}

/// Breaks `text` at blanks into lines of at most `width` characters; a longer word has a line of its own.
fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else {
        return vec![text.to_owned()];
    };
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if used + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
                used += 1 + length;
            }
            _ => {
                lines.push(word.to_owned());
                used = length;
            }
        }
    }
    lines
}

/// Styles `` `code` `` and `**strong**`; without colour the marks stay, for they say what is meant literally.
fn inline(text: &str, look: &Look) -> String {
    if look.code == Style::new() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*']) {
        let (before, marked) = rest.split_at(at);
        out.push_str(before);
        let (mark, style) = if marked.starts_with("**") {
            ("**", look.strong)
        } else if marked.starts_with('`') {
            let ticks = marked.len() - marked.trim_start_matches('`').len();
            (&marked[..ticks], look.code)
        } else {
            ("", Style::new())
        };
        match marked[mark.len()..].split_once(mark).filter(|_| !mark.is_empty()) {
            Some((inside, after)) => {
                // The colour must not reach into the indent of the next line.
                let inside = inside.replace('\n', &format!("{style:#}\n{style}"));
                out.push_str(&format!("{style}{inside}{style:#}"));
                rest = after;
            }
            None => {
                let skip = mark.len().max(1);
                out.push_str(&marked[..skip]);
                rest = &marked[skip..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Confidence, Development, Severity, Tier};

    fn shown(page: &'static str, width: Option<usize>, color: bool) -> String {
        let rule = Rule {
            id: "some-rule",
            title: "Something is found",
            on: "Stage",
            severity: Severity::High,
            confidence: Confidence::Likely,
            tier: Tier::Default,
            development: Development::Same,
            gap: false,
            tags: &["CWE-1", "user"],
            replaces: &["hadolint:DL1", "kics:2"],
            page,
        };
        let mut out = Vec::new();
        write(&rule, Options { color, width, ..Options::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const HEADER: &str = "some-rule: Something is found\n\nseverity    high\nconfidence  likely\ntier        default\n\
                          on          Stage\ntags        CWE-1 user\nreplaces    hadolint:DL1 kics:2\n\n";

    #[test]
    fn a_page_without_colour_is_its_text_with_fences_indented() {
        let page = "Why `x` is\nbad.\n\n- one\n- two\n  more\n\n## Bad\n\n```yaml\na:\n  b: 1\n\n# c\n```\n";
        let expected = "Why `x` is\nbad.\n\n- one\n- two\n  more\n\nBad\n\n    a:\n      b: 1\n    \n    # c\n";
        assert_eq!(shown(page, None, false), format!("{HEADER}{expected}"));
    }

    #[test]
    fn paragraphs_and_list_items_are_wrapped_and_fences_are_not() {
        let page = "One two three four five six seven eight nine ten eleven.\n\n\
                    12. One two three four five six seven eight nine ten.\n\n\
                    ```\none two three four five six seven eight nine ten eleven\n```\n";
        let expected = "One two three four five six seven eight\nnine ten eleven.\n\n\
                        12. One two three four five six seven\n    eight nine ten.\n\n    \
                        one two three four five six seven eight nine ten eleven\n";
        assert_eq!(shown(page, Some(40), false), format!("{HEADER}{expected}"));
        assert_eq!(shown(page, Some(1), false), format!("{HEADER}{expected}"));
    }

    #[test]
    fn colour_replaces_the_marks_of_code_and_emphasis() {
        let page = "## How\nUse `a\nb` and **c**, not 2 * 3 or `open.\n";
        let text = shown(page, None, true);
        let (cyan, bold, reset) = ("\u{1b}[36m", "\u{1b}[1m", "\u{1b}[0m");
        let expected =
            format!("{bold}How{reset}\nUse {cyan}a{reset}\n{cyan}b{reset} and {bold}c{reset}, not 2 * 3 or `open.\n");
        assert!(text.ends_with(&expected), "{text:?}");
        assert!(text.contains("severity    \u{1b}[31mhigh\u{1b}[0m\n"), "{text:?}");
    }
}
