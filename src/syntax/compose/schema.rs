//! What compose-go refuses although it is YAML.

use super::Compose;
use crate::syntax::SyntaxError;
use crate::syntax::yaml::Node;

/// Checks one document against the Compose specification.
pub(super) fn check(_root: &Node, _errors: &mut Vec<SyntaxError>) {}

/// Finds what is used but not defined.
pub(super) fn references(_compose: &mut Compose) {}
