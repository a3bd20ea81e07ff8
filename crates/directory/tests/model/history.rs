//! What happens, one step after another, in the database and in the model.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "part of a test"
)]

use std::time::{Duration, Instant};

use directory::policy::{Action, Place, Scope};
use directory::{Directory, DirectoryError, Grant};
use proptest::option;
use proptest::prelude::*;

use crate::home::{Home, at, organization, project, resource, subject};
use crate::naive::{Given, State, can_be};

/// The clock of expiries and questions starts here; the real one is far from it.
const EPOCH: i64 = 2_000_000_000;
const SECOND: Duration = Duration::from_secs(1);

/// Who writes: the first replica, the second, or somebody past both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    Replica(usize),
    Sql,
}

/// One thing that happens. The numbers choose from a few of each kind.
#[derive(Clone, Debug)]
pub enum Step {
    Grant(Via, u8, u8, (u8, u8), Option<i64>),
    Withdraw(Via, u8, u8, (u8, u8)),
    Expire(u8, i64),
    CreateProject(Via, u8, Option<u8>),
    MoveProject(u8, Option<u8>),
    DeleteProject(u8),
    CreateResource(Via, u8, u8),
    MoveResource(u8, u8),
    DeleteResource(Via, u8),
    Toggle(u8),
    Ask(usize, u8, (u8, u8, u8), u8, i64),
    Wait(u64),
    Settle,
}

/// Any step; questions are the most.
pub fn step() -> impl Strategy<Value = Step> {
    let via = || prop_oneof![(0..2_usize).prop_map(Via::Replica), Just(Via::Sql)];
    let scope = || (0..3_u8, 0..3_u8);
    prop_oneof![
        4 => (via(), 0..2_u8, 0..3_u8, scope(), option::of(-5..5_i64))
            .prop_map(|(via, who, role, scope, expiry)| Step::Grant(via, who, role, scope, expiry)),
        3 => (via(), 0..2_u8, 0..3_u8, scope())
            .prop_map(|(via, who, role, scope)| Step::Withdraw(via, who, role, scope)),
        1 => (0..4_u8, -5..5_i64).prop_map(|(which, expiry)| Step::Expire(which, expiry)),
        1 => (via(), 0..3_u8, option::of(0..2_u8))
            .prop_map(|(via, id, of)| Step::CreateProject(via, id, of)),
        2 => (0..3_u8, option::of(0..2_u8)).prop_map(|(id, of)| Step::MoveProject(id, of)),
        1 => (0..3_u8).prop_map(Step::DeleteProject),
        1 => (via(), 0..3_u8, 0..3_u8).prop_map(|(via, id, of)| Step::CreateResource(via, id, of)),
        1 => (0..3_u8, 0..3_u8).prop_map(|(id, of)| Step::MoveResource(id, of)),
        1 => (via(), 0..3_u8).prop_map(|(via, id)| Step::DeleteResource(via, id)),
        2 => (0..4_u8).prop_map(Step::Toggle),
        12 => (0..2_usize, 0..2_u8, (0..3_u8, 0..4_u8, 0..4_u8), 0..4_u8, -6..6_i64)
            .prop_map(|(to, who, place, action, now)| Step::Ask(to, who, place, action, now)),
        2 => (0..150_u64).prop_map(Step::Wait),
        1 => Just(Step::Settle),
    ]
}

/// The world of one history. Its ids are its own, so that histories share a database.
pub struct History<'a> {
    home: &'a Home,
    replicas: &'a [Directory; 2],
    case: u32,
    /// Every state so far, and when the write that ended it had returned.
    past: Vec<(State, Instant)>,
    now: State,
    /// Which of the writes that ended them went through each replica.
    wrote: [Vec<usize>; 2],
    ids: u32,
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
            ids: 0,
        };
        let mut statements = format!(
            "INSERT INTO {{}}roles (role_id, name, display_name) VALUES ('{0}', '{0}', 'x');",
            history.id("tester", 0)
        );
        for number in 0..2 {
            let (organization, user) = (history.id("o", number), history.id("u", number));
            statements += &format!(
                "INSERT INTO {{}}organizations (org_id, name) VALUES ('{organization}', 'x'); \
                 INSERT INTO {{}}users (user_id, name) VALUES ('{user}', 'x');"
            );
            history.now.organizations.insert(organization);
        }
        for number in 0..3 {
            let (project, resource) = (history.id("p", number), history.id("r", number));
            let of = history.id("o", number % 2);
            statements += &format!(
                "INSERT INTO {{}}projects (project_id, org_id, name) \
                 VALUES ('{project}', '{of}', 'x'); \
                 INSERT INTO {{}}resources (resource_id, project_id, name, type) \
                 VALUES ('{resource}', '{project}', 'x', 'x');"
            );
            history.now.projects.insert(project.clone(), Some(of));
            history.now.resources.insert(resource, project);
        }
        home.sql(&statements).await.unwrap();
        history
    }

    pub async fn take(&mut self, step: &Step) -> Result<(), String> {
        let writer = match *step {
            Step::Grant(Via::Replica(which), ..)
            | Step::Withdraw(Via::Replica(which), ..)
            | Step::CreateProject(Via::Replica(which), ..)
            | Step::CreateResource(Via::Replica(which), ..)
            | Step::DeleteResource(Via::Replica(which), ..) => Some(which),
            _ => None,
        };
        // It remembers everything when it writes, and has to forget what it changes.
        if let Some(which) = writer {
            self.everything(which, false).await?;
        }
        let before = self.now.clone();
        let by = self.write(step).await?;
        let Some(by) = by else {
            return Ok(());
        };
        if let Via::Replica(which) = by {
            self.wrote[which].push(self.past.len());
        }
        self.past.push((before, Instant::now()));
        if let Via::Replica(which) = by {
            self.everything(which, false).await?;
        }
        Ok(())
    }

    /// Does what the step says, and says who wrote, if anybody did.
    async fn write(&mut self, step: &Step) -> Result<Option<Via>, String> {
        match *step {
            Step::Grant(via, who, role, scope, expiry) => {
                return self.grant(via, who, role, self.scope(scope), expiry).await;
            }
            Step::Withdraw(via, who, role, scope) => {
                let (who, role, scope) = (self.id("u", who), self.role(role), self.scope(scope));
                let Some(id) = self.now.given(&who, &role, &scope) else {
                    return Ok(None);
                };
                let id = id.to_owned();
                match via {
                    Via::Replica(which) => self.replicas[which].revoke(&id).await.unwrap(),
                    Via::Sql => {
                        self.sql(format!(
                            "DELETE FROM {{}}role_assignments WHERE assignment_id = '{id}'"
                        ))
                        .await;
                    }
                }
                self.now.grants.remove(&id);
                return Ok(Some(via));
            }
            Step::Expire(which, expiry) => {
                let mut grants = self.now.grants.iter_mut();
                let Some((id, given)) = grants.nth(usize::from(which)) else {
                    return Ok(None);
                };
                given.expires_at = Some(EPOCH + expiry);
                let (id, expiry) = (id.clone(), at(EPOCH + expiry));
                let expiry = expiry.strftime("%Y-%m-%d %H:%M:%S");
                self.sql(format!(
                    "UPDATE {{}}role_assignments SET expires_at = '{expiry}' \
                     WHERE assignment_id = '{id}'"
                ))
                .await;
            }
            Step::CreateProject(via, id, of) => {
                let (id, of) = (self.id("p", id), of.map(|of| self.id("o", of)));
                if self.now.projects.contains_key(&id) {
                    return Ok(None);
                }
                if let Via::Replica(which) = via {
                    let (id, parent) = (project(&id), of.as_deref().map(organization));
                    let created = self.replicas[which].create_project(&id, parent.as_ref(), "x");
                    created.await.unwrap();
                } else {
                    let of = quoted(of.as_deref());
                    self.sql(format!(
                        "INSERT INTO {{}}projects (project_id, org_id, name) VALUES ('{id}', {of}, 'x')"
                    ))
                    .await;
                }
                self.now.projects.insert(id, of);
                return Ok(Some(via));
            }
            Step::MoveProject(id, to) => {
                let (id, to) = (self.id("p", id), to.map(|to| self.id("o", to)));
                let Some(of) = self.now.projects.get_mut(&id) else {
                    return Ok(None);
                };
                of.clone_from(&to);
                let to = quoted(to.as_deref());
                self.sql(format!(
                    "UPDATE {{}}projects SET org_id = {to} WHERE project_id = '{id}'"
                ))
                .await;
            }
            Step::DeleteProject(id) => {
                let id = self.id("p", id);
                self.now.delete_project(&id);
                self.sql(format!(
                    "DELETE FROM {{}}resources WHERE project_id = '{id}'; \
                     DELETE FROM {{}}projects WHERE project_id = '{id}'"
                ))
                .await;
            }
            Step::CreateResource(via, id, of) => {
                let (id, of) = (self.id("r", id), self.id("p", of));
                if self.now.resources.contains_key(&id) || !self.now.projects.contains_key(&of) {
                    return Ok(None);
                }
                if let Via::Replica(which) = via {
                    let (id, of) = (resource(&id), project(&of));
                    let created = self.replicas[which].create_resource(&id, &of, "x", "x");
                    created.await.unwrap();
                } else {
                    self.sql(format!(
                        "INSERT INTO {{}}resources (resource_id, project_id, name, type) \
                         VALUES ('{id}', '{of}', 'x', 'x')"
                    ))
                    .await;
                }
                self.now.resources.insert(id, of);
                return Ok(Some(via));
            }
            Step::MoveResource(id, to) => {
                let (id, to) = (self.id("r", id), self.id("p", to));
                if !self.now.resources.contains_key(&id) || !self.now.projects.contains_key(&to) {
                    return Ok(None);
                }
                self.sql(format!(
                    "UPDATE {{}}resources SET project_id = '{to}' WHERE resource_id = '{id}'"
                ))
                .await;
                self.now.resources.insert(id, to);
            }
            Step::DeleteResource(via, id) => {
                let id = self.id("r", id);
                let Some(of) = self.now.resources.get(&id) else {
                    return Ok(None);
                };
                if let Via::Replica(which) = via {
                    let (id, of) = (resource(&id), project(of));
                    self.replicas[which]
                        .delete_resource(&id, &of)
                        .await
                        .unwrap();
                } else {
                    self.sql(format!(
                        "DELETE FROM {{}}resources WHERE resource_id = '{id}'"
                    ))
                    .await;
                }
                self.now.delete_resource(&id);
                return Ok(Some(via));
            }
            Step::Toggle(action) => {
                let (action, role) = (
                    Action::ALL[usize::from(action)].as_str(),
                    self.id("tester", 0),
                );
                let permission = format!("ktrlplane-{}", action.replace('_', "-"));
                if self.now.tester.remove(action).is_some() {
                    self.sql(format!(
                        "DELETE FROM {{}}role_permissions \
                         WHERE role_id = '{role}' AND permission_id = '{permission}'"
                    ))
                    .await;
                } else {
                    self.now.tester.insert(action, ());
                    self.sql(format!(
                        "INSERT INTO {{}}role_permissions VALUES ('{role}', '{permission}')"
                    ))
                    .await;
                }
            }
            Step::Ask(to, who, place, action, now) => {
                let place = self.place(place);
                let who = self.id("u", who);
                self.ask(
                    to,
                    &who,
                    &place,
                    Action::ALL[usize::from(action)],
                    EPOCH + now,
                    false,
                )
                .await?;
                return Ok(None);
            }
            Step::Wait(milliseconds) => {
                std::thread::sleep(Duration::from_millis(milliseconds));
                return Ok(None);
            }
            Step::Settle => {
                self.settle().await?;
                return Ok(None);
            }
        }
        Ok(Some(Via::Sql))
    }

    async fn grant(
        &mut self,
        via: Via,
        who: u8,
        role: u8,
        scope: Scope,
        expiry: Option<i64>,
    ) -> Result<Option<Via>, String> {
        let (who, role) = (self.id("u", who), self.role(role));
        let (exists, held) = (
            self.now.has(&scope),
            self.now.given(&who, &role, &scope).is_some(),
        );
        let expires_at = expiry.map(|expiry| EPOCH + expiry);
        let id = match via {
            Via::Replica(which) => {
                let grant = Grant {
                    subject: subject(&who),
                    role: role.clone(),
                    scope: scope.clone(),
                    assigned_by: None,
                    expires_at: expires_at.map(at),
                };
                match self.replicas[which].grant(grant).await {
                    Ok(id) if exists && !held => id,
                    Err(DirectoryError::NotFound(_)) if !exists => return Ok(None),
                    Err(DirectoryError::AlreadyExists(_)) if held => return Ok(None),
                    other => return Err(format!("grant: {other:?}")),
                }
            }
            Via::Sql if exists && !held => {
                self.ids += 1;
                let id = format!("c{}-a{}", self.case, self.ids);
                let role_id = match role.as_str() {
                    "Owner" => "owner",
                    "Viewer" => "viewer",
                    tester => tester,
                };
                let expiry =
                    expires_at.map(|expiry| at(expiry).strftime("%Y-%m-%d %H:%M:%S").to_string());
                self.sql(format!(
                    "INSERT INTO {{}}role_assignments (assignment_id, user_id, role_id, scope_type, \
                     scope_id, expires_at) VALUES ('{id}', '{who}', '{role_id}', '{}', '{}', {})",
                    scope.scope_type(),
                    scope.id(),
                    quoted(expiry.as_deref()),
                ))
                .await;
                id
            }
            Via::Sql => return Ok(None),
        };
        let given = Given {
            who,
            role,
            scope,
            expires_at,
        };
        self.now.grants.insert(id, given);
        Ok(Some(via))
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

    async fn sql(&self, statements: String) {
        self.home.sql(&statements).await.unwrap();
    }

    fn id(&self, kind: &str, number: u8) -> String {
        format!("c{}-{kind}{number}", self.case)
    }

    fn role(&self, role: u8) -> String {
        match role {
            0 => "Viewer".to_owned(),
            1 => "Owner".to_owned(),
            _ => self.id("tester", 0),
        }
    }

    fn scope(&self, (kind, number): (u8, u8)) -> Scope {
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

fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), |text| format!("'{text}'"))
}
