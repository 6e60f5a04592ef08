//! What differs between two things that are written the same way.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

/// One value that is another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Its path, such as `limits.timeout`.
    pub field: String,
    /// What it was; null: it was not there.
    pub from: Value,
    /// What it is now; null: it is not there.
    pub to: Value,
}

/// All values that differ, by their paths. Lists are compared as a whole.
#[must_use]
pub fn changes(from: &Value, to: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", from, to, &mut found);
    found
}

fn compare(path: &str, from: &Value, to: &Value, found: &mut Vec<Change>) {
    if from == to {
        return;
    }
    let (Some(a), Some(b)) = (fields(from), fields(to)) else {
        return found.push(Change { field: path.to_owned(), from: from.clone(), to: to.clone() });
    };
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    if keys.is_empty() {
        return found.push(Change { field: path.to_owned(), from: from.clone(), to: to.clone() });
    }
    for key in keys {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        compare(&path, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), found);
    }
}

/// What is not there is like an object without fields, so that each field of the other is told.
fn fields(value: &Value) -> Option<Cow<'_, Map<String, Value>>> {
    match value {
        Value::Object(fields) => Some(Cow::Borrowed(fields)),
        Value::Null => Some(Cow::Owned(Map::new())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_value_that_differs_is_told_by_its_path() {
        let found = |from, to| -> Vec<String> {
            changes(&from, &to).iter().map(|one| format!("{} {} {}", one.field, one.from, one.to)).collect()
        };
        assert_eq!(found(json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 2}]})), [""; 0]);
        assert_eq!(
            found(
                json!({"a": 1, "l": {"x": 1, "y": 2}, "n": [1]}),
                json!({"b": 1, "l": {"x": 1, "y": 3}, "n": [2]})
            ),
            ["a 1 null", "b null 1", "l.y 2 3", "n [1] [2]"]
        );
        // As a configuration can be: nothing, an object without fields, and what is no object.
        assert_eq!(found(json!({"c": {"d": {"e": 1}}}), json!({})), ["c.d.e 1 null"]);
        assert_eq!(found(json!({"c": {}}), json!({})), ["c {} null"]);
        assert_eq!(found(json!({"c": {"d": 1}}), json!({"c": "x"})), ["c {\"d\":1} \"x\""]);
        assert_eq!(found(json!({"c": null}), json!({"c": 0})), ["c null 0"]);
    }
}
