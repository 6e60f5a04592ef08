//! Times and sizes as people write them: on the command line, in configurations, everywhere the same.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// `500ms`, `30s`, `5m`, `1h`, `1d`; a bare number is seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Amount")]
#[schemars(with = "Amount")]
pub struct Span(pub Duration);

/// `512KiB`, `64MiB`, `1GiB` (also `K`, `M`, `G`, and `kB`, `MB`, `GB` by thousands); a bare number is bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Amount")]
#[schemars(with = "Amount")]
pub struct Size(pub u64);

/// Cores, such as `0.5`; kept in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Fraction")]
#[schemars(with = "Fraction")]
pub struct Cores(pub u32);

/// A number, or text of one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number of cores such as 0.5 or 2")]
pub enum Fraction {
    /// Whole cores.
    Whole(u32),
    /// Parts of one.
    Part(f64),
    /// Either.
    Text(String),
}

/// A number, or a number with a unit.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number, or text of a number and a unit such as \"30s\" or \"64MiB\"")]
pub enum Amount {
    /// In the base unit.
    Number(u64),
    /// With a unit.
    Text(String),
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        duration(text).map(Self)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        size(text).map(Self)
    }
}

impl TryFrom<Amount> for Span {
    type Error = String;

    fn try_from(amount: Amount) -> Result<Self, String> {
        match amount {
            Amount::Number(seconds) => seconds.to_string().parse(),
            Amount::Text(text) => text.parse(),
        }
    }
}

impl TryFrom<Amount> for Size {
    type Error = String;

    fn try_from(amount: Amount) -> Result<Self, String> {
        match amount {
            Amount::Number(bytes) => Ok(Self(bytes)),
            Amount::Text(text) => text.parse(),
        }
    }
}

impl TryFrom<Fraction> for Cores {
    type Error = String;

    fn try_from(fraction: Fraction) -> Result<Self, String> {
        let text = match fraction {
            Fraction::Whole(number) => number.to_string(),
            Fraction::Part(number) => number.to_string(),
            Fraction::Text(text) => text,
        };
        cores(&text).map(Self)
    }
}

/// Reads back as the same.
impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 1000.0)
    }
}

impl Serialize for Cores {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// In the largest unit that is whole; reads back as the same.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        largest(f, millis, &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)])
    }
}

/// In the largest unit that is whole; reads back as the same.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        largest(f, self.0, &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)])
    }
}

fn largest(f: &mut fmt::Formatter<'_>, amount: u64, units: &[(&str, u64)]) -> fmt::Result {
    let whole = units.iter().find(|(_, factor)| amount > 0 && amount.is_multiple_of(*factor));
    match whole {
        Some((unit, factor)) => write!(f, "{}{unit}", amount / factor),
        None => f.write_str("0"),
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

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

/// `0.5`, `2`: cores, in thousandths of one.
///
/// # Errors
/// Says what to write instead.
pub fn cores(text: &str) -> Result<u32, String> {
    let thousandths = || {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) {
            return None;
        }
        let part = part.trim_end_matches('0');
        if part.len() > 3 {
            return None;
        }
        let part: u32 = format!("{part:0<3}").parse().ok()?;
        whole.parse::<u32>().ok()?.checked_mul(1000)?.checked_add(part)
    };
    thousandths().ok_or_else(|| {
        format!("{text:?} is no number of cores: write for example 0.5 or 2, with at most three decimals")
    })
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
    fn what_is_written_reads_back() {
        for (millis, text) in
            [(0, "0"), (1, "1ms"), (1500, "1500ms"), (90_000, "90s"), (300_000, "5m"), (86_400_000, "1d")]
        {
            let span = Span(Duration::from_millis(millis));
            assert_eq!((span.to_string().as_str(), text.parse()), (text, Ok(span)));
        }
        for (bytes, text) in [(0, "0"), (1, "1B"), (1025, "1025B"), (1 << 20, "1MiB"), (3 << 30, "3GiB")] {
            assert_eq!((Size(bytes).to_string().as_str(), text.parse()), (text, Ok(Size(bytes))));
        }
    }

    #[test]
    fn numbers_and_texts_are_amounts() {
        let span = |amount| Span::try_from(amount).map(|span| span.0);
        assert_eq!(span(Amount::Number(30)), Ok(Duration::from_secs(30)));
        assert_eq!(span(Amount::Text("1 h".into())), Ok(Duration::from_secs(3600)));
        assert!(span(Amount::Number(u64::MAX)).is_err(), "more milliseconds than can be counted");
        assert_eq!(Size::try_from(Amount::Number(12)), Ok(Size(12)));
        assert_eq!(Size::try_from(Amount::Text("64 M".into())), Ok(Size(64 << 20)));
        assert!(Size::try_from(Amount::Text("1T".into())).is_err());
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

    #[test]
    fn cores_have_three_decimals() {
        for (text, thousandths) in
            [("2", 2000), ("0.5", 500), ("1.250", 1250), ("0.01", 10), ("1.0000", 1000)]
        {
            assert_eq!(cores(text), Ok(thousandths), "{text}");
        }
        for bad in ["", ".5", "-1", "1.", "0.0001", "1,5", "1e3", "4294968", "NaN", "1 "] {
            assert!(cores(bad).is_err(), "{bad}");
        }
    }
}
