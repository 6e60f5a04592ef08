//! What can be told about a module without running it: `valor-shim-js inspect < FILE`.

use valor_shim_core::inspect::{Inspection, Problem, one_shot, parse_manifest, problem};
use valor_shim_core::one_shot::OneShotError;

use crate::{Source, SourceError};

/// The name of the file, which nobody has told: messages say `plugin.js:3:7`.
const NAME: &str = "plugin.js";

/// The one-shot of JavaScript modules.
///
/// # Errors
///
/// When it cannot be done at all; what is wrong with the module is no error, but a problem of it.
pub fn inspect() -> Result<(), OneShotError> {
    one_shot(&[], look)
}

fn look(artifact: &[u8]) -> Inspection {
    let mut inspection = Inspection { kind: "js", ..Inspection::default() };
    let found = Source::new(NAME, artifact).map_err(|error| refused(&error)).and_then(|source| {
        if let Some(text) = source.manifest() {
            inspection.manifest = Some(parse_manifest(text.as_bytes()).map_err(in_comment)?);
        }
        source.parse().map_err(|error| refused(&error))
    });
    inspection.problem = found.err();
    inspection
}

fn refused(error: &SourceError) -> Problem {
    let (step, cure) = match error {
        SourceError::Syntax(_) => (
            "syntax",
            "correct it there; a plugin is one ES module that imports nothing; it was read as JavaScript because it is text, \
                 which no library and no .wasm file is",
        ),
        _ => ("format", "send an ES module as UTF-8 text"),
    };
    problem(step, error.to_string(), cure)
}

/// In JavaScript, a manifest is written by hand.
fn in_comment(problem: Problem) -> Problem {
    Problem { cure: "correct the JSON in the comment that begins with `/* valor`".to_owned(), ..problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_and_nothing_runs() {
        let text =
            "/* valor { \"name\": \"x\", \"permissions\": { \"net\": [\"h:1\"] } } */\nthrow new Error();";
        let inspection = look(text.as_bytes());
        assert_eq!((inspection.kind, inspection.problem), ("js", None));
        assert_eq!(inspection.manifest.unwrap()["permissions"]["net"][0], "h:1");
    }

    #[test]
    fn what_is_wrong_has_a_step_and_a_cure() {
        for (text, step, part) in [
            ("/* valor { name } */ x", "format", "not valid JSON"),
            ("/* valor { \"name\": 1 } */ x", "format", "`name`"),
            ("let = = 1", "syntax", "plugin.js:1:5: "),
            ("import \"x\"", "syntax", "one file"),
            (" ", "format", "empty"),
        ] {
            let problem = look(text.as_bytes()).problem.unwrap();
            assert!(problem.step == step && problem.message.contains(part), "{text}: {problem:?}");
            assert!(!problem.cure.is_empty());
        }
    }
}
