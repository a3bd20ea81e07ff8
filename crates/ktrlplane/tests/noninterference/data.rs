//! The data: what each resource has, and what belongs to none.
//!
//! Nothing but the resource's label tells some series and streams of the resources apart; others
//! differ, overlap, have gaps, end with a staleness mark, or say in a line or in structured
//! metadata that they were another resource's.

use embedded::store::STALE_NAN;
use embedded::{Backend, LogEntry, LogStream, PushError, Sample, SampleSeries};

use crate::dice::Dice;
use crate::vocabulary::{
    APPS, ENVIRONMENTS, FOREIGN_APP, FOREIGN_METRIC, Format, LENGTH, LEVELS, LONGER, METRICS, MINE,
    Measure, Metric, OTHER, OTHER_PROJECT, PATHS, PODS, PROJECT, RESOURCE, START, values,
};

/// What one resource has.
pub(crate) struct Data {
    project: &'static str,
    logs: Vec<LogStream>,
    samples: Vec<SampleSeries>,
}

/// Whose data are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Mine,
    Other,
    Longer,
    /// Data of the project that carry no resource's label.
    Nobody,
    /// A resource of another project, by the same id.
    Namesake,
}

impl Owner {
    pub(crate) const ALL: [Self; 5] = [
        Self::Mine,
        Self::Other,
        Self::Longer,
        Self::Nobody,
        Self::Namesake,
    ];

    fn id(self) -> Option<&'static str> {
        match self {
            Self::Mine | Self::Namesake => Some(MINE),
            Self::Other => Some(OTHER),
            Self::Longer => Some(LONGER),
            Self::Nobody => None,
        }
    }

    fn project(self) -> &'static str {
        match self {
            Self::Mine | Self::Other | Self::Longer | Self::Nobody => PROJECT,
            Self::Namesake => OTHER_PROJECT,
        }
    }
}

impl Data {
    /// The data of `owner` in the data set of `seed`. They do not depend on anybody else's.
    pub(crate) fn new(seed: u64, owner: Owner) -> Self {
        let thing = u64::MAX - Owner::ALL.iter().take_while(|one| **one != owner).count() as u64;
        let mut maker = Maker {
            dice: Dice::new(seed, thing),
            owner,
        };
        Self {
            project: owner.project(),
            logs: maker.logs(),
            samples: maker.samples(),
        }
    }

    /// Pushes copies of the data into a backend.
    pub(crate) fn push(&self, backend: &Backend) -> Result<(), PushError> {
        backend.push_logs(self.project, self.logs.clone())?;
        backend.push_samples(self.project, self.samples.clone())
    }
}

struct Maker {
    dice: Dice,
    owner: Owner,
}

type Pairs = Vec<(String, String)>;

fn pairs<'a>(of: impl IntoIterator<Item = (&'a str, &'a str)>) -> Pairs {
    of.into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl Maker {
    fn owned(&self, mut labels: Pairs) -> Pairs {
        if let Some(id) = self.owner.id() {
            labels.push((RESOURCE.to_owned(), id.to_owned()));
        }
        labels
    }

    /// The pods: a few for the large resources, one for the small.
    fn pods(&self) -> &'static [&'static str] {
        match self.owner {
            Owner::Mine => &PODS[..2],
            Owner::Other => &PODS[1..],
            Owner::Longer | Owner::Nobody | Owner::Namesake => &PODS[..1],
        }
    }

    fn logs(&mut self) -> Vec<LogStream> {
        let mut streams = Vec::new();
        for (app, format) in APPS {
            for pod in self.pods() {
                let env = self.dice.pick(ENVIRONMENTS);
                let level = self.dice.pick(LEVELS);
                let mut labels = vec![("app", *app), ("pod", *pod), ("env", env)];
                if self.dice.chance(60) {
                    labels.push(("level", level));
                }
                let labels = self.owned(pairs(labels));
                let entries = self.lines(*format);
                streams.push(LogStream { labels, entries });
            }
        }
        if self.owner == Owner::Other {
            let labels = self.owned(pairs([("app", FOREIGN_APP), ("secret", "yes")]));
            let entries = self.lines(Format::Json);
            streams.push(LogStream { labels, entries });
        }
        streams
    }

    fn lines(&mut self, format: Format) -> Vec<LogEntry> {
        let count = self.dice.between(15, 30);
        let mut entries = Vec::new();
        for _ in 0..count {
            // Whole seconds, so that lines of several streams meet at one time.
            let timestamp_ns = (START + self.dice.between(0, LENGTH)) * 1_000_000_000;
            let mut metadata = Vec::new();
            if self.dice.chance(40) {
                let trace = format!("{:04x}", self.dice.below(1 << 16));
                metadata.push(("trace_id".to_owned(), trace));
            }
            if self.dice.chance(30) {
                let weight = self.dice.between(1, 999).to_string();
                metadata.push(("weight".to_owned(), weight));
            }
            if self.dice.chance(15) {
                // A line's own metadata do not say whose stream it is in.
                let id = self.dice.pick(&[MINE, OTHER]);
                metadata.push((RESOURCE.to_owned(), id.to_owned()));
            }
            let line = self.line(format);
            entries.push(LogEntry {
                timestamp_ns,
                line,
                structured_metadata: metadata,
            });
        }
        entries
    }

    fn line(&mut self, format: Format) -> String {
        let dice = &mut self.dice;
        let (level, status) = (dice.pick(LEVELS), dice.pick(values("code")));
        let (method, path) = (dice.pick(values("method")), dice.pick(&PATHS[..2]));
        let (took, size) = (dice.between(1, 9_000), dice.between(10, 900_000));
        let ip = format!("10.{}.0.{}", dice.between(0, 3), dice.between(1, 9));
        let user = dice.below(9);
        // What a line says of its resource is not to be believed.
        let claimed = dice.pick(&[MINE, OTHER]);
        let marked = if self.owner == Owner::Mine {
            ""
        } else {
            " foreign"
        };
        match format {
            Format::Json => format!(
                r#"{{"level":"{level}","status":{status},"method":"{method}","path":"{path}","took":"{took}ms","size":"{size}B","bytes":{size},"ip":"{ip}","resource_id":"{claimed}","user":{{"id":{user},"tags":["a","b{user}"]}},"msg":"order {user}{marked}"}}"#
            ),
            Format::Logfmt => format!(
                r#"level={level} status={status} method={method} path={path} took={took}ms size={size}B bytes={size} ip={ip} resource_id={claimed} empty= msg="order {user}{marked}""#
            ),
            Format::Access => {
                format!("{ip} - {user} \"{method} {path}\" {status} {size} {took}ms{marked}")
            }
            Format::Packed => format!(
                r#"{{"container":"c{user}","resource_id":"{claimed}","_entry":"level={level} status={status} bytes={size}{marked}"}}"#
            ),
            Format::Coloured => format!(
                "\u{1b}[31m{level}\u{1b}[0m {method} {path} took {took}ms from {ip}{marked}"
            ),
        }
    }

    fn samples(&mut self) -> Vec<SampleSeries> {
        let mut series = Vec::new();
        for metric in METRICS {
            for pod in self.pods() {
                self.metric(metric, pod, &mut series);
            }
        }
        if self.owner == Owner::Other {
            let labels = self.owned(pairs([("__name__", FOREIGN_METRIC), ("secret", "yes")]));
            let samples = self.gauge();
            series.push(SampleSeries { labels, samples });
        }
        series
    }

    /// The series of a metric on one pod.
    fn metric(&mut self, metric: &Metric, pod: &str, series: &mut Vec<SampleSeries>) {
        let mut sets: Vec<Pairs> = vec![pairs([("__name__", metric.name), ("pod", pod)])];
        match metric.measure {
            Measure::Info => {
                let version = self.dice.pick(values("version"));
                sets[0].push(("version".to_owned(), version.to_owned()));
            }
            Measure::Counter | Measure::Gauge | Measure::Histogram => {
                for label in metric.labels {
                    let with = |value: &&str| {
                        let mut grown = sets.clone();
                        for set in &mut grown {
                            set.push(((*label).to_owned(), (*value).to_owned()));
                        }
                        grown
                    };
                    sets = values(label).iter().flat_map(with).collect();
                }
                // Some series are not there, and so differ between resources and pods.
                if metric.measure != Measure::Histogram {
                    sets.retain(|_| self.dice.chance(80));
                }
            }
        }
        let mut bucket: Vec<Sample> = Vec::new();
        for set in sets {
            let samples = match metric.measure {
                Measure::Counter => self.counter(),
                Measure::Gauge => self.gauge(),
                Measure::Info => self.at_times(|_, _| 1.0),
                Measure::Histogram => {
                    // A bucket holds what the one below it holds.
                    let more = self.dice.between(1, 7);
                    let grown = |at: i64, below: f64| below + (at / 30 * more) as f64;
                    bucket = (0..=LENGTH)
                        .step_by(30)
                        .zip(
                            bucket
                                .iter()
                                .map(|sample| sample.value)
                                .chain(std::iter::repeat(0.0)),
                        )
                        .map(|(at, below)| sample(at, grown(at, below)))
                        .collect();
                    bucket.clone()
                }
            };
            let labels = self.owned(set);
            series.push(SampleSeries { labels, samples });
        }
    }

    /// Grows, and starts again at 0 now and then.
    fn counter(&mut self) -> Vec<Sample> {
        let mut value = self.dice.between(0, 1_000) as f64;
        let pace = self.dice.between(1, 50);
        self.at_times(|dice, _| {
            value += dice.between(0, pace) as f64 + 0.25;
            if dice.chance(2) {
                value = 0.0;
            }
            value
        })
    }

    /// Goes up and down, and is no number now and then.
    fn gauge(&mut self) -> Vec<Sample> {
        let base = self.dice.between(-100, 100_000) as f64;
        self.at_times(|dice, at| match dice.below(200) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => 0.0,
            _ => base + dice.between(-500, 500) as f64 / 8.0 + at as f64 / 64.0,
        })
    }

    /// A sample each 30 seconds, a bit off the beat, with gaps and ends.
    fn at_times(&mut self, mut value: impl FnMut(&mut Dice, i64) -> f64) -> Vec<Sample> {
        let late = self.dice.between(0, 29);
        let mut samples = Vec::new();
        let mut gap_until = -1;
        for at in (late..=LENGTH).step_by(30) {
            let value = value(&mut self.dice, at);
            if at <= gap_until {
                continue;
            }
            if self.dice.chance(2) {
                gap_until = at + self.dice.between(60, 900);
                if self.dice.chance(50) {
                    samples.push(sample(at, f64::from_bits(STALE_NAN)));
                }
                continue;
            }
            samples.push(sample(at, value));
        }
        samples
    }
}

fn sample(at: i64, value: f64) -> Sample {
    Sample {
        timestamp_ms: (START + at) * 1000,
        value,
    }
}
