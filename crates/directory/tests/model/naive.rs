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
    /// By their ids.
    pub grants: BTreeMap<String, Given>,
    /// Whether the one role that is not the system's holds an action.
    pub tester: BTreeMap<&'static str, bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
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

    /// The id of this very grant.
    pub fn given(&self, who: &str, role: &str, scope: &Scope) -> Option<&str> {
        let mut grants = self.grants.iter();
        let given = grants
            .find(|(_, given)| given.who == who && given.role == role && given.scope == *scope);
        given.map(|(id, _)| id.as_str())
    }

    /// Whether nobody else owns the same organization without an end: such a grant is not withdrawn.
    pub fn is_last_owner(&self, id: &str) -> bool {
        let owns = |given: &Given| given.role == "Owner" && given.expires_at.is_none();
        let Some(given) = self.grants.get(id) else {
            return false;
        };
        let mut others = self.grants.iter().filter(|(other, _)| *other != id);
        matches!(given.scope, Scope::Organization(_))
            && owns(given)
            && !others.any(|(_, other)| other.scope == given.scope && owns(other))
    }

    pub fn delete_resource(&mut self, id: &str) {
        self.resources.remove(id);
        self.withdraw_all("resource", id);
    }

    pub fn delete_project(&mut self, id: &str) {
        let resources = self.resources.iter().filter(|(_, of)| *of == id);
        for resource in resources.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.delete_resource(&resource);
        }
        self.projects.remove(id);
        self.withdraw_all("project", id);
    }

    fn withdraw_all(&mut self, scope_type: &str, id: &str) {
        self.grants
            .retain(|_, given| (given.scope.scope_type(), given.scope.id()) != (scope_type, id));
    }

    /// Has here what the step from `before` to `after` changed, and nothing else.
    pub fn overlay(&mut self, before: &Self, after: &Self) {
        overlay(&mut self.projects, &before.projects, &after.projects);
        overlay(&mut self.resources, &before.resources, &after.resources);
        overlay(&mut self.grants, &before.grants, &after.grants);
        overlay(&mut self.tester, &before.tester, &after.tester);
    }

    fn holds(&self, who: &str, scope: &(&str, &str), action: Action, now: i64) -> bool {
        self.grants.values().any(|given| {
            given.who == who
                && *scope == (given.scope.scope_type(), given.scope.id())
                && given.expires_at.is_none_or(|expiry| now < expiry)
                && self.permits(&given.role, action)
        })
    }

    fn permits(&self, role: &str, action: Action) -> bool {
        let mut system = SystemRole::ALL.into_iter();
        match system.find(|system| system.name() == role) {
            Some(system) => system.actions().contains(&action),
            None => self.tester.get(action.as_str()) == Some(&true),
        }
    }
}

fn overlay<K: Clone + Ord, V: Clone + PartialEq>(
    map: &mut BTreeMap<K, V>,
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) {
    for key in before.keys().chain(after.keys()) {
        match after.get(key) {
            same if same == before.get(key) => {}
            Some(value) => drop(map.insert(key.clone(), value.clone())),
            None => drop(map.remove(key)),
        }
    }
}

/// Whether `who` may do `action` at the place at second `now` can come out as `verdict`, where each
/// fact may be as in any of the `states`.
pub fn can_be(
    verdict: bool,
    states: &[State],
    who: &str,
    place: &Place,
    action: Action,
    now: i64,
) -> bool {
    states.iter().any(|project| {
        states.iter().any(|resource| {
            let Some(reaching) = reaching(place, project, resource) else {
                return !verdict;
            };
            let holds = |scope| move |state: &State| state.holds(who, scope, action, now);
            if verdict {
                let mut scopes = reaching.iter();
                scopes.any(|scope| states.iter().any(holds(scope)))
            } else {
                let mut scopes = reaching.iter();
                scopes.all(|scope| !states.iter().all(holds(scope)))
            }
        })
    })
}

/// The scopes that reach a place, where projects and organizations are as in one state and
/// resources as in another; `None` where there is no such place.
fn reaching<'a>(
    place: &'a Place,
    project: &'a State,
    resource: &State,
) -> Option<Vec<(&'a str, &'a str)>> {
    let (id, of_resource) = match place {
        Place::Organization(id) => {
            let exists = project.organizations.contains(id.as_str());
            return exists.then(|| vec![("organization", id.as_str())]);
        }
        Place::Project(id) => (id.as_str(), None),
        Place::Resource(id, of_resource) => (id.as_str(), Some(of_resource.as_str())),
    };
    let organization = project.projects.get(id)?;
    let mut reaching = vec![("project", id)];
    reaching.extend(organization.iter().map(|id| ("organization", id.as_str())));
    let is_in = |of_resource: &&str| {
        resource
            .resources
            .get(*of_resource)
            .is_some_and(|of| of == id)
    };
    reaching.extend(of_resource.filter(is_in).map(|id| ("resource", id)));
    Some(reaching)
}
