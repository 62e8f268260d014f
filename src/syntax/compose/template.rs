//! Interpolation as compose-go does it (`template` package): `$NAME`, `${NAME}` and its operators, `$$`.

use crate::source::{Span, Spanned, Text};

/// Text with variables in it.
#[derive(Clone, Debug)]
pub struct Template {
    /// The text as YAML or the `.env` reader gives it.
    pub raw: Text,
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// A part of a [`Template`].
#[derive(Clone, Debug)]
pub enum Part {
    /// Literal text, `$$` already turned into `$`.
    Literal(Text),
    /// A variable.
    Variable(Variable),
}

/// `$NAME`, `${NAME}` or `${NAME:-…}`.
#[derive(Clone, Debug)]
pub struct Variable {
    /// All of it, from the `$`.
    pub span: Span,
    /// Name.
    pub name: Spanned<String>,
    /// Operator and what stands behind it.
    pub operation: Option<Operation>,
}

/// An operator of a variable and its operand.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Which.
    pub operator: Operator,
    /// An empty value counts as unset (the forms with a colon).
    pub colon: bool,
    /// What stands behind the operator.
    pub operand: Template,
}

/// An interpolation operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `-`: the operand when unset.
    Default,
    /// `?`: an error when unset.
    Required,
    /// `+`: the operand when set.
    Alternative,
}
