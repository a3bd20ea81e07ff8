//! Writing, in the database and in the model.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "part of a test"
)]

use directory::manage::{Actor, Operation, Write as By};
use directory::policy::{Action, Place, ProjectId, Scope};
use directory::{DirectoryError, Grant};

use crate::history::{EPOCH, History};
use crate::home::{at, organization, project, resource, subject};
use crate::naive::Given;
use crate::step::{Via, Write};

impl History<'_> {
    /// Writes, and says whether there was anything to write.
    pub async fn write(&mut self, via: Via, write: &Write) -> Result<bool, String> {
        let written = match *write {
            Write::Grant(who, role, scope, expiry) => {
                let (who, scope) = (self.id("u", who), self.scope(scope));
                return self.grant(via, who, self.role(role), scope, expiry).await;
            }
            Write::Withdraw(who, role, scope) => {
                return self.withdraw(via, who, role, scope).await;
            }
            Write::Expire(which, expiry) => self.expire(which, EPOCH + expiry).await,
            Write::Toggle(action) => self.toggle(Action::ALL[usize::from(action)]).await,
            Write::CreateProject(id, of) => {
                let (id, of) = (self.id("p", id), of.map(|of| self.id("o", of)));
                self.create_project(via, id, of).await
            }
            Write::MoveProject(id, to) => {
                let (id, to) = (self.id("p", id), to.map(|to| self.id("o", to)));
                self.move_project(&id, to).await
            }
            Write::DeleteProject(id) => self.delete_project(&self.id("p", id)).await,
            Write::CreateResource(id, of) => {
                let (id, of) = (self.id("r", id), self.id("p", of));
                self.create_resource(via, id, of).await
            }
            Write::MoveResource(id, to) => {
                let (id, to) = (self.id("r", id), self.id("p", to));
                self.move_resource(id, to).await
            }
            Write::DeleteResource(id) => self.delete_resource(via, &self.id("r", id)).await,
        };
        Ok(written)
    }

    async fn grant(
        &mut self,
        via: Via,
        who: String,
        role: String,
        scope: Scope,
        expiry: Option<i64>,
    ) -> Result<bool, String> {
        let exists = self.now.has(&scope);
        let held = self.now.given(&who, &role, &scope).is_some();
        let given = Given {
            who,
            role,
            scope,
            expires_at: expiry.map(|expiry| EPOCH + expiry),
        };
        let id = match via {
            Via::Replica(which) => {
                let grant = Grant {
                    subject: subject(&given.who),
                    role: given.role.clone(),
                    scope: given.scope.clone(),
                    assigned_by: None,
                    expires_at: given.expires_at.map(at),
                };
                match self.replicas[which].grant(grant).await {
                    Ok(id) if exists && !held => id,
                    Err(DirectoryError::NotFound(_)) if !exists => return Ok(false),
                    Err(DirectoryError::AlreadyExists(_)) if held => return Ok(false),
                    other => return Err(format!("grant: {other:?}")),
                }
            }
            Via::Sql if exists && !held => self.insert_grant(&given).await,
            Via::Sql => return Ok(false),
        };
        self.now.grants.insert(id, given);
        Ok(true)
    }

    async fn insert_grant(&self, given: &Given) -> String {
        // The ids of the system's roles are their names in small letters.
        let id = format!("c{}-a{}", self.case, self.past.len());
        self.sql(format!(
            "INSERT INTO {{}}role_assignments (assignment_id, user_id, role_id, scope_type, \
             scope_id, expires_at) VALUES ('{id}', '{}', '{}', '{}', '{}', {})",
            given.who,
            given.role.to_lowercase(),
            given.scope.scope_type(),
            given.scope.id(),
            quoted(given.expires_at.map(written).as_deref()),
        ))
        .await;
        id
    }

    async fn withdraw(
        &mut self,
        via: Via,
        who: u8,
        role: u8,
        scope: (u8, u8),
    ) -> Result<bool, String> {
        let (who, role, scope) = (self.id("u", who), self.role(role), self.scope(scope));
        let Some(id) = self.now.given(&who, &role, &scope).map(str::to_owned) else {
            return Ok(false);
        };
        match via {
            Via::Replica(which) => match self.replicas[which].revoke(&id).await {
                Ok(()) if !self.now.is_last_owner(&id) => {}
                Err(DirectoryError::Conflict(_)) if self.now.is_last_owner(&id) => {
                    return Ok(false);
                }
                other => return Err(format!("withdraw: {other:?}")),
            },
            Via::Sql => {
                let delete = "DELETE FROM {}role_assignments WHERE assignment_id =";
                self.sql(format!("{delete} '{id}'")).await;
            }
        }
        self.now.grants.remove(&id);
        Ok(true)
    }

    async fn expire(&mut self, which: u8, expiry: i64) -> bool {
        let mut grants = self.now.grants.iter_mut();
        let Some((id, given)) = grants.nth(usize::from(which)) else {
            return false;
        };
        given.expires_at = Some(expiry);
        let (id, expiry) = (id.clone(), written(expiry));
        self.sql(format!(
            "UPDATE {{}}role_assignments SET expires_at = '{expiry}' WHERE assignment_id = '{id}'"
        ))
        .await;
        true
    }

    async fn toggle(&mut self, action: Action) -> bool {
        let (action, role) = (action.as_str(), self.id("tester", 0));
        let permission = format!("ktrlplane-{}", action.replace('_', "-"));
        let holds = !self.now.tester.get(action).is_some_and(|holds| *holds);
        self.now.tester.insert(action, holds);
        self.sql(if holds {
            format!("INSERT INTO {{}}role_permissions VALUES ('{role}', '{permission}')")
        } else {
            format!(
                "DELETE FROM {{}}role_permissions \
                 WHERE role_id = '{role}' AND permission_id = '{permission}'"
            )
        })
        .await;
        true
    }

    async fn create_project(&mut self, via: Via, id: String, of: Option<String>) -> bool {
        if self.now.projects.contains_key(&id) {
            return false;
        }
        if let Via::Replica(which) = via {
            let (id, parent) = (project(&id), of.as_deref().map(organization));
            let replica = &self.replicas[which];
            let created = replica.create_project(&id, parent.as_ref(), "x").await;
            if let Err(DirectoryError::Conflict(_)) = created {
                // It was there before. What was held on it then must not come back with it.
                replica.write(freeing(), free(&id)).await.unwrap();
                let created = replica.create_project(&id, parent.as_ref(), "x");
                created.await.unwrap();
            } else {
                created.unwrap();
            }
        } else {
            let of = quoted(of.as_deref());
            let insert = "INSERT INTO {}projects (project_id, org_id, name)";
            self.sql(format!("{insert} VALUES ('{id}', {of}, 'x')"))
                .await;
        }
        self.now.projects.insert(id, of);
        true
    }

    async fn move_project(&mut self, id: &str, to: Option<String>) -> bool {
        let Some(of) = self.now.projects.get_mut(id) else {
            return false;
        };
        let org_id = quoted(to.as_deref());
        *of = to;
        self.sql(format!(
            "UPDATE {{}}projects SET org_id = {org_id} WHERE project_id = '{id}'"
        ))
        .await;
        true
    }

    async fn delete_project(&mut self, id: &str) -> bool {
        self.now.delete_project(id);
        self.sql(format!(
            "DELETE FROM {{}}resources WHERE project_id = '{id}'; \
             DELETE FROM {{}}projects WHERE project_id = '{id}'"
        ))
        .await;
        true
    }

    async fn create_resource(&mut self, via: Via, id: String, of: String) -> bool {
        if self.now.resources.contains_key(&id) || !self.now.projects.contains_key(&of) {
            return false;
        }
        if let Via::Replica(which) = via {
            let (id, of) = (resource(&id), project(&of));
            let created = self.replicas[which].create_resource(&id, &of, "x", "x");
            created.await.unwrap();
        } else {
            let insert = "INSERT INTO {}resources (resource_id, project_id, name, type)";
            self.sql(format!("{insert} VALUES ('{id}', '{of}', 'x', 'x')"))
                .await;
        }
        self.now.resources.insert(id, of);
        true
    }

    async fn move_resource(&mut self, id: String, to: String) -> bool {
        if !self.now.resources.contains_key(&id) || !self.now.projects.contains_key(&to) {
            return false;
        }
        self.sql(format!(
            "UPDATE {{}}resources SET project_id = '{to}' WHERE resource_id = '{id}'"
        ))
        .await;
        self.now.resources.insert(id, to);
        true
    }

    async fn delete_resource(&mut self, via: Via, id: &str) -> bool {
        let Some(of) = self.now.resources.get(id) else {
            return false;
        };
        if let Via::Replica(which) = via {
            let (id, of) = (resource(id), project(of));
            let deleted = self.replicas[which].delete_resource(&id, &of);
            deleted.await.unwrap();
        } else {
            let delete = "DELETE FROM {}resources WHERE resource_id =";
            self.sql(format!("{delete} '{id}'")).await;
        }
        self.now.delete_resource(id);
        true
    }
}

/// A time as both databases take it.
fn written(second: i64) -> String {
    at(second).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), |text| format!("'{text}'"))
}

fn free(id: &ProjectId) -> Operation {
    Operation::FreeId {
        place: Place::Project(id.clone()),
    }
}

fn freeing() -> By {
    By {
        actor: Actor::Operator,
        now: at(EPOCH),
        request_id: "model".to_owned(),
        if_match: None,
        idempotency_key: None,
    }
}
