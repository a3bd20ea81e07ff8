//! What is written in Python: the packages below `tests/`, each in an environment of its own that
//! `make test` makes.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::process::missing;

/// An installed package.
pub(crate) struct Package {
    pub(crate) home: PathBuf,
}

impl Package {
    /// The package in `tests/<name>`; `None` where it is not installed.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let home = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests");
        let home = home.join(name);
        if !home.join(".venv/.installed-requirements.txt").exists() {
            missing(&format!("the PyPI package {name}"));
            return None;
        }
        Some(Self { home })
    }

    /// A program of its environment.
    pub(crate) fn program(&self, name: &str) -> Command {
        Command::new(self.home.join(".venv/bin").join(name))
    }

    /// Runs the package's script `name`, and reads the JSON that it prints.
    #[track_caller]
    pub(crate) fn script(
        &self,
        name: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Value {
        let mut command = self.program("python");
        command.arg(self.home.join(name)).args(arguments);
        command.envs(variables.iter().copied());
        let output = command.output().expect("Python runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }
}
