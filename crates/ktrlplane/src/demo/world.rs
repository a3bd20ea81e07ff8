//! Who and what is in the demo.

use gateway::directory::policy::SystemRole;

/// An organization with its projects.
pub(crate) struct Organization {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) projects: &'static [Project],
}

/// A project with its resources. Its id is also its tenant in the backend.
pub(crate) struct Project {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) resources: &'static [Resource],
}

/// A resource.
pub(crate) struct Resource {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
}

/// Someone with a token.
pub(crate) struct User {
    /// What the commands call them.
    pub(crate) name: &'static str,
    /// The `sub` of their tokens.
    pub(crate) subject: &'static str,
    pub(crate) email: Option<&'static str>,
    pub(crate) full_name: &'static str,
    pub(crate) role: Option<(SystemRole, Place)>,
}

/// Where a role is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Organization(&'static str),
    Project(&'static str),
}

/// All organizations. Two resources share the project `acme-shop`, so that one can see that the
/// scope is the resource and not only the tenant.
pub(crate) static ORGANIZATIONS: [Organization; 2] = [
    Organization {
        id: "acme",
        name: "Acme",
        projects: &[
            Project {
                id: "acme-shop",
                name: "Acme's shop",
                resources: &[
                    Resource {
                        id: "shop-api",
                        name: "The shop's API",
                        kind: "Konnektr.Compass",
                    },
                    Resource {
                        id: "shop-db",
                        name: "The shop's database",
                        kind: "Konnektr.Graph",
                    },
                ],
            },
            Project {
                id: "acme-lab",
                name: "Acme's laboratory",
                resources: &[Resource {
                    id: "lab-flow",
                    name: "The laboratory's flows",
                    kind: "Konnektr.Flow",
                }],
            },
        ],
    },
    Organization {
        id: "globex",
        name: "Globex",
        projects: &[Project {
            id: "globex-iot",
            name: "Globex's things",
            resources: &[Resource {
                id: "iot-graph",
                name: "The graph of things",
                kind: "Konnektr.Graph",
            }],
        }],
    },
];

/// All users. `mallory` is somebody with a good token and no role.
pub(crate) static USERS: [User; 6] = [
    User {
        name: "alice",
        subject: "demo|alice",
        email: Some("alice@acme.example"),
        full_name: "Alice, Owner of acme",
        role: Some((SystemRole::Owner, Place::Organization("acme"))),
    },
    User {
        name: "erin",
        subject: "demo|erin",
        email: Some("erin@acme.example"),
        full_name: "Erin, Editor of acme-shop",
        role: Some((SystemRole::Editor, Place::Project("acme-shop"))),
    },
    User {
        name: "victor",
        subject: "demo|victor",
        email: Some("victor@acme.example"),
        full_name: "Victor, Viewer of acme-shop",
        role: Some((SystemRole::Viewer, Place::Project("acme-shop"))),
    },
    User {
        name: "gina",
        subject: "demo|gina",
        email: Some("gina@globex.example"),
        full_name: "Gina, Owner of globex",
        role: Some((SystemRole::Owner, Place::Organization("globex"))),
    },
    User {
        name: "mallory",
        subject: "demo|mallory",
        email: Some("mallory@elsewhere.example"),
        full_name: "Mallory, without a role",
        role: None,
    },
    User {
        name: "robot",
        subject: "robot@clients",
        email: None,
        full_name: "Robot, a service account, Viewer of acme-shop",
        role: Some((SystemRole::Viewer, Place::Project("acme-shop"))),
    },
];

/// The service accounts that send the demo's data: for each project one, which is its Editor and
/// nothing else.
pub(crate) static SENDERS: [User; 3] = [
    sender(
        "acme-shop",
        "acme-shop-sender",
        "acme-shop-sender@clients",
        "Sender, a service account, Editor of acme-shop",
    ),
    sender(
        "acme-lab",
        "acme-lab-sender",
        "acme-lab-sender@clients",
        "Sender, a service account, Editor of acme-lab",
    ),
    sender(
        "globex-iot",
        "globex-iot-sender",
        "globex-iot-sender@clients",
        "Sender, a service account, Editor of globex-iot",
    ),
];

const fn sender(
    project: &'static str,
    name: &'static str,
    subject: &'static str,
    full_name: &'static str,
) -> User {
    User {
        name,
        subject,
        email: None,
        full_name,
        role: Some((SystemRole::Editor, Place::Project(project))),
    }
}

/// Everybody whom the demo's directory knows.
pub(crate) fn everybody() -> impl Iterator<Item = &'static User> {
    USERS.iter().chain(&SENDERS)
}

/// The user or sender called `name`.
pub(crate) fn user(name: &str) -> Option<&'static User> {
    everybody().find(|user| user.name == name)
}

/// Who sends the data of `project`.
pub(crate) fn sender_of(project: &'static str) -> Option<&'static User> {
    SENDERS.iter().find(|sender| {
        sender
            .role
            .is_some_and(|(_, place)| place == Place::Project(project))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_project_has_one_sender_and_every_sender_a_project() {
        let projects: Vec<_> = ORGANIZATIONS.iter().flat_map(|o| o.projects).collect();
        for project in &projects {
            let sender = sender_of(project.id).unwrap();
            assert_eq!(sender.name, format!("{}-sender", project.id));
        }
        assert_eq!(projects.len(), SENDERS.len());
    }
}
