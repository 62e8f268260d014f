//! How much confscan looks at, and what is said where there is more.
//!
//! Every [`Limit`] is far above what real files have, and keeps hostile ones from taking more time, memory or stack than
//! their size is worth. Where one is exceeded, something is not graded: that is an [`Exceeded`], which the rule
//! `limit-exceeded` reports as a gap, so that no limit is a way to hide from the scan. What a limit keeps from being shown
//! twice, or from being guessed at, is not among them: it stays beside the code that has it.

use crate::source::Span;

/// A limit on what is looked at.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Limit {
    /// Kebab-case name; part of a finding's identity, so that it never changes.
    pub name: &'static str,
    /// The largest number that is looked at.
    pub most: usize,
    /// What is counted, behind the number: `bytes in one shell script`.
    pub what: &'static str,
    /// What is not graded where there is more, as a clause.
    pub lost: &'static str,
}

impl Limit {
    /// What is said where the limit is exceeded, without a full stop.
    pub fn message(&self) -> String {
        format!("more than {} {}: {}", grouped(self.most), self.what, self.lost)
    }

    /// Whether `count` is within the limit.
    pub fn holds(&self, count: usize) -> bool {
        count <= self.most
    }
}

/// A place where a limit is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exceeded {
    /// Where: the place from which on something is left out, or the thing that has too much.
    pub span: Span,
    /// The limit.
    pub limit: &'static Limit,
}

/// A number with a comma after every three digits.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Declares the limits and the list of all of them.
macro_rules! limits {
    ($($(#[$comment:meta])* $id:ident = $name:literal, $most:expr, $what:literal, $lost:literal;)*) => {
        $($(#[$comment])* pub static $id: Limit = Limit { name: $name, most: $most, what: $what, lost: $lost };)*

        /// Every limit, in the order in which a file goes through them.
        pub static ALL: &[&Limit] = &[$(&$id),*];
    };
}

limits! {
    /// Bytes of a script that are parsed. BuildKit itself refuses lines of a Dockerfile over 65,535 bytes.
    SHELL_BYTES = "shell-bytes", 64 << 10, "bytes in one shell script", "what follows them is not graded";
    /// Work after which parsing a script ends; the unit is that of `syntax::shell`. 64 KiB of ordinary script take about a
    /// tenth of it.
    SHELL_WORK = "shell-work", 96_000, "steps to parse one shell script", "none of it is graded";
    /// `|` characters in a script that are parsed: the grammar's time on a pipeline that does not end grows with the
    /// square of its length.
    SHELL_PIPES = "shell-pipes", 1_024, "`|` in one shell script", "what follows them is not graded";
    /// Lists inside lists of a script that are followed.
    SHELL_DEPTH = "shell-depth", 100, "shell lists inside one another", "what is deeper is not graded";
    /// Times that a script is parsed again because the grammar ended a here-document too early.
    SHELL_CORRECTIONS = "shell-corrections", 8, "here-documents with a line that looks like their end",
        "what follows them is not graded";
    /// Scripts inside scripts (`sh -c "sh -c …"`) that are followed.
    COMMAND_DEPTH = "command-depth", 16, "shells inside one another", "what the innermost run is not graded";
    /// Wrappers around one program (`sudo env nice …`) that are taken off.
    COMMAND_WRAPPERS = "command-wrappers", 64, "wrappers around one program", "what they start is not graded";
    /// Words of one command, where positional parameters have been put in.
    COMMAND_WORDS = "command-words", 4_096, "words in one command", "what follows them is not graded";
    /// Bytes that variables may add to one word of a Dockerfile: far more than any real path or list.
    WORD_GROWTH = "word-growth", 8 << 10, "bytes that variables add to one word of a Dockerfile",
        "what it stands for is not known";
    /// Bytes of values that working out one stage of a Dockerfile may copy and search in all.
    FILE_GROWTH = "file-growth", 4 << 20, "bytes that variables add to the words of one Dockerfile stage",
        "what they stand for is not known";
    /// `${…}` inside `${…}` of a Dockerfile that are followed; BuildKit has no limit but its stack.
    WORD_DEPTH = "word-depth", 64, "variables inside one another", "what they stand for is not known";
    /// Stages that are built on each other and evaluated. Real files have a handful; a file of many stages that start from
    /// each other would take time that grows with its square.
    STAGES = "stages", 128, "stages built on each other", "what the first of them do is not part of the last";
    /// Bytes that variables add to the values of one stack of Compose files and of its `.env` files.
    VARIABLES_OF_STACK = "variables-of-stack", 1 << 20, "bytes that variables add to one Compose stack",
        "what this variable stands for is not known from there on";
    /// The same for all stacks of a scan.
    VARIABLES_OF_ALL = "variables-of-all", 64 << 20, "bytes that variables add to all Compose stacks",
        "what this variable stands for is not known from there on";
    /// Services of one stack of Compose files. Rules about networks and dependencies compare services with each other.
    SERVICES = "services", 1_000, "services in one Compose stack", "this one and those behind it are not graded";
    /// Services of all stacks; a service counts in every stack that it is part of.
    SERVICES_OF_ALL = "services-of-all", 50_000, "services in all Compose stacks",
        "this one and those behind it are not graded";
    /// Bytes of Dockerfiles, each counted for every container but the first that is built from it, and four times more for
    /// build arguments that no other service gives it: its stages are then worked out anew.
    SHARED_DOCKERFILES = "shared-dockerfiles", 16 << 20,
        "bytes of Dockerfiles, counted for each further container that they build", "the image of this container, and perhaps of others behind it, is not graded in it";
    /// Variables of `env_file` and of images, each counted for every container that gets it.
    SHARED_VARIABLES = "shared-variables", 200_000,
        "variables of `env_file` and of images, counted for each container that gets them",
        "those of this container, and perhaps of others behind it, are not graded in it";
    /// Programs of supervisord configs, each counted for every container that runs it.
    SHARED_PROGRAMS = "shared-programs", 20_000, "supervisord programs, counted for each container that runs them",
        "those of this container, and perhaps of others behind it, are not graded in it";
    /// Bytes of nginx configs, each counted for every container that reads it.
    SHARED_NGINX = "shared-nginx", 64 << 20, "bytes of nginx configs, counted for each container that reads them",
        "those of this container, and perhaps of others behind it, are not graded in it";
    /// Processes of one container.
    PROCESSES = "processes", 5_000, "processes in one container", "this one and those that it starts are not graded";
    /// Scripts that start scripts that start scripts are followed this far.
    SCRIPT_DEPTH = "script-depth", 8, "scripts that start each other", "what the innermost starts is not graded";
    /// Config files of servers that are looked for in one container.
    CONFIGS = "configs", 1_000, "files where servers of one container read their configs", "the others are not graded";
    /// `include` directives of nginx configs, each pattern counted with the files that it is compared with.
    NGINX_INCLUDES = "nginx-includes", 1_000_000, "`include` directives of nginx configs, or files for their patterns",
        "this one and those behind it are not followed";
    /// Directives that the tree of one nginx config takes from included files.
    NGINX_NODES = "nginx-nodes", 10_000, "directives in one nginx config with what it includes",
        "what this `include` brings in is not graded as a part of it";
    /// nginx configs that include each other.
    NGINX_DEPTH = "nginx-include-depth", 16, "nginx configs that include each other",
        "what this `include` brings in is not graded as a part of it";
    /// Definitions of variables that one rule looks at in one nginx config.
    NGINX_STEPS = "nginx-steps", 200_000, "definitions of variables to look at for one rule",
        "what the variables of this config hold is not known from there on";
    /// What one nginx config passes requests on to.
    NGINX_TARGETS = "nginx-targets", 1_000, "targets of one nginx config", "the others are not graded";
    /// Shells inside the shells of one command line whose downloads are looked at.
    COMMAND_SCRIPTS = "command-scripts", 32, "shells in one command line", "what the others download is not graded";
    /// Things of one kind that one rule compares with each other in one container or config.
    RULE_ITEMS = "rule-items", 500, "accounts, addresses, arguments or programs that one rule compares",
        "the others are not compared";
}
