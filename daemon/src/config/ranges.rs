//! Ranges as people write them.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;

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
    fn uids_are_neither_root_nor_none() {
        assert_eq!(parse_uids("1000+2"), Ok(1000..1002));
        for bad in ["", "1000", "0+5", "5+0", "4294967295+1", "4294967290+5", "-1+5", "a+b"] {
            assert!(parse_uids(bad).is_err(), "{bad}");
        }
    }
}
