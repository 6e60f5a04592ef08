//! `URLPattern`, by the `urlpattern` crate; matching itself is left to JavaScript's own regular expressions.

use rquickjs::prelude::Opt;
use rquickjs::{Ctx, Function, Object, Result};
use serde_json::{Value, json};
use urlpattern::UrlPatternOptions;
use urlpattern::quirks::{self, EcmaRegexp, StringOrInit};

pub(super) fn install<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<()> {
    let parse = |input: String, base: Option<String>, ignore_case: bool| {
        parse(&input, base.as_deref(), ignore_case)
            .unwrap_or_else(|message| json!({ "error": message }))
            .to_string()
    };
    object.set("parsePattern", Function::new(ctx.clone(), parse)?)?;
    let matched = |input: String, base: Opt<Option<String>>| {
        matched(&input, base.0.flatten().as_deref()).unwrap_or_default().to_string()
    };
    object.set("matchInput", Function::new(ctx.clone(), matched)?)?;
    Ok(())
}

/// The components of a pattern, or why it is none.
fn parse(input: &str, base: Option<&str>, ignore_case: bool) -> std::result::Result<Value, String> {
    let input: StringOrInit<'_> = serde_json::from_str(input).map_err(|error| error.to_string())?;
    let init = quirks::process_construct_pattern_input(input, base).map_err(|error| error.to_string())?;
    let options = UrlPatternOptions { ignore_case, ..UrlPatternOptions::default() };
    let pattern = quirks::parse_pattern::<EcmaRegexp>(init, options).map_err(|error| error.to_string())?;
    serde_json::to_value(pattern).map_err(|error| error.to_string())
}

/// The components of what is matched; `None` when no pattern matches it.
fn matched(input: &str, base: Option<&str>) -> Option<Value> {
    let input: StringOrInit<'_> = serde_json::from_str(input).ok()?;
    let (input, _) = quirks::process_match_input(input, base).ok()??;
    serde_json::to_value(quirks::parse_match_input(input)?).ok()
}
