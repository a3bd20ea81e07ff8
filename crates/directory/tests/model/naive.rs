//! Who may do what, worked out from the whole state each time.

#![allow(unreachable_pub, reason = "part of a test")]

use std::collections::{BTreeMap, BTreeSet};

use directory::policy::{Action, Place, Scope, SystemRole};

/// Everything that is the case.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub organizations: BTreeSet<String>,
    /// The organization of each project.
    pub projects: BTreeMap<String, Option<String>>,
    /// The project of each resource.
    pub resources: BTreeMap<String, String>,
    pub grants: Vec<Given>,
    /// What the one role holds that is not the system's.
    pub tester: BTreeSet<&'static str>,
}

#[derive(Clone, Debug)]
pub struct Given {
    pub id: String,
    pub who: String,
    pub role: String,
    pub scope: Scope,
    pub expires_at: Option<i64>,
}

impl State {
    pub fn has(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Organization(id) => self.organizations.contains(id.as_str()),
            Scope::Project(id) => self.projects.contains_key(id.as_str()),
            Scope::Resource(id) => self.resources.contains_key(id.as_str()),
        }
    }

    pub fn given(&self, who: &str, role: &str, scope: &Scope) -> Option<&Given> {
        let mut grants = self.grants.iter();
        grants.find(|given| given.who == who && given.role == role && given.scope == *scope)
    }

    pub fn delete_resource(&mut self, id: &str) {
        self.resources.remove(id);
        self.grants
            .retain(|given| !(matches!(given.scope, Scope::Resource(_)) && given.scope.id() == id));
    }

    pub fn delete_project(&mut self, id: &str) {
        let resources = self.resources.iter().filter(|(_, of)| *of == id);
        for resource in resources.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.delete_resource(&resource);
        }
        self.projects.remove(id);
        self.grants
            .retain(|given| !(matches!(given.scope, Scope::Project(_)) && given.scope.id() == id));
    }

    /// Whether `who` may do `action` at the place at second `now`, where places are as here and
    /// roles as in `roles`.
    pub fn may(&self, roles: &Self, who: &str, place: &Place, action: Action, now: i64) -> bool {
        let mut reaching: Vec<(&str, &str)> = Vec::new();
        match place {
            Place::Organization(id) if self.organizations.contains(id.as_str()) => {
                reaching.push(("organization", id.as_str()));
            }
            Place::Organization(_) => {}
            Place::Project(id) | Place::Resource(id, _) => {
                let Some(organization) = self.projects.get(id.as_str()) else {
                    return false;
                };
                reaching.push(("project", id.as_str()));
                reaching.extend(organization.iter().map(|id| ("organization", id.as_str())));
                if let Place::Resource(_, resource) = place
                    && self.resources.get(resource.as_str()).map(String::as_str)
                        == Some(id.as_str())
                {
                    reaching.push(("resource", resource.as_str()));
                }
            }
        }
        roles.grants.iter().any(|given| {
            given.who == who
                && reaching.contains(&(given.scope.scope_type(), given.scope.id()))
                && given.expires_at.is_none_or(|expiry| now < expiry)
                && roles.holds(&given.role, action)
        })
    }

    fn holds(&self, role: &str, action: Action) -> bool {
        let system = SystemRole::ALL
            .into_iter()
            .find(|system| system.name() == role);
        match system {
            Some(system) => system.actions().contains(&action),
            None => self.tester.contains(action.as_str()),
        }
    }
}
