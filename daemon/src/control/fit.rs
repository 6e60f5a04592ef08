//! Texts that are as long as callers and plugins make them, in the room that a status has.

/// A status travels in headers, of which clients take 8 KiB in all. Its message is percent-encoded there, the details
/// are base64 with the message once more: so long may the message be when it is encoded, and all the details together.
const MAX_MESSAGE: usize = 1280;
pub(super) const MAX_DETAILS: usize = 3 << 10;

/// As many of the last lines as fit.
pub(super) fn last_words(output: &[String]) -> String {
    let mut room = MAX_DETAILS / 2;
    let fits = |line: &&String| {
        let fits = line.len() < room;
        room = room.saturating_sub(line.len() + 1);
        fits
    };
    let mut lines: Vec<&str> = output.iter().rev().take_while(fits).map(String::as_str).collect();
    lines.reverse();
    lines.join("\n")
}

/// At most so many bytes, and a sign that there were more.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most.saturating_sub(3)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
    format!("{}…", &text[..end])
}

/// What is wrong stands first and the cure last; between them is what the caller sent, and knows.
pub(super) fn without_middle(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let start = (0..=most / 2).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
    let end =
        (text.len() - most / 2..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    format!("{}…{}", &text[..start], &text[end..])
}

/// As much as a message may be when it is percent-encoded.
pub(super) fn cut_encoded(text: &str) -> String {
    let mut room = MAX_MESSAGE;
    let cost = |c: char| if matches!(c, ' '..='~') && c != '%' { 1 } else { 3 * c.len_utf8() };
    let end = text.char_indices().find_map(|(at, c)| match room.checked_sub(cost(c)) {
        None => Some(at),
        Some(left) => {
            room = left;
            None
        }
    });
    end.map_or_else(|| text.to_owned(), |end| format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;
    use crate::control::ControlError;
    use crate::supervisor::{ErrorKind, SupervisorError};

    #[test]
    fn a_status_fits_in_what_clients_take_as_headers() {
        // Percent-encoded each of these bytes is three; and each part is as long as a caller or a plugin can make it.
        let long = "ä\u{202e}\n".repeat(10_000);
        let text = || long.clone();
        let supervisor = |kind| {
            let output = vec!["short".to_owned(), text(), "last".to_owned()];
            SupervisorError { kind, step: text(), message: text(), cure: text(), output }
        };
        let kinds = [ErrorKind::NotFound, ErrorKind::Invalid, ErrorKind::Plugin, ErrorKind::PrefixTaken];
        let errors = kinds.map(|kind| ControlError::Supervisor(supervisor(kind)));
        let others = [
            ControlError::Invalid(
                (0..1000).map(|n| (format!("grants.net[{n}]"), text()[..5000].to_owned())).collect(),
            ),
            ControlError::Invalid(vec![(text(), text())]),
            ControlError::Defect(text()),
        ];
        for error in errors.into_iter().chain(others) {
            let status = Status::from(error);
            let encoded = |c: char| if matches!(c, ' '..='~') && c != '%' { 1 } else { 3 * c.len_utf8() };
            let message: usize = status.message().chars().map(encoded).sum();
            let size = message + status.details().len().div_ceil(3) * 4;
            assert!(size < 8000, "{size} bytes: {:?}", status.code());
        }
    }

    #[test]
    fn the_last_words_and_the_cure_survive() {
        let output = vec!["x".repeat(5000), "first".to_owned(), "second".to_owned()];
        assert_eq!(last_words(&output), "first\nsecond");
        let reason = format!("{:?} is no name: write another", "ä".repeat(1000));
        let kept = without_middle(&reason, 100);
        assert!(kept.starts_with("\"ä") && kept.ends_with("is no name: write another"), "{kept}");
        assert!(kept.len() <= 103, "{kept}");
        assert_eq!(cut("ääää", 5), "ä…");
        assert_eq!(cut_encoded("a\nb"), "a\nb");
    }
}
