//! What the system says of this process, under the names that Prometheus' own libraries give it.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// What the system says. Absent is what cannot be read, as on other systems than Linux.
#[derive(Debug, Default)]
pub(super) struct Process {
    pub(super) cpu_seconds: Option<f64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) virtual_bytes: Option<u64>,
    pub(super) open_fds: Option<u64>,
    pub(super) max_fds: Option<u64>,
    pub(super) threads: Option<u64>,
    /// Since the beginning of 1970.
    pub(super) start_seconds: Option<f64>,
}

impl Process {
    pub(super) fn now() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let read = Self::read(&stat);
        let files = fs::read_dir("/proc/self/fd").ok();
        Self {
            // One of them is that of the listing itself.
            open_fds: files.and_then(|files| u64::try_from(files.count()).ok()?.checked_sub(1)),
            max_fds: getrlimit(Resource::Nofile).current,
            ..read
        }
    }

    /// Reads `/proc/self/stat`; proc(5) has the fields.
    #[expect(
        clippy::cast_precision_loss,
        reason = "ticks of a processor since a start are far below 2^52"
    )]
    fn read(stat: &str) -> Self {
        // The program's name, in parentheses, may hold anything.
        let Some((_, fields)) = stat.rsplit_once(") ") else {
            return Self::default();
        };
        let fields: Vec<&str> = fields.split(' ').collect();
        // The first of them is the third of the file.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ticks = clock_ticks_per_second() as f64;
        let spent = field(14).zip(field(15));
        let started = field(22).map(|since_boot| since_boot as f64 / ticks);
        Self {
            cpu_seconds: spent.map(|(user, system)| (user + system) as f64 / ticks),
            threads: field(20),
            virtual_bytes: field(23),
            resident_bytes: field(24).map(|pages| pages * page_size() as u64),
            start_seconds: started.zip(booted()).map(|(since, booted)| since + booted),
            ..Self::default()
        }
    }
}

/// When the machine was started.
fn booted() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_files_and_a_beginning() {
        let process = Process::now();
        assert!(process.resident_bytes.unwrap() > 1 << 20);
        assert!(process.virtual_bytes > process.resident_bytes);
        assert!((1..process.max_fds.unwrap()).contains(&process.open_fds.unwrap()));
        assert!(process.threads.unwrap() >= 1);
        assert!(process.cpu_seconds.unwrap() >= 0.0);
        // In 2020 or later.
        assert!(process.start_seconds.unwrap() > 1_577_836_800.0);
    }

    #[test]
    fn a_name_with_parentheses_and_spaces_moves_no_field() {
        let stat = "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 100 50 0 0 20 0 9 0 0 4096 2 0";
        let process = Process::read(stat);
        assert_eq!(process.threads, Some(9));
        assert_eq!(process.virtual_bytes, Some(4096));
        assert_eq!(process.resident_bytes, Some(2 * page_size() as u64));
        assert!(Process::read("nothing").threads.is_none());
    }
}
