//! Times and sizes as people write them: on the command line, in configurations, everywhere the same.

use std::time::Duration;

/// By name: how many milliseconds.
const TIMES: [(&str, u64); 6] =
    [("ms", 1), ("", 1000), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// By name: how many bytes.
const SIZES: [(&str, u64); 11] = [
    ("", 1),
    ("B", 1),
    ("K", 1 << 10),
    ("KiB", 1 << 10),
    ("kB", 1000),
    ("M", 1 << 20),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("G", 1 << 30),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
];

/// `500ms`, `30s`, `5m`, `1h`, `1d`; a bare number is seconds.
///
/// # Errors
/// Says what to write instead.
pub fn duration(text: &str) -> Result<Duration, String> {
    let millis = scale(text, &TIMES)
        .ok_or_else(|| format!("{text:?} is no time: write for example 500ms, 30s or 5m"))?;
    Ok(Duration::from_millis(millis))
}

/// `512KiB`, `64MiB`, `1GiB` (also `K`, `M`, `G`, and `kB`, `MB`, `GB` by thousands) in bytes; a bare number is bytes.
///
/// # Errors
/// Says what to write instead.
pub fn size(text: &str) -> Result<u64, String> {
    scale(text, &SIZES).ok_or_else(|| format!("{text:?} is no size: write for example 512KiB or 64MiB"))
}

/// `None`: no number, no such unit, or more than 64 bits hold.
fn scale(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit.trim_start())?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, millis) in [
            ("0", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("30", 30_000),
            ("5m", 300_000),
            ("1 h", 3_600_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in [
            "",
            "s",
            "-1s",
            "+1s",
            "1.5s",
            "1 y",
            "1w",
            "1s2",
            "1s ",
            " 1s",
            "0x10",
            "1e3",
            "٣s",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            let said = duration(bad).unwrap_err();
            assert!(said.contains("is no time: write for example"), "{bad}: {said}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("12", 12),
            ("1KiB", 1024),
            ("1kB", 1000),
            ("64MiB", 64 << 20),
            ("64 M", 64 << 20),
            ("1MB", 1_000_000),
            ("2G", 2 << 30),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "M", "1m", "1KB", "-1", "1.5G", "1T", "18446744073709551615K"] {
            let said = size(bad).unwrap_err();
            assert!(said.contains("is no size: write for example"), "{bad}: {said}");
        }
    }
}
