//! What a sandbox must be good for: the policy is about properties, not about the layers that bring them.

use valor_wire::control::{LayerReport, LayerStatus};

pub use crate::config::Property;

/// A property that a sandbox does not have, though it must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox does not have the property {property}: {reason}")]
pub struct Shortfall {
    /// The property.
    pub property: Property,
    /// Which layers are missing, and why.
    pub reason: String,
}

impl Shortfall {
    /// What to do about it.
    #[must_use]
    pub fn cure(&self) -> String {
        let first = match self.property {
            Property::FilesConfined => {
                "run valord as root, or allow user namespaces, or use a kernel with Landlock"
            }
            Property::NoNetwork => {
                "run valord as root, or allow user namespaces, or use a kernel with seccomp"
            }
            Property::NoNewPrivs | Property::Seccomp => "use a kernel with seccomp filters",
            Property::NoCapabilities => "start valord without file capabilities and ambient capabilities",
            Property::Descriptors => "use a kernel with close_range (5.9 or later)",
            Property::Rlimits => "raise the hard limits of valord (LimitNOFILE= and the like)",
        };
        format!("{first}; or do without it: give_up = [\"{}\"] below [sandbox] in valord.toml", self.property)
    }
}

/// Whether these layers are good for every property that is not given up.
///
/// # Errors
/// The first property that is missing.
pub fn check(layers: &[LayerReport], give_up: &[Property]) -> Result<(), Shortfall> {
    let wanted = Property::ALL.into_iter().filter(|property| !give_up.contains(property));
    for property in wanted {
        // Any of these is enough; each is a set of layers that must all be full.
        let ways: &[&[&str]] = match property {
            Property::NoNewPrivs => &[&["no-new-privs"]],
            Property::Seccomp => &[&["seccomp"]],
            Property::NoCapabilities => &[&["capabilities"]],
            Property::Descriptors => &[&["descriptors"]],
            Property::Rlimits => &[&["rlimits"]],
            Property::FilesConfined => &[&["mount-namespace", "root-filesystem"], &["landlock-fs"]],
            Property::NoNetwork => &[&["net-namespace"], &["seccomp"]],
        };
        if !ways.iter().any(|way| way.iter().all(|layer| is_full(layers, layer))) {
            let missing = ways.iter().flat_map(|way| way.iter()).filter(|layer| !is_full(layers, layer));
            let reason = missing.map(|layer| explain(layers, layer)).collect::<Vec<_>>().join("; ");
            return Err(Shortfall { property, reason });
        }
    }
    Ok(())
}

/// The state of a second filter, which closes what only loading needs; a part of the property `seccomp`.
///
/// # Errors
/// When the layer is not there.
pub fn check_seal(layers: &[LayerReport], give_up: &[Property]) -> Result<(), Shortfall> {
    let absent = layers.iter().any(|row| row.layer == "seal" && row.status == LayerStatus::Absent);
    if absent && !give_up.contains(&Property::Seccomp) {
        return Err(Shortfall { property: Property::Seccomp, reason: explain(layers, "seal") });
    }
    Ok(())
}

fn is_full(layers: &[LayerReport], layer: &str) -> bool {
    layers.iter().any(|row| row.layer == layer && row.status == LayerStatus::Full)
}

fn explain(layers: &[LayerReport], layer: &str) -> String {
    match layers.iter().find(|row| row.layer == layer) {
        None => format!("the layer {layer} was not reported"),
        Some(row) => {
            let status = if row.status == LayerStatus::Partial { "partial" } else { "absent" };
            let reason = if row.reason.is_empty() { "no reason was given" } else { &row.reason };
            format!("the layer {layer} is {status} ({reason})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: [&str; 9] = [
        "no-new-privs",
        "seccomp",
        "capabilities",
        "descriptors",
        "rlimits",
        "mount-namespace",
        "root-filesystem",
        "landlock-fs",
        "net-namespace",
    ];

    fn all_but(missing: &[&str]) -> Vec<LayerReport> {
        let row = |layer: &str| LayerReport {
            layer: layer.to_owned(),
            status: if missing.contains(&layer) { LayerStatus::Absent } else { LayerStatus::Full },
            reason: String::new(),
            verified: false,
        };
        LAYERS.into_iter().map(row).collect()
    }

    fn falls_short(layers: &[LayerReport]) -> Option<Property> {
        check(layers, &[]).err().map(|shortfall| shortfall.property)
    }

    #[test]
    fn each_property_needs_its_layers() {
        assert_eq!(falls_short(&all_but(&[])), None);
        assert_eq!(falls_short(&[]), Some(Property::NoNewPrivs));
        for (missing, property) in [
            (&["no-new-privs"][..], Some(Property::NoNewPrivs)),
            (&["seccomp"], Some(Property::Seccomp)),
            (&["capabilities"], Some(Property::NoCapabilities)),
            (&["descriptors"], Some(Property::Descriptors)),
            (&["rlimits"], Some(Property::Rlimits)),
            (&["mount-namespace", "root-filesystem", "net-namespace"], None),
            (&["landlock-fs"], None),
            (&["landlock-fs", "root-filesystem"], Some(Property::FilesConfined)),
            (&["landlock-fs", "mount-namespace"], Some(Property::FilesConfined)),
        ] {
            assert_eq!(falls_short(&all_but(missing)), property, "{missing:?}");
        }
        let neither = all_but(&["net-namespace", "seccomp"]);
        assert_eq!(check(&neither, &[Property::Seccomp]).unwrap_err().property, Property::NoNetwork);
    }

    #[test]
    fn giving_up_is_explicit_and_partial_is_not_full() {
        let mut layers = all_but(&["landlock-fs"]);
        layers[6].status = LayerStatus::Partial;
        layers[6].reason = "no tmpfs".to_owned();
        let shortfall = check(&layers, &[]).unwrap_err();
        let text = shortfall.to_string();
        assert!(
            text.contains("files-confined") && text.contains("root-filesystem is partial (no tmpfs)"),
            "{text}"
        );
        assert!(shortfall.cure().contains("give_up = [\"files-confined\"]"));
        assert_eq!(check(&layers, &[Property::FilesConfined]), Ok(()));
    }

    #[test]
    fn a_missing_seal_is_no_seccomp() {
        let seal = |status| {
            vec![LayerReport { layer: "seal".into(), status, reason: String::new(), verified: true }]
        };
        assert!(check_seal(&seal(LayerStatus::Absent), &[]).is_err());
        assert!(check_seal(&seal(LayerStatus::Absent), &[Property::Seccomp]).is_ok());
        assert!(
            check_seal(&seal(LayerStatus::Partial), &[]).is_ok(),
            "an old kernel that does not count filters"
        );
    }
}
