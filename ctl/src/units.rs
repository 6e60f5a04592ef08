//! Times and sizes between people and messages; how they are written is `valor_control::units`.

use std::time::Duration;

/// More than no time at all.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match valor_control::units::duration(text)? {
        Duration::ZERO => Err("0 is no time to wait: write for example 500ms, 30s or 5m".into()),
        time => Ok(time),
    }
}

/// The same in whole milliseconds, as it travels.
pub(crate) fn millis(text: &str) -> Result<u32, String> {
    u32::try_from(duration(text)?.as_millis()).map_err(|_| "too long: at most 49 days".into())
}

/// The same; 0: for ever.
pub(crate) fn millis_or_none(text: &str) -> Result<u32, String> {
    if text == "0" { Ok(0) } else { millis(text) }
}

/// `10m` (ago), or a time such as `2026-01-31T12:00:00Z`; milliseconds since the epoch.
pub(crate) fn since(text: &str) -> Result<u64, String> {
    if let Ok(ago) = duration(text) {
        return Ok(now_ms().saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)));
    }
    let time: jiff::Timestamp =
        text.parse().map_err(|_| "not a time: write for example 10m, or 2026-01-31T12:00:00Z")?;
    Ok(u64::try_from(time.as_millisecond()).unwrap_or(0))
}

/// An RFC 3339 time in UTC.
pub(crate) fn time(ms: u64) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| "-".into(), |time| format!("{time:.3}"))
}

/// How long ago, in its largest unit.
pub(crate) fn age(since_ms: u64) -> String {
    if since_ms == 0 {
        return "-".into();
    }
    let seconds = now_ms().saturating_sub(since_ms) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `512 MiB`, in the largest unit that is whole.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        b if b > 0 && b.is_multiple_of(1 << 30) => format!("{} GiB", b >> 30),
        b if b > 0 && b.is_multiple_of(1 << 20) => format!("{} MiB", b >> 20),
        b if b > 0 && b.is_multiple_of(1 << 10) => format!("{} KiB", b >> 10),
        b => format!("{b} B"),
    }
}

/// `0.5`, from thousandths; of 0: no limit.
pub(crate) fn cores(thousandths: u32) -> String {
    if thousandths == 0 { "unlimited".into() } else { (f64::from(thousandths) / 1000.0).to_string() }
}

fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, ms) in [("500ms", 500), ("5s", 5000), ("7", 7000), ("1m", 60_000), ("1h", 3_600_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)));
        }
        for text in ["", "soon", "0", "0s", "-1s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(millis("50d").is_err());
        assert_eq!(millis("49d"), Ok(49 * 86_400_000));
    }

    #[test]
    fn sizes() {
        assert_eq!([bytes(0), bytes(512 << 20), bytes(1025)], ["0 B", "512 MiB", "1025 B"]);
    }

    #[test]
    fn moments() {
        assert_eq!(since("1970-01-01T00:00:01Z"), Ok(1000));
        assert_eq!(since("1970-01-01T02:00:01+02:00"), Ok(1000));
        assert_eq!(since("1900-01-01T00:00:00Z"), Ok(0));
        assert!(since("10m").unwrap() > 1_600_000_000_000);
        assert!(since("yesterday").is_err());
        assert_eq!(time(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(time(u64::MAX), "-");
        assert_eq!(age(0), "-");
        assert_eq!(age(now_ms() - 3 * 3_600_000 - 60_000), "3h");
    }
}
