//! The pages of the documentation, and what they tell a reader to type.

use std::fs;
use std::path::Path;

/// A page or another file of the repository.
pub fn read(page: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The commands of a page: the lines of its `sh` fences, and those of the `script` lists in its `yaml` fences.
pub fn commands(page: &str) -> Vec<String> {
    let text = read(page);
    let mut commands = Vec::new();
    let mut fence = None;
    for line in text.lines() {
        match (fence, line.strip_prefix("```")) {
            (None, Some(language)) => fence = Some(language),
            (Some(_), Some(_)) => fence = None,
            (Some("sh"), None) => commands.push(line.to_owned()),
            (Some("yaml"), None) => {
                let item = line.trim_start().strip_prefix("- ").filter(|item| !item.contains(": "));
                commands.extend(item.filter(|item| !item.starts_with("\"")).map(str::to_owned));
            }
            _ => {}
        }
    }
    commands
}
