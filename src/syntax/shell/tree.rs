//! The tree-sitter side: running the parser within its limits, and which node is what.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use tree_sitter::{Language, ParseOptions, Parser, Tree};

use super::MAX_BYTES;

/// Calls of the progress callback after which parsing ends. One call stands for about a hundred parser operations; 64 KiB
/// of ordinary script take fewer than 1,000.
const MAX_CALLS: u32 = 6_000;

/// Sizes in bytes that are tried one after the other when parsing takes too many steps.
const SIZES: [usize; 2] = [MAX_BYTES, 2 * 1024];

/// `|` characters in a script that are parsed: the parser's time on a pipeline that does not end grows with the square
/// of its length, inside a single step.
const MAX_PIPES: usize = 1_024;

/// What a node of the grammar means for the lowering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Statements without a meaning of their own: lists, pipelines, bodies.
    Transparent,
    /// An error: what is inside may be anything.
    Error,
    Comment,
    Command,
    CommandName,
    /// `export`, `declare`, `unset` and the like, with their words.
    Declaration,
    Assignment,
    Assignments,
    Test,
    Subshell,
    Compound,
    If,
    While,
    For,
    Case,
    Function,
    /// `$(…)`, backquotes, `<(…)`.
    Substitution,
    /// `$NAME`, `${…}`, `$((…))`.
    Expansion,
    /// A word or a part of one.
    Literal,
    FileRedirect,
    HereString,
    HereDocument,
    HereDocumentStart,
    HereDocumentBody,
    HereDocumentEnd,
    Descriptor,
    And,
    Or,
    Pipe,
    Then,
    Background,
    /// A keyword behind which another list starts.
    Keyword,
    /// Any other token.
    Token,
    /// Any other node.
    Other,
}

impl Kind {
    fn new(name: &str, named: bool) -> Kind {
        if named {
            return match name {
                "program"
                | "list"
                | "pipeline"
                | "redirected_statement"
                | "negated_command"
                | "do_group"
                | "elif_clause"
                | "else_clause"
                | "case_item" => Kind::Transparent,
                "ERROR" => Kind::Error,
                "comment" => Kind::Comment,
                "command" => Kind::Command,
                "command_name" => Kind::CommandName,
                "declaration_command" | "unset_command" => Kind::Declaration,
                "variable_assignment" => Kind::Assignment,
                "variable_assignments" => Kind::Assignments,
                "test_command" => Kind::Test,
                "subshell" => Kind::Subshell,
                "compound_statement" => Kind::Compound,
                "if_statement" => Kind::If,
                "while_statement" => Kind::While,
                "for_statement" | "c_style_for_statement" => Kind::For,
                "case_statement" => Kind::Case,
                "function_definition" => Kind::Function,
                "command_substitution" | "process_substitution" => Kind::Substitution,
                "simple_expansion" | "expansion" | "arithmetic_expansion" => Kind::Expansion,
                "word" | "concatenation" | "string" | "raw_string" | "ansi_c_string" | "translated_string"
                | "number" | "brace_expression" | "variable_name" | "regex" | "extglob_pattern" => Kind::Literal,
                "file_redirect" => Kind::FileRedirect,
                "herestring_redirect" => Kind::HereString,
                "heredoc_redirect" => Kind::HereDocument,
                "heredoc_start" => Kind::HereDocumentStart,
                "heredoc_body" => Kind::HereDocumentBody,
                "heredoc_end" => Kind::HereDocumentEnd,
                "file_descriptor" => Kind::Descriptor,
                _ => Kind::Other,
            };
        }
        match name {
            "&&" => Kind::And,
            "||" => Kind::Or,
            "|" | "|&" => Kind::Pipe,
            ";" | ";;" | ";&" | ";;&" | "\n" => Kind::Then,
            "&" => Kind::Background,
            "if" | "then" | "elif" | "else" | "fi" | "while" | "until" | "do" | "done" | "for" | "select" | "case"
            | "in" | "esac" | "{" | "}" | "(" | ")" | "function" => Kind::Keyword,
            _ => Kind::Token,
        }
    }

    /// The kind of a node by its number in the grammar.
    pub(super) fn of(id: u16) -> Kind {
        GRAMMAR.kinds.get(usize::from(id)).copied().unwrap_or(Kind::Error)
    }
}

struct Grammar {
    language: Language,
    kinds: Vec<Kind>,
}

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    let language = Language::new(tree_sitter_bash::LANGUAGE);
    let kinds = (0..language.node_kind_count() as u16)
        .map(|id| Kind::new(language.node_kind_for_id(id).unwrap_or_default(), language.node_kind_is_named(id)))
        .collect();
    Grammar { language, kinds }
});

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// The tree of as much of `script` as the limits allow, and how many bytes of it that is.
pub(super) fn parse(script: &str) -> Option<(Tree, usize)> {
    PARSER.with_borrow_mut(|parser| {
        if parser.language().is_none() {
            parser.set_language(&GRAMMAR.language).ok()?;
        }
        SIZES.into_iter().find_map(|size| {
            let length = cut(script, size);
            let tree = within_limits(parser, &script.as_bytes()[..length]);
            if tree.is_none() {
                parser.reset();
            }
            Some((tree?, length))
        })
    })
}

fn within_limits(parser: &mut Parser, bytes: &[u8]) -> Option<Tree> {
    let mut calls = 0;
    let mut progress = |_: &_| {
        calls += 1;

        if calls > MAX_CALLS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}

/// Length of the start of `script` that is not longer than `size` and ends with a line, or with a character where its
/// first line is longer.
fn cut(script: &str, size: usize) -> usize {
    let mut size = size.min(script.len());
    while !script.is_char_boundary(size) {
        size -= 1;
    }
    let size = memchr::memchr_iter(b'|', &script.as_bytes()[..size]).nth(MAX_PIPES).unwrap_or(size);
    if size == script.len() {
        return size;
    }
    memchr::memrchr(b'\n', &script.as_bytes()[..size]).map_or(size, |line_end| line_end + 1)
}
