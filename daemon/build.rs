//! Embeds what browsers are served besides plugins: all of `sdk/web/runtime` and `sdk/web/page`, JavaScript without its comments and
//! spaces. `sdk/web/tests/served.test.mjs` parses both and compares the trees.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/web").canonicalize()?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let (mut list, mut count) = (String::from("&[\n"), 0);
    // Where each of the two is served, below `/_valor/`.
    for (folder, place) in [("runtime", ""), ("page", "page/")] {
        println!("cargo:rerun-if-changed={}", web.join(folder).display());
        let mut files = Vec::new();
        if web.join(folder).is_dir() {
            walk(&web.join(folder), &mut files)?;
        }
        files.sort();
        for file in files {
            let bytes = std::fs::read(&file)?;
            let bytes = match String::from_utf8(bytes) {
                Ok(code) if has_end(&file, "js") => minifier::js::minify(&code).to_string().into_bytes(),
                Ok(text) => text.into_bytes(),
                Err(other) => other.into_bytes(),
            };
            let name = file.strip_prefix(web.join(folder)).unwrap_or(&file).display().to_string();
            let made = out.join(format!("{count}.web"));
            count += 1;
            std::fs::write(&made, bytes)?;
            let _written = writeln!(list, "    ({:?}, include_bytes!({made:?})),", format!("{place}{name}"));
        }
    }
    list.push_str("]\n");
    std::fs::write(out.join("web.rs"), list)
}

/// Only what a browser takes, and the licences of what is vendored; a README is none of that.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_licence = path.file_name().is_some_and(|name| name == "LICENSE");
        if path.is_dir() {
            walk(&path, files)?;
        } else if is_licence || ["js", "html", "css", "svg"].into_iter().any(|end| has_end(&path, end)) {
            files.push(path);
        }
    }
    Ok(())
}

fn has_end(path: &Path, end: &str) -> bool {
    path.extension().is_some_and(|found| found == end)
}
