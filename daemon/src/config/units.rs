//! Times, sizes and ranges as people write them.

use std::net::IpAddr;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use valor_control::units;

/// `500ms`, `30s`, `5m`, `1h`, `1d`; a bare number is seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Amount")]
#[schemars(with = "Amount")]
pub struct Span(pub Duration);

/// `512KiB`, `64MiB`, `1GiB` (also `K`, `M`, `G`, and `kB`, `MB`, `GB` by thousands); a bare number is bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Amount")]
#[schemars(with = "Amount")]
pub(super) struct Size(pub(super) u64);

/// A number, or a number with a unit.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number, or text of a number and a unit such as \"30s\" or \"64MiB\"")]
pub(super) enum Amount {
    /// In the base unit.
    Number(u64),
    /// With a unit.
    Text(String),
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        units::duration(text).map(Self)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        units::size(text).map(Self)
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

/// Addresses and address ranges.
pub(super) fn nets(texts: &[String]) -> Result<Vec<IpNet>, String> {
    let one = |text: &String| {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        address
            .or_else(|_| text.parse())
            .map_err(|_| format!("{text:?} is no address range: write for example 10.0.0.0/8 or fd00::/8"))
    };
    texts.iter().map(one).collect()
}

/// `FIRST+COUNT`.
pub(super) fn parse_uids(text: &str) -> Result<Range<u32>, String> {
    let range = || {
        let (first, count) = text.split_once('+')?;
        let first: u32 = first.trim().parse().ok()?;
        let count: u32 = count.trim().parse().ok()?;
        // 0 is root, the last one means "none".
        let end = first.checked_add(count).filter(|end| *end < u32::MAX)?;
        (first > 0 && count > 0).then_some(first..end)
    };
    range().ok_or_else(|| {
        format!("{text:?} is no range of uids: write FIRST+COUNT, for example 1879048192+65536")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn uids_are_neither_root_nor_none() {
        assert_eq!(parse_uids("1000+2"), Ok(1000..1002));
        for bad in ["", "1000", "0+5", "5+0", "4294967295+1", "4294967290+5", "-1+5", "a+b"] {
            assert!(parse_uids(bad).is_err(), "{bad}");
        }
    }
}
