//! Which shell options are in force where.

use super::{Command, GroupKind, Script};

/// Settings of one option that are looked at, going back from a command.
const MAX_SETTINGS: usize = 64;

impl Script {
    /// Whether `set -o pipefail` is in force when command `index` runs, by what the script says before it.
    pub fn sets_pipefail_before(&self, index: usize) -> bool {
        self.option_before(index, "pipefail", None)
    }

    /// Whether `set -e` (`set -o errexit`) is in force when command `index` runs, by what the script says before it.
    pub fn sets_errexit_before(&self, index: usize) -> bool {
        self.option_before(index, "errexit", Some('e'))
    }

    fn option_before(&self, index: usize, name: &str, letter: Option<char>) -> bool {
        let before = self.commands.iter().enumerate().take(index).rev();
        let settings = before.filter_map(|(at, command)| Some((at, setting(command, name, letter)?)));
        settings.take(MAX_SETTINGS).find(|(at, _)| self.same_shell(*at, index)).is_some_and(|(_, on)| on)
    }

    /// Whether what command `from` sets in its shell still holds at the later command `to`: subshells, pipeline stages,
    /// substitutions and functions that `to` is not in keep it for themselves.
    fn same_shell(&self, from: usize, to: usize) -> bool {
        let left = |group: &super::Group| group.commands.contains(&from) && !group.commands.contains(&to);
        let own = self.groups.iter().filter(|g| matches!(g.kind, GroupKind::Subshell | GroupKind::Function));
        if own.into_iter().any(left) {
            return false;
        }
        let piped = |stage: &Vec<usize>| stage.contains(&from) && !stage.contains(&to);
        if self.pipelines.iter().flat_map(|pipeline| &pipeline.stages).any(piped) {
            return false;
        }
        match self.commands[from].inside {
            None => true,
            inside => {
                let mut at = self.commands.get(to);
                while let Some(command) = at {
                    if command.inside == inside {
                        return true;
                    }
                    at = command.inside.and_then(|owner| self.commands.get(owner));
                }
                false
            }
        }
    }
}

/// What a `set` or `shopt -o` command makes of an option.
fn setting(command: &Command, name: &str, letter: Option<char>) -> Option<bool> {
    let mut args = command.args().iter().map(|word| word.text.value.as_str());
    match command.name()? {
        "set" => {
            let mut state = None;
            while let Some(flag) = args.next() {
                let on = flag.starts_with('-');
                let Some(letters) = flag.strip_prefix(['-', '+']).filter(|letters| !letters.is_empty()) else { break };
                if letters == "-" {
                    break;
                }
                if letter.is_some_and(|letter| letters.contains(letter)) {
                    state = Some(on);
                }
                if letters.contains('o') && args.next() == Some(name) {
                    state = Some(on);
                }
            }
            state
        }
        "shopt" => {
            let args: Vec<&str> = args.collect();
            let flags: String = args.iter().filter_map(|arg| arg.strip_prefix('-')).collect();
            let named = flags.contains('o') && args.contains(&name);
            (named && flags.contains(['s', 'u'])).then(|| flags.contains('s'))
        }
        _ => None,
    }
}
