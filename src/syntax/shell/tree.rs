//! The tree-sitter side: running the parser within its limits, and which node is what.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::LazyLock;

use tree_sitter::{Language, ParseOptions, ParseState, Parser, Tree};

use crate::limit::{Limit, SHELL_BYTES, SHELL_PIPES, SHELL_WORK};

/// What a call of the progress callback, which stands for about a hundred parser operations, counts for
/// [`SHELL_WORK`]. Each fetch of [`CHUNK`] bytes counts 1, which bounds a scanner that looks ahead over and over.
const CALL_WORK: usize = 8;

/// Bytes that the parser is given at a time.
const CHUNK: usize = 512;

/// Behind an error, a call counts once more for every so many bytes that have been read, since the parser then looks
/// through all of its stack in each operation.
const RECOVERY_BYTES: usize = 256;

/// Sizes in bytes that are tried one after the other when parsing takes too much work.
const SIZES: [usize; 2] = [SHELL_BYTES.most, 8 * 1024];

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

/// What could be parsed of a script.
pub(super) struct Parsed {
    /// The tree, and how many bytes of the script are in it.
    pub tree: Option<(Tree, usize)>,
    /// The limit that kept the rest out.
    pub exceeded: Option<&'static Limit>,
}

/// The tree of as much of `script` as the limits allow.
pub(super) fn parse(script: &str) -> Parsed {
    PARSER.with_borrow_mut(|parser| {
        let mut parsed = Parsed { tree: None, exceeded: None };
        if parser.language().is_none() && parser.set_language(&GRAMMAR.language).is_err() {
            return parsed;
        }
        for size in SIZES {
            let (length, exceeded) = cut(script, size);
            parsed.exceeded = parsed.exceeded.or(exceeded);
            match within_limits(parser, &safe(&script.as_bytes()[..length])) {
                Some(tree) => {
                    parsed.tree = Some((tree, length));
                    break;
                }
                None => {
                    parser.reset();
                    parsed.exceeded = Some(&SHELL_WORK);
                }
            }
        }
        parsed
    })
}

/// The script with every byte that the grammar's scanner cannot be given replaced by one that is a part of words.
///
/// The scanner passes characters to C's `isdigit`, which reads outside of its table for those that are not ASCII: `{😀` ends
/// the process. It also takes a zero byte for the end, and blanks of Unicode for blanks, which the shell does not.
fn safe(script: &[u8]) -> Cow<'_, [u8]> {
    let unsafe_byte = |byte: u8| !byte.is_ascii() || matches!(byte, 0 | 0x0b | 0x0c);
    if !script.iter().any(|&byte| unsafe_byte(byte)) {
        return Cow::Borrowed(script);
    }
    Cow::Owned(script.iter().map(|&byte| if unsafe_byte(byte) { b',' } else { byte }).collect())
}

fn within_limits(parser: &mut Parser, bytes: &[u8]) -> Option<Tree> {
    let work = Cell::new(0);
    let mut recovering = false;
    let mut progress = |state: &ParseState| {
        recovering |= state.has_error();
        let factor = if recovering { 1 + state.current_byte_offset() / RECOVERY_BYTES } else { 1 };
        work.update(|work| work + CALL_WORK * factor);
        if work.get() > SHELL_WORK.most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut read = |at: usize, _| {
        work.update(|work| work + 1);
        if work.get() > SHELL_WORK.most { &[] } else { bytes.get(at..bytes.len().min(at + CHUNK)).unwrap_or_default() }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree = parser.parse_with_options(&mut read, None, Some(options));
    tree.filter(|_| work.get() <= SHELL_WORK.most)
}

/// Length of the start of `script` that is not longer than `size` and ends with a line, or with a character where its
/// first line is longer; and the limit that it is the start for.
fn cut(script: &str, size: usize) -> (usize, Option<&'static Limit>) {
    let size = script.floor_char_boundary(size);
    let pipe = memchr::memchr_iter(b'|', &script.as_bytes()[..size]).nth(SHELL_PIPES.most);
    let (size, limit) = pipe.map_or((size, &SHELL_BYTES), |pipe| (pipe, &SHELL_PIPES));
    if size == script.len() {
        return (size, None);
    }
    (memchr::memrchr(b'\n', &script.as_bytes()[..size]).map_or(size, |line_end| line_end + 1), Some(limit))
}
