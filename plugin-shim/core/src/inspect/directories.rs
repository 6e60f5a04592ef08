//! Where the dynamic linker of this machine looks for libraries, without the help of its cache.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

const MAX_INCLUDES: usize = 4;

/// The directories of `/etc/ld.so.conf`, then the linker's own; those that are there.
pub(super) fn of_this_machine(arch: &str) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    configured(Path::new("/etc/ld.so.conf"), MAX_INCLUDES, &mut directories);
    let multiarch = format!("{arch}-linux-gnu");
    let own = ["/lib", "/usr/lib"].map(|base| Path::new(base).join(&multiarch));
    directories
        .extend(own.into_iter().chain(["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(PathBuf::from)));
    directories.retain(|directory| directory.is_absolute() && directory.is_dir());
    let mut seen = HashSet::new();
    directories.retain(|directory| seen.insert(directory.clone()));
    directories
}

/// A configuration file of the dynamic linker: one directory a line, and includes whose last part may have a star.
fn configured(file: &Path, depth: usize, directories: &mut Vec<PathBuf>) {
    let text = fs::read_to_string(file).unwrap_or_default();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        match line.strip_prefix("include").filter(|rest| rest.starts_with(char::is_whitespace)) {
            Some(pattern) if depth > 0 => {
                for included in expand(file, pattern.trim()) {
                    configured(&included, depth - 1, directories);
                }
            }
            Some(_) => {}
            None if line.starts_with('/') => directories.push(line.into()),
            None => {}
        }
    }
}

fn expand(file: &Path, pattern: &str) -> Vec<PathBuf> {
    let pattern = file.parent().unwrap_or(Path::new("/")).join(pattern);
    let Some((directory, name)) = pattern.parent().zip(pattern.file_name().and_then(|name| name.to_str()))
    else {
        return Vec::new();
    };
    let Some((before, after)) = name.split_once('*') else {
        return vec![pattern.clone()];
    };
    let mut found: Vec<PathBuf> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .and_then(|n| n.to_str())
                .is_some_and(|n| n.starts_with(before) && n.ends_with(after))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::configured;

    #[test]
    fn configuration_files_include_others() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("d")).unwrap();
        fs::write(at("conf"), "include d/*.conf\n# comment\n/b # here\nrelative\nhwcap 1\n").unwrap();
        fs::write(at("d/1.conf"), "/a\ninclude ../conf\n").unwrap();
        fs::write(at("d/2.other"), "/never\n").unwrap();
        let mut found = Vec::new();
        configured(&at("conf"), 1, &mut found);
        assert_eq!(found, [std::path::Path::new("/a"), std::path::Path::new("/b")]);
    }
}
