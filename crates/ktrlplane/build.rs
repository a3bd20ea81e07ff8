//! Takes the Explore page into the binary, if it has been built: `web/dist`, as `npm run build` leaves
//! it. Without it the binary is as good, and says at `/explore/` how the page is built. And notes of
//! which commit it is.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    println!("cargo::rustc-env=KTRLPLANE_COMMIT={}", commit(&manifest));
    let dist = manifest.join("../../web/dist");
    // The directory is always there, with nothing but what tells git to leave it alone.
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    let index = dist.join("index.html");
    if index.exists() {
        files.push(index);
        for entry in fs::read_dir(dist.join("assets"))? {
            files.push(entry?.path());
        }
    }
    files.sort();
    let mut text = String::from("&[\n");
    for file in files.iter().filter(|file| !is_compressed(file)) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let compressed = |ending: &str| match beside(file, ending) {
            Some(path) => format!("Some({})", include(&path)),
            None => "None".to_owned(),
        };
        writeln!(
            text,
            "gateway::PageFile {{ name: {name:?}, plain: {}, gzip: {}, brotli: {} }},",
            include(file),
            compressed("gz"),
            compressed("br"),
        )
        .map_err(io::Error::other)?;
    }
    text.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("page.rs"), text)
}

/// The commit: as `KTRLPLANE_COMMIT` has it, for builds of what git does not know, or as git does.
fn commit(manifest: &Path) -> String {
    println!("cargo::rerun-if-env-changed=KTRLPLANE_COMMIT");
    if let Ok(commit) = env::var("KTRLPLANE_COMMIT") {
        return commit;
    }
    let git = |arguments: &[&str]| {
        let asked = Command::new("git")
            .current_dir(manifest)
            .args(arguments)
            .output();
        let told = asked.ok().filter(|told| told.status.success())?;
        let text = String::from_utf8(told.stdout).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    // What each commit, each change of branch and each checkout writes to.
    let written = git(&[
        "rev-parse",
        "--path-format=absolute",
        "--git-path",
        "logs/HEAD",
    ]);
    if let Some(path) = written.filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
    git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned())
}

/// The expression that stands for a file's bytes.
fn include(file: &Path) -> String {
    let path = file.display().to_string();
    format!("include_bytes!({path:?})")
}

fn is_compressed(file: &Path) -> bool {
    let ending = file.extension().unwrap_or_default();
    ending == "gz" || ending == "br"
}

/// The file compressed, where that was worth it.
fn beside(file: &Path, ending: &str) -> Option<PathBuf> {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    let path = PathBuf::from(path);
    path.exists().then_some(path)
}
