//! What most tests need: an issuer, and a directory with the cast.

use std::path::Path;

use gateway::directory::policy::{
    OrganizationId, ProjectId, ResourceId, Scope, Subject, SystemRole,
};
use gateway::directory::{Directory, Grant, Options};
use tempfile::TempDir;

use crate::gateway::{Gateway, Settings};
use crate::http::{Answer, RUNTIME};
use crate::issuer::Issuer;
use crate::process::free_port;

/// The project that all is about.
pub(crate) const PROJECT: &str = "acme-shop";
/// The resource of it that is asked for.
pub(crate) const RESOURCE: &str = "shop-api";

/// An issuer and a directory; dropped, both are gone.
pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) directory: Directory,
    /// The id of `victor`'s role.
    pub(crate) victors_role: String,
    /// The directory's database.
    pub(crate) database: String,
    // Last, so that the processes that write into it end before it is removed.
    temporary: TempDir,
}

impl World {
    /// With a directory in a file; `None` where the issuer is not installed.
    pub(crate) fn new() -> Option<Self> {
        let temporary = tempfile::tempdir().expect("a directory");
        let database = format!("sqlite:{}", temporary.path().join("directory.db").display());
        Self::with(temporary, database)
    }

    /// With a directory in the named database.
    pub(crate) fn with(temporary: TempDir, database: String) -> Option<Self> {
        let issuer = Issuer::start(temporary.path(), free_port(), &["first"])?;
        let (directory, victors_role) = RUNTIME.block_on(fill(&database));
        Some(Self {
            issuer,
            directory,
            victors_role,
            database,
            temporary,
        })
    }

    /// A directory for files, removed with the world.
    pub(crate) fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// A gateway in this world.
    pub(crate) fn gateway(&self, loki: Option<&str>, mimir: Option<&str>) -> Gateway {
        let settings = Settings {
            issuer: &self.issuer.url,
            database: &self.database,
            loki,
            mimir,
        };
        Gateway::start(self.path(), &settings)
    }
}

/// Makes the directory's tables and who and what is in them:
///
/// - `acme` has `acme-shop` (with `shop-api`, `shop-db`, `shop-api-2`) and `acme-lab` (`lab-flow`);
/// - `globex` has `globex-iot` (`iot-graph`);
/// - `victor` and the machine client `robot` are Viewers of `acme-shop`, the machine client `sender` is
///   Editor of it, `alice` is Owner of `acme`, `gina` of `globex`, `mallory` is known and has no role.
async fn fill(database: &str) -> (Directory, String) {
    let directory = Directory::open(Options::new(database, RUNTIME.handle().clone()))
        .await
        .expect("the directory opens");
    for (id, projects) in [
        (
            "acme",
            &[
                ("acme-shop", &["shop-api", "shop-db", "shop-api-2"][..]),
                ("acme-lab", &["lab-flow"]),
            ][..],
        ),
        ("globex", &[("globex-iot", &["iot-graph"])]),
    ] {
        let organization = OrganizationId::new(id).expect("an id");
        directory
            .create_organization(&organization, id)
            .await
            .expect("a new organization");
        for (id, resources) in projects {
            let project = ProjectId::new(*id).expect("an id");
            directory
                .create_project(&project, Some(&organization), id)
                .await
                .expect("a new project");
            for id in *resources {
                let resource = ResourceId::new(*id).expect("an id");
                directory
                    .create_resource(&resource, &project, id, "Konnektr.Test")
                    .await
                    .expect("a new resource");
            }
        }
    }
    let organization = |id| Scope::Organization(OrganizationId::new(id).expect("an id"));
    let shop = || Scope::Project(ProjectId::new(PROJECT).expect("an id"));
    let mut victors_role = String::new();
    for (name, role) in [
        ("victor", Some((SystemRole::Viewer, shop()))),
        ("robot", Some((SystemRole::Viewer, shop()))),
        ("sender", Some((SystemRole::Editor, shop()))),
        ("alice", Some((SystemRole::Owner, organization("acme")))),
        ("gina", Some((SystemRole::Owner, organization("globex")))),
        ("mallory", None),
    ] {
        let subject = Subject::new(name).expect("a subject");
        directory
            .put_user(&subject, None, name)
            .await
            .expect("a new user");
        if let Some((role, scope)) = role {
            let grant = Grant {
                subject,
                role: role.name().to_owned(),
                scope,
                assigned_by: None,
                expires_at: None,
            };
            let id = directory.grant(grant).await.expect("a new role");
            if name == "victor" {
                victors_role = id;
            }
        }
    }
    (directory, victors_role)
}

/// Asks again until the status is `wanted`, at most for `patience`: how long something may take to
/// be noticed is part of what a test says.
#[track_caller]
pub(crate) fn eventually(
    wanted: u16,
    patience: std::time::Duration,
    mut ask: impl FnMut() -> Answer,
) -> Answer {
    let start = std::time::Instant::now();
    loop {
        let answer = ask();
        if answer.status == wanted {
            return answer;
        }
        assert!(
            start.elapsed() < patience,
            "still {} and not {wanted} after {patience:?}: {}",
            answer.status,
            answer.body
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
