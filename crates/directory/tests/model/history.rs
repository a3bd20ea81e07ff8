//! What happens, one step after another, in the database and in the model.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "part of a test"
)]

use std::time::{Duration, Instant};

use directory::Directory;
use directory::policy::{Action, Place, Scope};

use crate::home::{Home, at, organization, project, resource, subject};
use crate::naive::{State, can_be};
use crate::step::{Step, Via, Write};

/// The clock of expiries and questions starts here; the real one is far from it.
pub const EPOCH: i64 = 2_000_000_000;
const SECOND: Duration = Duration::from_secs(1);

/// The world of one history. Its ids are its own, so that histories share a database.
pub struct History<'a> {
    home: &'a Home,
    pub replicas: &'a [Directory; 2],
    pub case: u32,
    /// Every state so far, and when the write that ended it had returned.
    pub past: Vec<(State, Instant)>,
    pub now: State,
    /// Which of the writes that ended them went through each replica.
    wrote: [Vec<usize>; 2],
}

impl<'a> History<'a> {
    pub async fn begin(home: &'a Home, replicas: &'a [Directory; 2], case: u32) -> Self {
        let mut history = Self {
            home,
            replicas,
            case,
            past: Vec::new(),
            now: State::default(),
            wrote: [Vec::new(), Vec::new()],
        };
        let tester = history.id("tester", 0);
        let mut statements = vec![format!(
            "INSERT INTO {{}}roles (role_id, name, display_name) VALUES ('{tester}', '{tester}', 'x')"
        )];
        for number in 0..2 {
            let (organization, user) = (history.id("o", number), history.id("u", number));
            statements.push(format!(
                "INSERT INTO {{}}organizations (org_id, name) VALUES ('{organization}', 'x'); \
                 INSERT INTO {{}}users (user_id, name) VALUES ('{user}', 'x')"
            ));
            history.now.organizations.insert(organization);
        }
        for number in 0..3 {
            let (project, resource) = (history.id("p", number), history.id("r", number));
            let of = history.id("o", number % 2);
            statements.push(format!(
                "INSERT INTO {{}}projects (project_id, org_id, name) \
                 VALUES ('{project}', '{of}', 'x'); \
                 INSERT INTO {{}}resources (resource_id, project_id, name, type) \
                 VALUES ('{resource}', '{project}', 'x', 'x')"
            ));
            history.now.projects.insert(project.clone(), Some(of));
            history.now.resources.insert(resource, project);
        }
        home.sql(&statements.join(";")).await.unwrap();
        history
    }

    pub async fn take(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Write(via, write) => self.write_and_look(*via, write).await,
            Step::Ask(to, who, place, action, now) => {
                let (who, place) = (self.id("u", *who), self.place(*place));
                let action = Action::ALL[usize::from(*action)];
                self.ask(*to, &who, &place, action, EPOCH + now, false)
                    .await
            }
            Step::Wait(milliseconds) => {
                std::thread::sleep(Duration::from_millis(*milliseconds));
                Ok(())
            }
            Step::Settle => self.settle().await,
        }
    }

    /// Writes. A replica that does remembers everything when it does, and has to forget what it
    /// changes.
    async fn write_and_look(&mut self, via: Via, write: &Write) -> Result<(), String> {
        if let Via::Replica(which) = via {
            self.everything(which, false).await?;
        }
        let before = self.now.clone();
        if !self.write(via, write).await? {
            return Ok(());
        }
        if let Via::Replica(which) = via {
            self.wrote[which].push(self.past.len());
        }
        self.past.push((before, Instant::now()));
        if let Via::Replica(which) = via {
            self.everything(which, false).await?;
        }
        Ok(())
    }

    /// Asks a replica, and compares. Unless it must be exact, what others wrote within the last
    /// second may be missing; each fact is remembered by itself, so they may be of any moment of it.
    async fn ask(
        &self,
        to: usize,
        who: &str,
        place: &Place,
        action: Action,
        now: i64,
        is_exact: bool,
    ) -> Result<(), String> {
        let started = Instant::now();
        let access = self.replicas[to].access(&subject(who), place).await;
        let told = access.map_err(|error| error.to_string())?;
        let told = told.decide(action, at(now)).is_ok();
        let states = if is_exact {
            vec![self.now.clone()]
        } else {
            self.recent(to, started)
        };
        if can_be(told, &states, who, place, action, now) {
            return Ok(());
        }
        Err(format!(
            "replica {to} says {told}: {who}, {action} on {place} at {now}, exactly: {is_exact}, {:?}",
            self.now
        ))
    }

    /// The states of the last second, each with all that this replica has written.
    fn recent(&self, to: usize, asked: Instant) -> Vec<State> {
        let after = |write: usize| {
            self.past
                .get(write + 1)
                .map_or(&self.now, |(state, _)| state)
        };
        let mut recent = vec![self.now.clone()];
        for (index, (state, ended)) in self.past.iter().enumerate().rev() {
            if *ended + SECOND < asked {
                break;
            }
            let mut state = state.clone();
            for &write in self.wrote[to].iter().filter(|write| **write >= index) {
                state.overlay(&self.past[write].0, after(write));
            }
            recent.push(state);
        }
        recent
    }

    /// Within a second both replicas decide everything as the model does, and then keep to it.
    pub async fn settle(&self) -> Result<(), String> {
        let since = self
            .past
            .last()
            .map_or_else(Instant::now, |(_, ended)| *ended);
        loop {
            let late = since.elapsed() > SECOND;
            match self.exactly_everything().await {
                Ok(()) => break,
                Err(error) if late => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        self.exactly_everything().await
    }

    async fn exactly_everything(&self) -> Result<(), String> {
        self.everything(0, true).await?;
        self.everything(1, true).await
    }

    /// Asks one replica about everybody, everywhere.
    async fn everything(&self, to: usize, is_exact: bool) -> Result<(), String> {
        for who in 0..2 {
            let who = self.id("u", who);
            for place in (0..3).flat_map(|kind| (0..9).map(move |ids| (kind, ids / 3, ids % 3))) {
                let place = self.place(place);
                for action in Action::ALL {
                    for now in [-6, 0, 6] {
                        self.ask(to, &who, &place, action, EPOCH + now, is_exact)
                            .await?;
                    }
                }
            }
        }
        Ok(())
    }

    pub async fn sql(&self, statements: String) {
        self.home.sql(&statements).await.unwrap();
    }

    pub fn id(&self, kind: &str, number: u8) -> String {
        format!("c{}-{kind}{number}", self.case)
    }

    pub fn role(&self, role: u8) -> String {
        match role {
            0 => "Viewer".to_owned(),
            1 => "Owner".to_owned(),
            _ => self.id("tester", 0),
        }
    }

    pub fn scope(&self, (kind, number): (u8, u8)) -> Scope {
        match kind {
            0 => Scope::Organization(organization(&self.id("o", number % 2))),
            1 => Scope::Project(project(&self.id("p", number))),
            _ => Scope::Resource(resource(&self.id("r", number))),
        }
    }

    /// Places, of which the last of each kind never exist.
    fn place(&self, (kind, first, second): (u8, u8, u8)) -> Place {
        match kind {
            0 => Place::Organization(organization(&self.id("o", first))),
            1 => Place::Project(project(&self.id("p", first))),
            _ => Place::Resource(
                project(&self.id("p", first)),
                resource(&self.id("r", second)),
            ),
        }
    }
}
