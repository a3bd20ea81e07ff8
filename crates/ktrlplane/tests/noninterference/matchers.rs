//! Matchers and lists of labels, which both languages share.

use gateway::query::{MatchOp, Matcher, SmallStr};

use crate::dice::Dice;
use crate::vocabulary::{LONGER, MINE, OTHER, RESOURCE, values};

/// Seconds as a duration, in one of the ways to write them.
pub(crate) fn seconds(seconds: i64) -> gateway::query::duration::Duration {
    let text = if seconds % 60 == 0 && seconds != 0 {
        format!("{}m", seconds / 60)
    } else {
        format!("{seconds}s")
    };
    gateway::query::duration::Duration {
        nanos: seconds * 1_000_000_000,
        text: text.into(),
    }
}

/// A number as it is written.
pub(crate) fn number(text: &str) -> gateway::query::number::Number {
    gateway::query::number::Number {
        value: text.parse().expect("a number"),
        text: text.into(),
    }
}

/// A matcher on `label`, which passes more often than not for what the resource has.
pub(crate) fn matcher(dice: &mut Dice, label: &str) -> Matcher {
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    let op = dice.weighted(&[Equal, NotEqual, Regex, NotRegex], |op| match op {
        Equal | Regex => 35,
        NotEqual => 18,
        NotRegex => 12,
    });
    let value = match op {
        Equal => positive(dice, label),
        NotEqual => negative(dice, label),
        Regex => pattern(dice, label),
        NotRegex => match dice.below(4) {
            0 => format!("{}.+", negative(dice, label)),
            1 => format!("{}|{}", negative(dice, label), "nothing"),
            _ => negative(dice, label),
        },
    };
    Matcher {
        name: label.into(),
        op,
        value: value.into(),
    }
}

/// A matcher on the label that keeps resources apart, right and wrong ones.
pub(crate) fn resource_matcher(dice: &mut Dice) -> Matcher {
    matcher(dice, RESOURCE)
}

fn positive(dice: &mut Dice, label: &str) -> String {
    match dice.below(20) {
        0 => String::new(),
        1 => "nothing".to_owned(),
        _ => dice.pick(values(label)).to_owned(),
    }
}

/// A value that the resource's own data mostly do not have.
fn negative(dice: &mut Dice, label: &str) -> String {
    if label == RESOURCE {
        return dice
            .pick(&[OTHER, OTHER, LONGER, MINE, "", "nothing"])
            .to_owned();
    }
    match dice.below(4) {
        0 => "nothing".to_owned(),
        1 if dice.chance(30) => String::new(),
        _ => dice.pick(values(label)).to_owned(),
    }
}

fn pattern(dice: &mut Dice, label: &str) -> String {
    // A value may hold what means something in a pattern; as a pattern it is only looked for where
    // it is plain.
    let plain = |value: &str| {
        let odd = |c: char| !c.is_ascii_alphanumeric() && !"-_/".contains(c);
        if value.contains(odd) {
            ".*".to_owned()
        } else {
            value.to_owned()
        }
    };
    let one = plain(dice.pick(values(label)));
    let two = plain(dice.pick(values(label)));
    match dice.below(9) {
        0 => ".*".to_owned(),
        1 => ".+".to_owned(),
        2 => format!("{one}|{two}"),
        3 => format!("({one}|{two}|)"),
        4 => format!("(?i){}", one.to_uppercase()),
        5 => one.chars().take(3).chain(".*".chars()).collect(),
        6 => format!(".*{}", one.chars().skip(1).collect::<String>()),
        7 if label == RESOURCE => "shop-.*".to_owned(),
        _ => one,
    }
}

/// Some labels to group or match by, the resource's among them more often than others.
pub(crate) fn labels(dice: &mut Dice, known: &[&str], most: usize) -> Vec<SmallStr> {
    let mut chosen: Vec<SmallStr> = Vec::new();
    for _ in 0..dice.below(most + 1) {
        let label = match dice.below(12) {
            0..=3 => RESOURCE,
            4 => "unknown",
            _ => dice.pick(known),
        };
        if !chosen.iter().any(|one| one == label) {
            chosen.push(label.into());
        }
    }
    chosen
}
