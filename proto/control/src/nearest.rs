//! Tells what was probably meant.

/// What serde says of an unknown key or value, with the nearest that is known.
#[must_use]
pub fn explain(message: &str) -> String {
    let message = message.trim_end().replace('\n', ": ");
    let known = |what, given: &str, expected: &str| {
        let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        match nearest(given, &known) {
            Some(one) => format!("unknown {what} `{given}`: did you mean `{one}`?"),
            None if known.is_empty() => format!("unknown {what} `{given}`: remove it"),
            None => format!("unknown {what} `{given}`: known here are {}", known.join(", ")),
        }
    };
    for (prefix, what) in [("unknown field `", "key"), ("unknown variant `", "value")] {
        if let Some((given, expected)) = message.strip_prefix(prefix).and_then(|rest| rest.split_once("`, "))
        {
            return known(what, given, expected);
        }
    }
    message
}

/// The known word that is few typing errors away.
#[must_use]
pub fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let given = given.to_lowercase().replace('-', "_");
    let away = |one: &str| distance(&given, &one.replace('-', "_"));
    let best = known.iter().copied().min_by_key(|one| away(one))?;
    (away(best) <= best.len().max(given.len()).div_ceil(3)).then_some(best)
}

/// Levenshtein's.
fn distance(a: &str, b: &str) -> usize {
    // Keys are short; what is not is no typing error.
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Line and column of an offset, both from 1.
#[must_use]
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_near_and_other_words_are_not() {
        let known = ["listen", "state_dir", "workers", "log_format"];
        for (given, expected) in [
            ("lissten", Some("listen")),
            ("Listen", Some("listen")),
            ("state-dir", Some("state_dir")),
            ("statedir", Some("state_dir")),
            ("worker", Some("workers")),
            ("tls", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, &known), expected, "{given}");
        }
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn positions_count_from_one() {
        assert_eq!(position("a\nbü = 1", 0), (1, 1));
        assert_eq!(position("a\nbü = 1", 5), (2, 3));
        assert_eq!(position("a", 99), (1, 2));
    }
}
