//! Which Compose files run together, as command lines in scripts, Makefiles, workflows, units and documentation say it.
//!
//! Those formats have one thing in common, that a command stands on one line (or on several joined by `\`), so that lines
//! are read, not formats: what is not a call of Compose is passed over.

use std::ops::Range;

/// A call of Compose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// What follows `-f`, or what `COMPOSE_FILE` holds, in order.
    pub files: Vec<String>,
    /// What follows `--env-file`.
    pub env_files: Vec<String>,
    /// What follows `--project-directory`.
    pub project_directory: Option<String>,
    /// The folder of a `cd` before it on its line.
    pub directory: Option<String>,
    /// The subcommand (`up`), where one follows.
    pub verb: Option<String>,
    /// `--watch` is given.
    pub watch: bool,
    /// The files are those of `COMPOSE_FILE`.
    pub variable: bool,
    /// Bytes of the command in the text.
    pub range: Range<usize>,
}

/// Longest line that is read: what is longer is generated or packed.
const MAX_LINE: usize = 4_096;
/// Calls that one file is asked for.
const MAX_COMMANDS: usize = 200;
/// Files of one call.
const MAX_FILES: usize = 32;

/// The calls of Compose in a text.
pub fn commands(text: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut next = 0;
    let lower = memchr::memmem::find_iter(text.as_bytes(), b"ompose");
    let mut places: Vec<usize> = lower.chain(memchr::memmem::find_iter(text.as_bytes(), b"OMPOSE")).collect();
    places.sort_unstable();
    for found in places {
        // A line that was read, with those that continue it, is not read again.
        if found < next || commands.len() >= MAX_COMMANDS {
            continue;
        }
        let start = logical_start(text, found);
        let end = logical_end(text, found);
        next = end;
        if end - start <= MAX_LINE {
            line(text, start..end, &mut commands);
        }
    }
    commands
}

/// Whether the line before `at`, which ends there, goes on behind its end.
fn continues(text: &str, end: usize) -> bool {
    text[..end].trim_end_matches('\r').ends_with('\\')
}

fn logical_start(text: &str, mut at: usize) -> usize {
    loop {
        let Some(line) = memchr::memrchr(b'\n', &text.as_bytes()[..at]) else { return 0 };
        if !continues(text, line) {
            return line + 1;
        }
        at = line;
    }
}

fn logical_end(text: &str, mut at: usize) -> usize {
    loop {
        let Some(line) = memchr::memchr(b'\n', &text.as_bytes()[at..]).map(|line| at + line) else { return text.len() };
        if !continues(text, line) {
            return line;
        }
        at = line + 1;
    }
}

/// A word of a line.
struct Word<'t> {
    text: &'t str,
    range: Range<usize>,
}

/// Characters around words that belong to the format, not to the command.
const FRAME: [char; 9] = ['"', '\'', '`', ',', '(', ')', '[', ']', '|'];

/// The words of a line: separated by blanks, without quotes. What ends a command (`&&`, `;`) stands alone.
fn words(text: &str, range: Range<usize>) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = range.start;
    for piece in text[range].split([' ', '\t', '\n', '\r']) {
        let start = at;
        at += piece.len() + 1;
        if piece.is_empty() || piece == "\\" {
            continue;
        }
        // A backtick behind a word ends what documentation shows.
        let ends = piece.ends_with(';')
            || piece.ends_with("&&")
            || piece.len() > 1 && piece.trim_end_matches(['.', ',', ')', ':']).ends_with('`');
        let bare = piece.trim_end_matches([';', '&']).trim_matches(['\\', '"', '\'', '`', ',', '|']);
        let bare = if bare.starts_with("$(") { bare } else { bare.trim_matches(FRAME) };
        if !bare.is_empty() {
            let offset = bare.as_ptr() as usize - piece.as_ptr() as usize;
            words.push(Word { text: bare, range: start + offset..start + offset + bare.len() });
        }
        if ends || matches!(piece, "|" | "||") {
            words.push(Word { text: ";", range: start + piece.len()..start + piece.len() });
        }
    }
    words
}

/// Reads one line.
fn line(text: &str, range: Range<usize>, commands: &mut Vec<Command>) {
    let words = words(text, range);
    let mut at = 0;
    let mut directory = None;
    while at < words.len() {
        let word = words[at].text;
        if word == "cd" {
            directory = words.get(at + 1).map(|word| word.text.to_owned());
        }
        if let Some(files) = compose_file(word, words.get(at + 1)) {
            let range = words[at].range.clone();
            commands.push(Command { files, variable: true, directory: directory.clone(), range, ..Command::default() });
            at += 1;
        } else if let Some(first) = call(&words, at) {
            let mut command = Command { directory: directory.clone(), ..Command::default() };
            let end = arguments(&words, first, &mut command);
            command.range = words[at].range.start..words[end - 1].range.end;
            commands.push(command);
            at = end;
        } else if is_file_flag(word) && names_yaml(words.get(at + 1)) {
            // `-f a.yml -f b.yml` in a variable that a command uses elsewhere.
            let mut command = Command { directory: directory.clone(), ..Command::default() };
            let end = arguments(&words, at, &mut command);
            command.range = words[at].range.start..words[end - 1].range.end;
            commands.push(command);
            at = end;
        } else {
            at += 1;
        }
    }
}

/// Whether Compose is called at `at`; where its arguments start then.
fn call(words: &[Word], at: usize) -> Option<usize> {
    let name = |word: &str| {
        let bare = word.trim_start_matches(['@', '-', '+']);
        bare.rsplit(['/', '=']).next().unwrap_or(bare).to_owned()
    };
    let word = name(words[at].text);
    if matches!(word.as_str(), "docker-compose" | "podman-compose" | "docker-compose.exe") {
        return Some(at + 1);
    }
    // `$(COMPOSE)`, `${DOCKER_COMPOSE}`, `$COMPOSE`
    let variable = word.strip_prefix('$').map(|name| name.trim_matches(['(', ')', '{', '}']));
    if variable.is_some_and(|name| name.to_ascii_lowercase().contains("compose") && !name.contains([' ', '.'])) {
        return Some(at + 1);
    }
    let engine = matches!(word.as_str(), "docker" | "podman" | "nerdctl");
    let next = words.get(at + 1).map(|word| word.text);
    match next {
        Some("compose") if engine => Some(at + 2),
        Some("stack") if engine && words.get(at + 2).is_some_and(|word| word.text == "deploy") => Some(at + 3),
        _ => None,
    }
}

fn is_file_flag(word: &str) -> bool {
    matches!(word, "-f" | "--file" | "-c" | "--compose-file")
}

fn names_yaml(word: Option<&Word>) -> bool {
    word.is_some_and(|word| word.text.ends_with(".yml") || word.text.ends_with(".yaml"))
}

/// Reads arguments from `at` on, and gives where the command ends.
fn arguments(words: &[Word], mut at: usize, command: &mut Command) -> usize {
    while let Some(word) = words.get(at).map(|word| word.text) {
        let value = words.get(at + 1).map(|word| word.text.to_owned());
        let joined = |name: &str| word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).map(str::to_owned);
        if word == ";" || word.starts_with('#') || word.starts_with("&&") {
            break;
        }
        if is_file_flag(word) {
            command.files.extend(value.filter(|_| command.files.len() < MAX_FILES));
            at += 1;
        } else if let Some(file) = joined("--file").or_else(|| joined("-f")) {
            command.files.push(file);
        } else if word == "--env-file" {
            command.env_files.extend(value);
            at += 1;
        } else if let Some(file) = joined("--env-file") {
            command.env_files.push(file);
        } else if word == "--project-directory" {
            command.project_directory = value;
            at += 1;
        } else if let Some(directory) = joined("--project-directory") {
            command.project_directory = Some(directory);
        } else if matches!(word, "-p" | "--project-name" | "--profile" | "--parallel" | "--progress" | "--ansi") {
            at += 1;
        } else if word == "--watch" || word == "-w" && command.verb.as_deref() == Some("up") {
            command.watch = true;
        } else if !word.starts_with('-') && command.verb.is_none() {
            command.verb = Some(word.to_owned());
        }
        at += 1;
        // Behind the subcommand, `-f` is an option of that (`logs -f`).
        if command.verb.is_some() {
            while let Some(word) = words.get(at).map(|word| word.text) {
                if word == ";" || word.starts_with('#') {
                    break;
                }
                command.watch |= word == "--watch";
                at += 1;
            }
            break;
        }
    }
    at.min(words.len())
}

/// The files of `COMPOSE_FILE=a:b` or `COMPOSE_FILE: a:b`.
fn compose_file(word: &str, next: Option<&Word>) -> Option<Vec<String>> {
    let rest = word.strip_prefix("COMPOSE_FILE")?;
    let value = match rest.strip_prefix('=') {
        Some(value) => value,
        None if matches!(rest, ":" | "\":") => next?.text,
        None => return None,
    };
    let value = value.trim_matches(['"', '\'']);
    (value.contains(".y") && !value.contains('$')).then(|| split_files(value, None))
}

/// What `dockerComposeFile` of a devcontainer.json names: one file, or several in their order. The format is JSON with
/// comments, of which only the strings behind that key are looked at.
pub fn devcontainer(text: &str) -> Option<Command> {
    let key = text.find("\"dockerComposeFile\"")?;
    let value = key + text[key..].find(':')? + 1;
    let list = text[value..].trim_start().starts_with('[');
    let end = value + if list { text[value..].find(']')? } else { text[value..].find([',', '\n', '}'])? };
    // Between the quotes of a list stands every second piece.
    let files = text[value..end].split('"').skip(1).step_by(2).take(MAX_FILES).map(str::to_owned);
    Some(Command { files: files.collect(), range: key..end, ..Command::default() })
}

/// The files of a value of `COMPOSE_FILE`; without a separator of its own, the system's.
pub fn split_files(value: &str, separator: Option<&str>) -> Vec<String> {
    let separator = separator.filter(|separator| !separator.is_empty());
    // A Windows path has a colon of its own; there the separator is the semicolon.
    let default = if value.contains(';') { ";" } else { ":" };
    let files = value.split(separator.unwrap_or(default)).map(str::trim);
    files.filter(|file| !file.is_empty()).take(MAX_FILES).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_compose_are_found_in_whatever_holds_them() {
        for (text, files) in [
            ("up:\n\t@docker compose -f a.yml -f b.yml up -d\n", "a.yml b.yml"),
            (
                "docker-compose -f a.yml \\\n  --file=b.yml --env-file .env.prod up && docker compose logs -f web\n",
                "a.yml b.yml / ",
            ),
            ("\"dev\": \"docker compose -f \\\"a.yml\\\" up\",", "a.yml"),
            ("ExecStart=/usr/bin/docker compose --file /srv/app/a.yml up", "/srv/app/a.yml"),
            ("      - run: docker compose -p x -f a.yml build", "a.yml"),
            ("# Usage: docker compose -f a.yml -f b.yml up", "a.yml b.yml"),
            ("`docker-compose -f a.yml up` or `docker compose up`", "a.yml / "),
            ("COMPOSE_FILE=a.yml:b.yml docker compose up", "a.yml b.yml / "),
            ("  COMPOSE_FILE: a.yml:b.yml\n", "a.yml b.yml"),
            (
                "FILES = -f docker-compose.yml -f docker-compose.prod.yml\n",
                "docker-compose.yml docker-compose.prod.yml",
            ),
            ("$(COMPOSE) -f a.yml down; $(DOCKER_COMPOSE) up", "a.yml / "),
            ("docker stack deploy -c a.yml -c compose.b.yml app", "a.yml compose.b.yml"),
            ("tail -f compose.log", ""),
            ("we compose music", ""),
        ] {
            let found = commands(text);
            let found: Vec<String> = found.iter().map(|command| command.files.join(" ")).collect();
            assert_eq!(found.join(" / "), files, "{text}");
        }
    }

    #[test]
    fn what_else_a_call_says_is_kept() {
        let text = "cd deploy && docker compose --env-file prod.env --project-directory .. up --watch";
        let [command] = &commands(text)[..] else { panic!("one command") };
        assert_eq!(command.directory.as_deref(), Some("deploy"));
        assert_eq!(command.env_files, ["prod.env"]);
        assert_eq!(command.project_directory.as_deref(), Some(".."));
        assert_eq!((command.verb.as_deref(), command.watch), (Some("up"), true));
        assert_eq!(
            &text[command.range.clone()],
            "docker compose --env-file prod.env --project-directory .. up --watch"
        );
    }

    #[test]
    fn a_devcontainer_names_one_file_or_several() {
        for (text, files) in [
            (r#"{"dockerComposeFile": "compose.yml", "service": "a"}"#, "compose.yml"),
            ("{\n  \"dockerComposeFile\": [\n    \"../a.yml\",\n    \"b.yml\"\n  ],\n}", "../a.yml b.yml"),
            (r#"{"image": "a"}"#, ""),
            (r#"{"dockerComposeFile": ["a"#, ""),
        ] {
            let found = devcontainer(text).map(|command| command.files.join(" "));
            assert_eq!(found.unwrap_or_default(), files, "{text}");
        }
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        assert_eq!(commands(&"docker compose -f a.yml ".repeat(10_000)), []);
        assert!(commands(&"docker compose -f a.yml up\n".repeat(10_000)).len() <= MAX_COMMANDS);
        assert_eq!(commands(&"compose\\\n".repeat(100_000)), []);
    }
}
