//! Lists and pipelines: what joins the statements of one nesting level.

use std::ops::Range;

use super::super::tree::Kind;
use super::super::{Command, Joint, Pipeline};
use super::Lowering;
use crate::few::Few;
use crate::source::Span;

/// A statement of a list.
#[derive(Clone, Copy)]
pub(super) enum Item {
    Command(usize),
    Group(usize),
}

/// A list that is being read.
pub(super) struct Frame {
    /// The command whose substitution this list stands in.
    pub(super) inside: Option<usize>,
    /// No statement yet.
    pub(super) first: bool,
    /// Operator since the last statement.
    pub(super) pending: Option<Joint>,
    /// The last statement, until the operator behind it.
    pub(super) open: Option<Item>,
    /// The last statement was put together from the loose words of an error.
    pub(super) loose: bool,
    /// The stages of the pipeline that is being read.
    pub(super) stages: Vec<Item>,
    /// First command since the last `;`, `&` or line end.
    pub(super) and_or: usize,
}

impl Frame {
    pub(super) fn new(inside: Option<usize>) -> Self {
        let stages = Vec::new();
        Frame { inside, first: true, pending: None, open: None, loose: false, stages, and_or: 0 }
    }
}

impl Lowering<'_> {
    pub(super) fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::new(None));
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    pub(super) fn inside(&self) -> Option<usize> {
        self.frames.last().and_then(|frame| frame.inside)
    }

    pub(super) fn begin_command(&mut self, range: Range<usize>) -> usize {
        let command = self.script.commands.len();
        let joined_by = self.begin(Item::Command(command));
        self.script.commands.push(Command {
            span: self.text.span_of(range),
            assignments: Few::new(),
            words: Vec::new(),
            redirections: Few::new(),
            joined_by,
            inside: self.inside(),
            background: false,
        });
        command
    }

    /// Starts a statement of the innermost list.
    pub(super) fn begin(&mut self, item: Item) -> Joint {
        let commands = self.script.commands.len();
        let frame = self.frame();
        let joint = if frame.first { Joint::First } else { frame.pending.unwrap_or(Joint::Then) };
        frame.first = false;
        frame.pending = None;
        frame.open = Some(item);
        frame.loose = false;
        if matches!(joint, Joint::First | Joint::Then | Joint::Background) {
            frame.and_or = commands;
        }
        if joint != Joint::Pipe {
            self.end_pipeline();
        }
        self.frame().stages.push(item);
        joint
    }

    pub(super) fn operator(&mut self, kind: Kind) {
        let joint = match kind {
            Kind::And => Joint::And,
            Kind::Or => Joint::Or,
            Kind::Pipe => Joint::Pipe,
            Kind::Background => Joint::Background,
            _ => Joint::Then,
        };
        let frame = self.frame();
        frame.open = None;
        if joint != Joint::Then || frame.pending.is_none() {
            frame.pending = Some(joint);
        }
        let and_or = frame.and_or;
        if joint == Joint::Background {
            for command in self.script.commands.iter_mut().skip(and_or) {
                command.background = true;
            }
        }
    }

    /// Ends the list that is being read; another one may follow in the same compound command.
    pub(super) fn end_list(&mut self) {
        self.end_pipeline();
        let and_or = self.script.commands.len();
        let frame = self.frame();
        *frame = Frame { and_or, ..Frame::new(frame.inside) };
    }

    fn end_pipeline(&mut self) {
        let inside = self.inside();
        let stages = std::mem::take(&mut self.frame().stages);
        let [first, .., last] = stages.as_slice() else { return };
        let commands = &self.script.commands;
        let groups = &self.script.groups;
        let span = |item: &Item| -> Span {
            match *item {
                Item::Command(command) => commands[command].span,
                Item::Group(group) => groups[group].span,
            }
        };
        let span = span(first).to(span(last));
        let stage = |item: &Item| match *item {
            Item::Command(command) => vec![command],
            Item::Group(group) => groups[group].commands.clone().filter(|&at| commands[at].inside == inside).collect(),
        };
        let stages = stages.iter().map(stage).collect();
        self.script.pipelines.push(Pipeline { span, stages });
    }
}
