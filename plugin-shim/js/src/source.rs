//! An author's file: one ES module, and the manifest in its leading comment.

use rquickjs::{CatchResultExt, CaughtError, Context, Module, Runtime};

use crate::engine::TrialParse;

/// Larger files are refused: they are parsed at every start.
const MAX: usize = 16 << 20;
/// What a trial parse may use.
const PARSE_MEMORY: usize = 512 << 20;
const PARSE_STACK: usize = 1 << 20;
/// The longest line that a message shows.
const MAX_SHOWN: usize = 120;

/// Why a file is no plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Not text.
    #[error("it is not JavaScript: byte {0} is not UTF-8")]
    Encoding(usize),
    /// A character that no source has.
    #[error("it is not JavaScript: byte {0} is NUL")]
    Nul(usize),
    /// Too large.
    #[error("it has {0} bytes, and at most {MAX} are read: bundle it with less")]
    TooLarge(usize),
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// The parser does not take it; names the place, shows the line, and points at the column.
    #[error("{0}")]
    Syntax(String),
}

/// The text of a module.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// Checks that it is text; `name` is what stacks call it.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn new(name: impl Into<String>, bytes: &[u8]) -> Result<Self, SourceError> {
        if bytes.len() > MAX {
            return Err(SourceError::TooLarge(bytes.len()));
        }
        if let Some(at) = bytes.iter().position(|&b| b == 0) {
            return Err(SourceError::Nul(at));
        }
        let text = str::from_utf8(bytes).map_err(|error| SourceError::Encoding(error.valid_up_to()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(SourceError::Empty);
        }
        Ok(Self { name: name.into(), text: text.to_owned() })
    }

    /// What stacks call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The JSON of the manifest: what follows the word `valor` in a block comment before the first statement. Nothing runs.
    #[must_use]
    pub fn manifest(&self) -> Option<String> {
        let mut rest = self.text.as_str();
        if rest.starts_with("#!") {
            rest = rest.split_once('\n')?.1;
        }
        loop {
            rest = rest.trim_start();
            if let Some(line) = rest.strip_prefix("//") {
                rest = line.split_once('\n')?.1;
                continue;
            }
            let (comment, after) = rest.strip_prefix("/*")?.split_once("*/")?;
            let comment = comment.trim_start_matches('*').trim_start();
            if let Some(manifest) =
                comment.strip_prefix("valor").filter(|m| !m.starts_with(char::is_alphanumeric))
            {
                let lines = manifest.lines().map(|line| {
                    let bare = line.trim_start();
                    bare.strip_prefix('*').unwrap_or(bare)
                });
                return Some(lines.collect::<Vec<_>>().join("\n").trim().to_owned());
            }
            rest = after;
        }
    }

    /// Parses the module without running it.
    ///
    /// # Errors
    ///
    /// The first syntax error, or an import: there is nothing to import from.
    pub fn parse(&self) -> Result<(), SourceError> {
        let broken = |error: rquickjs::Error| SourceError::Syntax(format!("it cannot be parsed: {error}"));
        let runtime = Runtime::new().map_err(broken)?;
        runtime.set_memory_limit(PARSE_MEMORY);
        runtime.set_max_stack_size(PARSE_STACK);
        runtime.set_loader(TrialParse, TrialParse);
        let context = Context::full(&runtime).map_err(broken)?;
        context.with(|ctx| {
            let declared = Module::declare(ctx.clone(), self.name.as_str(), self.text.as_str());
            declared.catch(&ctx).map(drop).map_err(|error| SourceError::Syntax(self.explain(&error)))
        })
    }

    /// A syntax error with its place: `hello.js:3:7: unexpected token`, the line, and a caret below the column.
    pub(crate) fn explain(&self, error: &CaughtError<'_>) -> String {
        let CaughtError::Exception(exception) = error else {
            return error.to_string();
        };
        let message = exception.message().unwrap_or_default();
        let stack = exception.stack().unwrap_or_default();
        let Some((line, column)) = place(&stack, &self.name) else {
            return format!("{}: {message}", self.name);
        };
        let place = format!("{}:{line}:{column}: {message}", self.name);
        let Some(text) = self.text.lines().nth(line.saturating_sub(1)) else {
            return place;
        };
        // A bundled file may be one long line: what stands around the column is enough.
        let before: Vec<char> = text.chars().take(column.saturating_sub(1)).collect();
        let from = before.len().saturating_sub(MAX_SHOWN / 2);
        let shown: String = text.chars().skip(from).take(MAX_SHOWN).collect();
        let indent: String = before[from..].iter().map(|&c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("{place}\n  {shown}\n  {indent}^")
    }
}

/// The first place in `name` that a stack mentions.
fn place(stack: &str, name: &str) -> Option<(usize, usize)> {
    stack.lines().find_map(|line| {
        let after = line.split_once(name)?.1.strip_prefix(':')?;
        let mut numbers = after.split(|c: char| !c.is_ascii_digit());
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests;
