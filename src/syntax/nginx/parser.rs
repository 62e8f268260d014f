//! Tokens into directives. The open blocks are kept on a stack of their own, so that depth costs no call stack.

use super::lexer::{Lexer, Token, Word};
use super::lua::{self, LuaEnd};
use super::{Argument, Block, Directive, MAX_DEPTH, Nginx, recover};
use crate::source::{FileId, Span, Text};

/// A block whose `}` was not read yet.
struct Open {
    /// The directive that it belongs to.
    directive: Directive,
    /// Offset of its `{`.
    brace: usize,
    /// The directives before it, in the block around it.
    before: Vec<Directive>,
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    open: Vec<Open>,
    /// Directives of the innermost block.
    directives: Vec<Directive>,
    /// Words of the directive that is being read.
    words: Vec<Word>,
    /// Blocks that are open beyond [`MAX_DEPTH`]; nothing in them is kept.
    ignored: usize,
    /// A Lua block was found that nothing closes: the ones after it are not searched to the end of the file again.
    lua_open: bool,
}

pub(super) fn parse(file: FileId, text: &str, recoded: bool) -> Nginx {
    let mut parser = Parser {
        lexer: Lexer::new(file, text, recoded),
        open: Vec::new(),
        directives: Vec::new(),
        words: Vec::new(),
        ignored: 0,
        lua_open: false,
    };
    if text.starts_with('\u{feff}') {
        parser.lexer.error(0..3, "byte order mark, which nginx reads as a part of the first word");
        parser.lexer.at = 3;
    }
    parser.run();
    parser.directives.shrink_to_fit();
    parser.lexer.comments.shrink_to_fit();
    Nginx { file, directives: parser.directives, comments: parser.lexer.comments, errors: parser.lexer.errors }
}

impl Parser<'_> {
    fn run(&mut self) {
        loop {
            match self.lexer.next(self.words.is_empty()) {
                Token::Word(word) => self.word(word),
                Token::Semicolon(at) => self.semicolon(at),
                Token::Missing(at) => {
                    if !self.words.is_empty() {
                        self.simple(at..at);
                    }
                }
                Token::Open(at) => self.open_block(at),
                Token::Close(at) => self.close_block(at),
                Token::End => break,
            }
        }
        self.end();
    }

    fn word(&mut self, word: Word) {
        let end = word.span.end;
        let placeholder = self.words.is_empty() && !word.quoted && self.is_placeholder(&word);
        if self.ignored == 0 || self.words.is_empty() {
            self.words.push(word);
        }
        if placeholder {
            self.simple(end..end);
        }
    }

    /// Whether a word in the place of a name stands for whole directives that a template puts in: a `${NAME}` or a
    /// `{{ … }}` alone on its line. No directive of nginx is named so.
    fn is_placeholder(&self, word: &Word) -> bool {
        let text = &self.lexer.text[word.span.clone()];
        let is_name =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let opaque = text.starts_with("{{")
            || text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(is_name);
        let rest = &self.lexer.text[word.span.end..];
        opaque && matches!(rest.trim_start_matches([' ', '\t', '\r']).as_bytes().first(), None | Some(b'\n' | b'#'))
    }

    fn semicolon(&mut self, at: usize) {
        if self.words.is_empty() {
            if self.ignored == 0 {
                self.lexer.error(at..at + 1, "unexpected \";\"");
            }
            return;
        }
        self.simple(at..at + 1);
    }

    /// The words read so far are a directive without a block, which ends with `end`.
    fn simple(&mut self, end: std::ops::Range<usize>) {
        if self.ignored > 0 {
            self.words.clear();
            return;
        }
        let words = self.split(false);
        let directive = self.directive(&words, end.end);
        self.directives.push(directive);
        self.reuse(words);
    }

    /// Takes the room of words that were read for those of the next directive.
    fn reuse(&mut self, mut words: Vec<Word>) {
        words.clear();
        self.words = words;
    }

    /// Makes directives of the words before the last one that starts a directive of its own, whose `;` is missing;
    /// the words of that last one.
    fn split(&mut self, block: bool) -> Vec<Word> {
        let mut words = std::mem::take(&mut self.words);
        let mut start = 0;
        for next in recover::missing_semicolons(self.lexer.text, &words, block) {
            let end = words[next - 1].span.end;
            let name = self.lexer.shown(&words[start]);
            self.lexer.error(end..end, format!("no \";\" ends the directive {name}"));
            let directive = self.directive(&words[start..next], end);
            self.directives.push(directive);
            start = next;
        }
        words.drain(..start);
        words
    }

    /// A directive of the given words, which ends at `end`.
    fn directive(&self, words: &[Word], end: usize) -> Directive {
        let file = self.lexer.file;
        let Some((first, rest)) = words.split_first() else {
            let start = end.saturating_sub(1);
            let name = Text::verbatim("", Span::at(file, start));
            return Directive { span: Span::new(file, start..end), name, arguments: Vec::new(), block: None };
        };
        let argument = |word: &Word| Argument { text: self.lexer.value(word), quoted: word.quoted };
        Directive {
            span: Span::new(file, first.span.start..end),
            name: self.lexer.value(first),
            arguments: rest.iter().map(argument).collect(),
            block: None,
        }
    }

    fn open_block(&mut self, at: usize) {
        if self.ignored > 0 {
            // The source of a Lua block is stepped over here too, or its braces would be counted.
            if self.is_lua(&self.words) {
                self.lua_source(at);
            } else {
                self.ignored += 1;
            }
            self.words.clear();
            return;
        }
        if self.words.is_empty() {
            self.lexer.error(at..at + 1, "unexpected \"{\"");
        }
        if self.open.len() == MAX_DEPTH {
            self.lexer.error(at..at + 1, format!("blocks nested deeper than {MAX_DEPTH}"));
            self.words.clear();
            self.ignored = 1;
            return;
        }
        let words = self.split(true);
        let is_lua = self.is_lua(&words);
        let mut directive = self.directive(&words, at + 1);
        self.reuse(words);
        if is_lua {
            let (source, end) = self.lua_source(at);
            let span = Span::new(self.lexer.file, source.clone());
            let lua = Text::verbatim(&self.lexer.text[source], span);
            let span = Span::new(self.lexer.file, at..end);
            directive.block = Some(Box::new(Block { span, directives: Vec::new(), lua: Some(lua) }));
            self.directives.push(directive);
            return;
        }
        self.open.push(Open { directive, brace: at, before: std::mem::take(&mut self.directives) });
    }

    fn is_lua(&self, words: &[Word]) -> bool {
        words.first().is_some_and(|name| self.lexer.text[name.inner.clone()].ends_with("_by_lua_block"))
    }

    /// Steps over the Lua source after the `{` at `brace`: its range, and the end of the block.
    fn lua_source(&mut self, brace: usize) -> (std::ops::Range<usize>, usize) {
        let start = brace + 1;
        let found = if self.lua_open {
            LuaEnd::Open(lua::line_with_brace(self.lexer.text, start))
        } else {
            lua::block_end(self.lexer.text, start)
        };
        let source_end = match found {
            LuaEnd::Closed(end) => end,
            LuaEnd::Open(end) => {
                if !self.lua_open {
                    self.lexer.error(brace..brace + 1, "Lua block that is not closed");
                }
                self.lua_open = true;
                end
            }
        };
        let end = (source_end + 1).min(self.lexer.text.len());
        self.lexer.at = end;
        (start..source_end, end)
    }

    fn close_block(&mut self, at: usize) {
        if self.ignored > 0 {
            self.words.clear();
            self.ignored -= 1;
            return;
        }
        if let (Some(first), Some(last)) = (self.words.first(), self.words.last()) {
            let (name, end) = (self.lexer.shown(first), last.span.end);
            self.lexer.error(at..at + 1, format!("unexpected \"}}\": no \";\" ends the directive {name}"));
            self.simple(end..end);
        }
        if self.open.is_empty() {
            self.lexer.error(at..at + 1, "unexpected \"}\": no block is open");
            return;
        }
        self.pop(at + 1);
    }

    /// Closes the innermost block, which ends at `end`.
    fn pop(&mut self, end: usize) {
        if let Some(Open { mut directive, brace, before }) = self.open.pop() {
            let mut directives = std::mem::replace(&mut self.directives, before);
            // The tree is kept for the whole scan.
            directives.shrink_to_fit();
            let span = Span::new(self.lexer.file, brace..end);
            directive.block = Some(Box::new(Block { span, directives, lua: None }));
            self.directives.push(directive);
        }
    }

    fn end(&mut self) {
        let length = self.lexer.text.len();
        if self.ignored > 0 {
            self.words.clear();
        }
        if let (Some(first), Some(last)) = (self.words.first(), self.words.last()) {
            let (name, end) = (self.lexer.shown(first), last.span.end);
            self.lexer.error(end..end, format!("the file ends before the \";\" of the directive {name}"));
            self.simple(end..end);
        }
        if let Some(open) = self.open.last() {
            let name = &open.directive.name.value;
            let message = format!("the file ends before the \"}}\" of the block {:?}", recover::cut(name));
            self.lexer.error(open.brace..open.brace + 1, message);
        }
        while !self.open.is_empty() {
            self.pop(length);
        }
    }
}
