//! From the tree to the model.
//!
//! The tree is walked once, with a cursor and a stack of our own. Lists and pipelines are read from the operators
//! between the statements of one nesting level, and a redirection belongs to the statement before it: the grammar
//! hangs both elsewhere at times (`a && b >f`, `a <<EOF | b`).

mod list;
mod plain;

use std::borrow::Cow;
use std::ops::Range;

use tree_sitter::{Node, TreeCursor};

use super::grammar;
use super::tree::{self, Kind, Parsed};
use super::word;
use super::{Assignment, Group, GroupKind, Redirection, Script, Word};
use crate::few::Few;
use crate::limit::{Exceeded, Limit, SHELL_CORRECTIONS, SHELL_DEPTH};
use crate::source::Text;
use list::{Frame, Item};

/// Keywords that cannot start a command.
const CLOSING: [&str; 8] = ["then", "elif", "else", "fi", "do", "done", "esac", "}"];

/// Words of the grammar that are put together to one.
const MAX_PARTS: usize = 64;

/// The model of `text`.
pub(super) fn script(text: &Text) -> Script {
    let mut lowering = Lowering::new(text);
    if plain::read(&mut lowering, text) { lowering.finish().0 } else { by_grammar(text) }
}

/// The model of `text` by the tree of the grammar.
pub(super) fn by_grammar(text: &Text) -> Script {
    let mut parsed = Cow::Borrowed(text.value.as_str());
    let mut script = Script::default();
    for correction in 1..=SHELL_CORRECTIONS.most {
        let false_end;
        (script, false_end) = lower(text, &parsed);
        let Some(at) = false_end else { break };
        script.partial = true;
        if correction == SHELL_CORRECTIONS.most {
            script.exceeded = script.exceeded.or(Some(exceeded(&SHELL_CORRECTIONS, text, at)));
        }
        parsed.to_mut().replace_range(at..at + 1, "_");
    }
    if !script.partial {
        return script;
    }
    let relaxed = grammar::relaxed(&parsed).map(|parsed| lower(text, &parsed));
    match relaxed {
        Some((relaxed, None)) if !relaxed.partial => relaxed,
        _ => script,
    }
}

/// The model of `text` by the tree of `parsed`; and the first here-document delimiter that is none.
fn lower(text: &Text, parsed: &str) -> (Script, Option<usize>) {
    let Parsed { tree, exceeded: limit } = tree::parse(parsed);
    let length = tree.as_ref().map_or(0, |(_, length)| *length);
    let exceeded = limit.map(|limit| exceeded(limit, text, length));
    let Some((tree, _)) = tree else {
        return (Script { partial: true, exceeded, ..Script::default() }, None);
    };
    let root = tree.root_node();
    let script = Script { partial: exceeded.is_some() || root.has_error(), exceeded, ..Script::default() };
    let mut lowering = Lowering { script, ..Lowering::new(text) };
    lowering.walk(&mut root.walk());
    lowering.finish()
}

/// That a limit keeps out what stands at `at` and behind.
fn exceeded(limit: &'static Limit, text: &Text, at: usize) -> Exceeded {
    let at = text.value.floor_char_boundary(at);
    let next = text.value[at..].chars().next().map_or(0, char::len_utf8);
    Exceeded { span: text.span_of(at..at + next), limit }
}

/// What the children of a node are read as.
#[derive(Clone, Copy)]
enum Context {
    /// Statements of the innermost list.
    List { error: bool },
    /// Words, assignments and redirections of a command.
    Command(usize),
    /// Parts of a redirection of a statement.
    Redirection(Item, usize),
    /// Parts of a word: only substitutions count. `nested`: inside an expansion that is already noted.
    Value { owner: Option<usize>, nested: bool },
    /// Nothing: too deep.
    Skipped,
}

/// What is done when a node has been read.
#[derive(Default)]
struct Leave {
    /// A list ends.
    list: bool,
    /// A compound command ends.
    group: Option<usize>,
    /// A word ends; the number is how many expansions were noted before it.
    word: Option<(Place, usize)>,
}

/// Where a word goes.
#[derive(Clone, Copy)]
enum Place {
    Argument(usize),
    Assignment(usize),
    /// The target of a redirection of a statement.
    Target(Item, usize),
    /// Split into the arguments of a test.
    Test(usize),
    /// Nowhere.
    Nowhere,
}

/// An argument that the next one may continue.
#[derive(Default)]
struct LastWord {
    command: usize,
    /// Offset at which it ends.
    end: usize,
    /// Words of the grammar that it was put together from; 0 when there is none.
    parts: usize,
}

type Entered = Option<(Context, Leave)>;

struct Lowering<'t> {
    text: &'t Text,
    script: Script,
    frames: Vec<Frame>,
    /// The expansions of the words that are being read.
    expansions: Vec<Range<usize>>,
    /// The argument that was read last.
    last_word: LastWord,
    /// Offset of the first delimiter that the grammar took for the end of a here-document and that is not alone on its
    /// line.
    false_end: Option<usize>,
}

impl<'t> Lowering<'t> {
    fn new(text: &'t Text) -> Self {
        Lowering {
            text,
            script: Script::default(),
            frames: vec![Frame::new(None)],
            expansions: Vec::new(),
            last_word: LastWord::default(),
            false_end: None,
        }
    }

    /// The model, and the first here-document delimiter that is none.
    fn finish(mut self) -> (Script, Option<usize>) {
        self.end_list();
        self.script.pipelines.sort_by_key(|pipeline| (pipeline.span.start, std::cmp::Reverse(pipeline.span.end)));
        // Scripts are kept for the whole scan, and most commands have few words.
        self.script.commands.shrink_to_fit();
        self.script.pipelines.shrink_to_fit();
        self.script.groups.shrink_to_fit();
        for command in &mut self.script.commands {
            command.words.shrink_to_fit();
            command.assignments.shrink_to_fit();
            command.redirections.shrink_to_fit();
        }
        for group in self.script.groups.iter_mut() {
            group.redirections.shrink_to_fit();
        }
        (self.script, self.false_end)
    }

    fn walk(&mut self, cursor: &mut TreeCursor) {
        let mut path: Vec<(Context, Leave, Range<usize>)> = Vec::new();
        let mut context = Context::List { error: false };
        loop {
            let node = cursor.node();
            if let Some((inner, leave)) = self.enter(&node, context) {
                if cursor.goto_first_child() {
                    path.push((context, leave, self.range(&node)));
                    context = inner;
                    continue;
                }
                self.leave(leave, self.range(&node));
            }
            while !cursor.goto_next_sibling() {
                let Some((outer, leave, range)) = path.pop() else { return };
                cursor.goto_parent();
                self.leave(leave, range);
                context = outer;
            }
        }
    }

    /// Reads the start of a node; gives what its children are, or nothing where they do not matter.
    fn enter(&mut self, node: &Node, context: Context) -> Entered {
        let kind = Kind::of(node.kind_id());
        match (context, kind) {
            (_, Kind::Comment) | (Context::Skipped, _) => None,
            (Context::Value { owner, nested }, _) => self.enter_value(node, kind, owner, nested),
            (Context::Command(command), _) => self.enter_command(node, kind, command),
            (Context::Redirection(item, index), _) => self.enter_redirection(node, kind, item, index),
            (Context::List { error }, _) => self.enter_statement(node, kind, error),
        }
    }

    fn enter_value(&mut self, node: &Node, kind: Kind, owner: Option<usize>, nested: bool) -> Entered {
        if matches!(kind, Kind::Expansion | Kind::Substitution) && !nested {
            self.expansions.push(self.range(node));
        }
        match kind {
            Kind::Substitution => self.enter_list(node, owner, Leave::default()),
            _ => Some((Context::Value { owner, nested: nested || kind == Kind::Expansion }, Leave::default())),
        }
    }

    /// A word, or the part of one that is all of it.
    fn enter_word(&mut self, node: &Node, kind: Kind, owner: Option<usize>, place: Place) -> Entered {
        let leave = Leave { word: Some((place, self.expansions.len())), ..Leave::default() };
        let nested = matches!(kind, Kind::Expansion | Kind::Substitution);
        if nested {
            self.expansions.push(self.range(node));
        }
        if kind == Kind::Substitution {
            return self.enter_list(node, owner, leave);
        }
        Some((Context::Value { owner, nested }, leave))
    }

    /// The inside of a substitution or of a compound command.
    fn enter_list(&mut self, node: &Node, inside: Option<usize>, leave: Leave) -> Entered {
        if self.frames.len() >= SHELL_DEPTH.most {
            self.script.partial = true;
            let known = self.script.exceeded;
            self.script.exceeded = known.or(Some(exceeded(&SHELL_DEPTH, self.text, node.start_byte())));
            return Some((Context::Skipped, leave));
        }
        let and_or = self.script.commands.len();
        self.frames.push(Frame { and_or, ..Frame::new(inside) });
        Some((Context::List { error: false }, Leave { list: true, ..leave }))
    }

    fn enter_command(&mut self, node: &Node, kind: Kind, command: usize) -> Entered {
        match kind {
            Kind::Assignment if self.script.commands[command].words.is_empty() => {
                self.enter_word(node, kind, Some(command), Place::Assignment(command))
            }
            Kind::FileRedirect | Kind::HereString | Kind::HereDocument => {
                Some(self.enter_redirect(node, Item::Command(command)))
            }
            Kind::Error => Some((Context::Command(command), Leave::default())),
            Kind::Subshell => self.enter_group(node, GroupKind::Subshell),
            Kind::And | Kind::Or | Kind::Pipe | Kind::Then | Kind::Background | Kind::Keyword | Kind::Descriptor => {
                None
            }
            _ if node.byte_range().is_empty() => None,
            _ if kind == Kind::CommandName => {
                let leave = Leave { word: Some((Place::Argument(command), self.expansions.len())), ..Leave::default() };
                Some((Context::Value { owner: Some(command), nested: false }, leave))
            }
            _ => self.enter_word(node, kind, Some(command), Place::Argument(command)),
        }
    }

    fn enter_redirect(&mut self, node: &Node, item: Item) -> (Context, Leave) {
        let start = self.range(node).start;
        let target = Word { text: self.text.slice(start..start), literal: true };
        let span = target.text.span;
        let redirections = self.redirections(item);
        redirections.push(Redirection { operator: String::new(), target, body: None, span });
        (Context::Redirection(item, redirections.len() - 1), Leave::default())
    }

    fn redirections(&mut self, item: Item) -> &mut Few<Redirection> {
        match item {
            Item::Command(command) => &mut self.script.commands[command].redirections,
            Item::Group(group) => &mut self.script.groups[group].redirections,
        }
    }

    fn enter_redirection(&mut self, node: &Node, kind: Kind, item: Item, index: usize) -> Entered {
        let owner = match item {
            Item::Command(command) => Some(command),
            Item::Group(_) => self.inside(),
        };
        let text = self.text;
        let range = self.range(node);
        let redirection = &mut self.redirections(item)[index];
        let targeted = !redirection.target.text.span.is_empty();
        match kind {
            Kind::Descriptor | Kind::Token if !targeted => {
                redirection.operator.push_str(&text.value[range.clone()]);
                redirection.span = redirection.span.to(text.span_of(range.clone()));
                None
            }
            Kind::HereDocumentStart => {
                let delimiter = word::build(text, range.clone(), &[]);
                self.target(item, index, Word { literal: true, ..delimiter });
                None
            }
            Kind::HereDocumentBody => {
                let strip = redirection.operator.ends_with("<<-");
                // The grammar leaves out blanks at the start.
                let blanks = text.value[..range.start].trim_end_matches([' ', '\t', '\r', '\n']).len();
                let line_end = text.value[blanks..range.start].find('\n');
                let start = line_end.map_or(range.start, |line_end| blanks + line_end + 1);
                let body = grammar::body(text, start..range.end, strip);
                self.redirections(item)[index].body = Some(Box::new(body));
                self.enter_word(node, kind, owner, Place::Nowhere)
            }
            Kind::HereDocumentEnd => {
                let strip = redirection.operator.ends_with("<<-");
                let end = grammar::false_end(&text.value, range.clone(), strip);
                self.false_end = self.false_end.or(end);
                None
            }
            Kind::Token | Kind::Then | Kind::Error => None,
            Kind::FileRedirect | Kind::HereString | Kind::HereDocument => Some(self.enter_redirect(node, item)),
            Kind::Literal | Kind::Expansion | Kind::Substitution => {
                // The grammar takes the arguments behind a redirection for more targets.
                let place = match item {
                    _ if !targeted => Place::Target(item, index),
                    Item::Command(command) => Place::Argument(command),
                    Item::Group(_) => Place::Nowhere,
                };
                self.enter_word(node, kind, owner, place)
            }
            _ => self.enter_statement(node, kind, false),
        }
    }

    fn enter_statement(&mut self, node: &Node, kind: Kind, error: bool) -> Entered {
        let group = match kind {
            Kind::Transparent => return Some((Context::List { error: false }, Leave::default())),
            Kind::Error => return Some((Context::List { error: true }, Leave::default())),
            Kind::Command | Kind::Declaration | Kind::Assignments => {
                let command = self.begin_command(self.range(node));
                return Some((Context::Command(command), Leave::default()));
            }
            Kind::Assignment => {
                let command = self.begin_command(self.range(node));
                return self.enter_word(node, kind, Some(command), Place::Assignment(command));
            }
            Kind::Test => {
                let command = self.begin_command(self.range(node));
                return self.enter_word(node, kind, Some(command), Place::Test(command));
            }
            Kind::FileRedirect | Kind::HereString | Kind::HereDocument => {
                let open = self.frame().open;
                let item = open.unwrap_or_else(|| Item::Command(self.begin_command(self.range(node))));
                return Some(self.enter_redirect(node, item));
            }
            Kind::And | Kind::Or | Kind::Pipe | Kind::Then | Kind::Background => {
                self.operator(kind);
                return None;
            }
            Kind::Keyword => {
                self.end_list();
                return None;
            }
            Kind::CommandName | Kind::Literal | Kind::Expansion | Kind::Substitution if error => {
                let command = match self.frame() {
                    Frame { loose: true, open: Some(Item::Command(command)), .. } if kind != Kind::CommandName => {
                        *command
                    }
                    _ => {
                        let command = self.begin_command(self.range(node));
                        self.frame().loose = true;
                        command
                    }
                };
                return self.enter_word(node, kind, Some(command), Place::Argument(command));
            }
            Kind::CommandName | Kind::Literal | Kind::Expansion | Kind::Substitution | Kind::Other => {
                let owner = self.inside();
                return self.enter_word(node, kind, owner, Place::Nowhere);
            }
            Kind::Comment | Kind::Descriptor | Kind::Token => return None,
            Kind::HereDocumentStart | Kind::HereDocumentBody | Kind::HereDocumentEnd => return None,
            Kind::Subshell => GroupKind::Subshell,
            Kind::Compound if self.text.value[self.range(node)].starts_with("((") => GroupKind::Arithmetic,
            Kind::Compound => GroupKind::Brace,
            Kind::If => GroupKind::If,
            Kind::While => GroupKind::While,
            Kind::For => GroupKind::For,
            Kind::Case => GroupKind::Case,
            Kind::Function => GroupKind::Function,
        };
        self.enter_group(node, group)
    }

    fn enter_group(&mut self, node: &Node, kind: GroupKind) -> Entered {
        let group = self.script.groups.len();
        let joined_by = self.begin(Item::Group(group));
        let name = match kind {
            GroupKind::Function => node.child_by_field_name("name").map(|name| self.text.slice(self.range(&name))),
            _ => None,
        };
        let first = self.script.commands.len();
        self.script.groups.push(Group {
            kind,
            span: self.text.span_of(self.range(node)),
            commands: first..first,
            redirections: Few::new(),
            joined_by,
            name,
        });
        let inside = self.inside();
        self.enter_list(node, inside, Leave { group: Some(group), ..Leave::default() })
    }

    fn leave(&mut self, leave: Leave, range: Range<usize>) {
        if leave.list {
            self.end_list();
            self.frames.pop();
        }
        if let Some(group) = leave.group {
            self.script.groups[group].commands.end = self.script.commands.len();
        }
        if let Some((place, mark)) = leave.word {
            self.word(place, range, mark);
            self.expansions.truncate(mark);
        }
    }

    fn word(&mut self, place: Place, range: Range<usize>, mark: usize) {
        let text = self.text;
        let expansions = &self.expansions[mark..];
        match place {
            Place::Nowhere => {}
            Place::Argument(command) => {
                let range = grammar::escaped_blanks(&text.value, range);
                let word = word::build(text, range.clone(), expansions);
                let command_at = &mut self.script.commands[command];
                let first = command_at.words.is_empty() && command_at.assignments.is_empty();
                // The grammar takes a keyword without its beginning for a command.
                self.script.partial |= first && CLOSING.contains(&&text.value[range.clone()]);
                command_at.span = command_at.span.to(word.text.span);
                let words = &mut command_at.words;
                let last = std::mem::take(&mut self.last_word);
                let joined = last.parts > 0
                    && last.command == command
                    && last.end == grammar::line_start(&text.value, range.start);
                let parts = if joined && last.parts < MAX_PARTS { last.parts + 1 } else { 1 };
                match words.last_mut() {
                    // The grammar splits some words, such as those with a line end inside.
                    Some(before) if parts > 1 => *before = word::join(before, &word),
                    _ => words.push(word),
                }
                self.last_word = LastWord { command, end: range.end, parts };
            }
            Place::Assignment(command) => {
                let written = &text.value[range.clone()];
                let equals = range.start + written.find('=').unwrap_or(written.len());
                let value = (equals + 1).min(range.end)..range.end;
                let array = text.value[value.clone()].starts_with('(');
                let name = written[..equals - range.start].trim_end_matches('+').len();
                let value = word::build(text, value, expansions);
                let value = Word { literal: value.literal && !array, ..value };
                let name = text.slice(range.start..range.start + name);
                self.script.commands[command].assignments.push(Assignment { name, value });
            }
            Place::Target(item, index) => {
                let word = word::build(text, range, expansions);
                self.target(item, index, word);
            }
            Place::Test(command) => {
                let words = word::split(text, range, expansions);
                let words = words.into_iter().map(|range| {
                    let first = expansions.partition_point(|e| e.start < range.start);
                    let count = expansions[first..].partition_point(|e| e.start < range.end);
                    word::build(text, range, &expansions[first..first + count])
                });
                self.script.commands[command].words = words.collect();
            }
        }
    }

    /// Gives a redirection its target.
    fn target(&mut self, item: Item, index: usize, word: Word) {
        let end = word.text.span;
        let redirection = &mut self.redirections(item)[index];
        redirection.target = word;
        redirection.span = redirection.span.to(end);
        let span = redirection.span;
        let whole = match item {
            Item::Command(command) => &mut self.script.commands[command].span,
            Item::Group(group) => &mut self.script.groups[group].span,
        };
        *whole = whole.to(span);
    }

    /// The bytes of a node, out to whole characters: the parser is not given those that are not ASCII.
    fn range(&self, node: &Node) -> Range<usize> {
        let value = &self.text.value;
        let Range { mut start, mut end } = node.byte_range();
        while !value.is_char_boundary(start) {
            start -= 1;
        }
        while end < value.len() && !value.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }
}
