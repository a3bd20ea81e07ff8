//! The data of one resource: what is missing at the start, and then what comes.

use std::collections::VecDeque;

use embedded::MetricMetadata;

use super::HISTORY_SECONDS;
use super::sample::{Begin, Service, Source};
use super::send::{Parcel, SendError, Sender};

/// Seconds of data that are sent at a time.
const TOGETHER: i64 = 1800;

/// Sends the data of one resource.
pub(super) struct Feed {
    sender: Sender,
    source: Source,
    /// What there is to know of the metrics, until it is sent.
    metadata: Vec<MetricMetadata>,
    /// Made and not sent yet, in order.
    waiting: VecDeque<Parcel>,
    has_complained: bool,
}

impl Feed {
    /// Looks what is there already, and goes on behind it: of the last hour, nothing will be there
    /// twice and nothing is left out.
    pub(super) async fn begin(
        service: &'static Service,
        mut sender: Sender,
        seed: u64,
        now: i64,
    ) -> Result<Self, SendError> {
        let oldest = now - HISTORY_SECONDS;
        let after = |newest: Option<i64>| newest.map_or(oldest, |newest| newest + 1);
        let begin = Begin {
            lines: after(newest_line(&mut sender, now).await?),
            samples: after(newest_sample(&mut sender, now).await?),
        };
        Ok(Self {
            sender,
            source: Source::new(service, seed, begin),
            metadata: super::sample::metadata(),
            waiting: VecDeque::new(),
            has_complained: false,
        })
    }

    /// Sends everything until `now`, in seconds since the Unix epoch. What cannot be taken at the
    /// moment waits for the next time.
    pub(super) async fn catch_up(&mut self, now: i64) -> super::Result<()> {
        loop {
            while let Some(parcel) = self.waiting.front() {
                match self.sender.send(parcel).await {
                    Ok(()) => self.has_complained = false,
                    Err(error) if error.is_for_now() => {
                        if !std::mem::replace(&mut self.has_complained, true) {
                            tracing::warn!(%error, "sample data wait until they are taken");
                        }
                        return Ok(());
                    }
                    Err(error) => {
                        self.waiting.pop_front();
                        return Err(error.into());
                    }
                }
                self.waiting.pop_front();
            }
            let until = now.min(self.source.next().saturating_add(TOGETHER));
            if self.source.next() >= until {
                return Ok(());
            }
            let batch = self.source.advance(until);
            if !batch.logs.is_empty() {
                self.waiting.push_back(Parcel::logs(batch.logs)?);
            }
            if !batch.samples.is_empty() {
                let metadata = std::mem::take(&mut self.metadata);
                let parcel = Parcel::samples(batch.samples, metadata)?;
                self.waiting.push_back(parcel);
            }
        }
    }
}

/// The second of the newest line of the last hour.
async fn newest_line(sender: &mut Sender, now: i64) -> Result<Option<i64>, SendError> {
    let (start, end) = span(now);
    let parameters = [
        ("query", "{cluster=\"demo\"}"),
        ("direction", "backward"),
        ("limit", "1"),
        ("start", &start),
        ("end", &end),
    ];
    let answer = sender.ask("/logs", &parameters).await?;
    let time = &answer["data"]["result"][0]["values"][0][0];
    let time = time.as_str().and_then(|text| text.parse::<i64>().ok());
    Ok(time.map(|nanoseconds| nanoseconds.div_euclid(1_000_000_000)))
}

/// The second of the newest samples of the last hour.
async fn newest_sample(sender: &mut Sender, now: i64) -> Result<Option<i64>, SendError> {
    let (start, end) = span(now);
    let parameters = [
        (
            "query",
            "max(timestamp(cpu_usage_percent{cluster=\"demo\"}))",
        ),
        ("start", &start),
        ("end", &end),
        ("step", "15"),
    ];
    let answer = sender.ask("/metrics/query_range", &parameters).await?;
    let values = answer["data"]["result"][0]["values"].as_array();
    let last = values.and_then(|values| values.last());
    let value = last.and_then(|value| value[1].as_str());
    Ok(value.and_then(|text| text.parse::<f64>().ok()).map(whole))
}

/// The last hour, and the next one: the clock may have been set back.
fn span(now: i64) -> (String, String) {
    let start = now.saturating_sub(HISTORY_SECONDS);
    let end = now.saturating_add(HISTORY_SECONDS);
    (start.to_string(), end.to_string())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a time in seconds, and what is cut off is less than one"
)]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}
