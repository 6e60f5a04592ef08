//! The layer report: what became of each protection, in the order of [`ORDER`].

use valor_wire::control::{LayerReport, LayerStatus};

/// The layers that a shim reports, in the order in which `valorctl inspect` shows them. `seal` follows later.
pub const ORDER: [&str; 22] = [
    "descriptors",
    "session",
    "scheduling",
    "user-namespace",
    "mount-namespace",
    "pid-namespace",
    "net-namespace",
    "ipc-namespace",
    "uts-namespace",
    "cgroup-namespace",
    "rlimits",
    "root-filesystem",
    "init-seccomp",
    "uid",
    "capabilities",
    "no-new-privs",
    "landlock-fs",
    "landlock-net",
    "landlock-scopes",
    "non-dumpable",
    "mdwe",
    "seccomp",
];

/// The layer holds; `reason` is what is worth knowing, or empty.
#[must_use]
pub fn full(layer: &str, reason: impl Into<String>) -> LayerReport {
    entry(layer, LayerStatus::Full, reason.into())
}

/// The layer holds in part.
#[must_use]
pub fn partial(layer: &str, reason: impl Into<String>) -> LayerReport {
    entry(layer, LayerStatus::Partial, reason.into())
}

/// The layer does not hold.
#[must_use]
pub fn absent(layer: &str, reason: impl Into<String>) -> LayerReport {
    entry(layer, LayerStatus::Absent, reason.into())
}

/// Full when the probe succeeded, else absent for its reason.
#[must_use]
pub fn probed(layer: &str, probe: Result<(), String>) -> LayerReport {
    match probe {
        Ok(()) => full(layer, ""),
        Err(reason) => absent(layer, reason),
    }
}

/// Puts reports in the order of [`ORDER`]; one that is missing was not applied, and says so.
#[must_use]
pub fn ordered(mut reports: Vec<LayerReport>) -> Vec<LayerReport> {
    let take = |layer: &str| {
        reports
            .iter()
            .position(|report| report.layer == layer)
            .map_or_else(|| absent(layer, "not applied"), |at| reports.swap_remove(at))
    };
    ORDER.map(take).into()
}

fn entry(layer: &str, status: LayerStatus, reason: String) -> LayerReport {
    LayerReport { layer: layer.to_owned(), status, reason, verified: false }
}

#[cfg(test)]
mod tests {
    use super::{ORDER, absent, full, ordered};

    #[test]
    fn missing_layers_are_named_as_absent() {
        let reports = ordered(vec![full("seccomp", ""), full("descriptors", "")]);
        assert_eq!(reports.iter().map(|r| r.layer.as_str()).collect::<Vec<_>>(), ORDER);
        assert_eq!(reports[0], full("descriptors", ""));
        assert_eq!(reports[1], absent("session", "not applied"));
    }
}
