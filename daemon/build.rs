//! Embeds what browsers are served besides plugins: all of `sdk/web/runtime` and `sdk/web/page`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/web").canonicalize()?;
    let mut list = String::from("&[\n");
    // Where each of the two is served, below `/_valor/`.
    for (folder, place) in [("runtime", ""), ("page", "page/")] {
        println!("cargo:rerun-if-changed={}", web.join(folder).display());
        let mut files = Vec::new();
        if web.join(folder).is_dir() {
            walk(&web.join(folder), &mut files)?;
        }
        files.sort();
        for file in files {
            let name = file.strip_prefix(web.join(folder)).unwrap_or(&file).display().to_string();
            let _written =
                writeln!(list, "    ({:?}, include_bytes!({:?})),", format!("{place}{name}"), file);
        }
    }
    list.push_str("]\n");
    std::fs::write(PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("web.rs"), list)
}

/// Only what a browser takes; a README is none of that.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_served = |end| ["js", "html", "css", "svg"].contains(&end);
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().and_then(|end| end.to_str()).is_some_and(is_served) {
            files.push(path);
        }
    }
    Ok(())
}
