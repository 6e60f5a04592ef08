//! A text as values, and where each of them stands.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::unique::Unique;
use super::{Places, Wrong};
use crate::nearest::{explain, position};

/// So deep are things that errors name: `.plugins[0].grants.net[1]`. What is below is a configuration's.
const DEPTH: usize = 6;

#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    /// By paths such as `.plugins[0].limits.timeout`.
    pub(super) places: Places,
}

/// TOML, or JSON: no TOML document begins with a brace.
pub(super) fn parse(text: &str) -> Result<Document, Wrong> {
    if text.trim_start().starts_with('{') { json(text) } else { toml(text) }
}

/// The key of which serde says that it is unknown.
pub(super) fn unknown_key(message: &str) -> Option<&str> {
    message.strip_prefix("unknown field `")?.split('`').next()
}

fn json(text: &str) -> Result<Document, Wrong> {
    let Unique(value) = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        Wrong::new((error.line(), error.column()), None, explain(message))
    })?;
    let mut places = Places::new();
    note_json(text, text.trim(), "", DEPTH, &mut places);
    Ok(Document { value, places })
}

/// The text has been read once, so that nothing is wrong with it any more.
fn note_json(whole: &str, part: &str, path: &str, depth: usize, places: &mut Places) {
    let offset = part.as_ptr().addr() - whole.as_ptr().addr();
    places.insert(path.to_owned(), position(whole, offset));
    if depth == 0 {
        return;
    }
    if let Ok(fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(part) {
        for (key, value) in fields {
            note_json(whole, value.get(), &format!("{path}.{key}"), depth - 1, places);
        }
    } else if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(part) {
        for (index, value) in items.into_iter().enumerate() {
            note_json(whole, value.get(), &format!("{path}[{index}]"), depth - 1, places);
        }
    }
}

fn toml(text: &str) -> Result<Document, Wrong> {
    let table = DeTable::parse(text).map_err(|error| {
        let place = position(text, error.span().map_or(0, |span| span.start));
        Wrong::new(place, None, explain(error.message()))
    })?;
    let mut places = Places::new();
    let span = table.span();
    let value =
        from_toml(text, Spanned::new(span, DeValue::Table(table.into_inner())), "", DEPTH, &mut places)?;
    Ok(Document { value, places })
}

/// What TOML has and JSON has not: a time becomes a string, as it is written.
fn from_toml(
    text: &str,
    value: Spanned<DeValue<'_>>,
    path: &str,
    depth: usize,
    places: &mut Places,
) -> Result<Value, Wrong> {
    let start = value.span().start;
    if depth > 0 {
        places.entry(path.to_owned()).or_insert_with(|| position(text, start));
    }
    let depth = depth.saturating_sub(1);
    let no_number = |number: &dyn std::fmt::Display| {
        Wrong::new(
            position(text, start),
            None,
            format!("{number} is no number to a plugin: write it as a string"),
        )
    };
    Ok(match value.into_inner() {
        DeValue::String(text) => text.into_owned().into(),
        DeValue::Integer(number) => {
            let signed = i64::from_str_radix(number.as_str(), number.radix()).map(Value::from);
            let unsigned = || u64::from_str_radix(number.as_str(), number.radix()).map(Value::from);
            signed.or_else(|_| unsigned()).map_err(|_| no_number(&number))?
        }
        DeValue::Float(number) => {
            let float = number.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            float.ok_or_else(|| no_number(&number))?.into()
        }
        DeValue::Boolean(value) => value.into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(values) => {
            let item = |(index, value)| from_toml(text, value, &format!("{path}[{index}]"), depth, places);
            values.into_iter().enumerate().map(item).collect::<Result<Vec<_>, _>>()?.into()
        }
        DeValue::Table(fields) => {
            let mut object = serde_json::Map::new();
            for (key, value) in fields {
                let path = format!("{path}.{}", key.get_ref());
                if depth > 0 {
                    places.insert(path.clone(), position(text, key.span().start));
                }
                object.insert(key.into_inner().into_owned(), from_toml(text, value, &path, depth, places)?);
            }
            object.into()
        }
    })
}
