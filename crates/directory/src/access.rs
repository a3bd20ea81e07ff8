//! The question of every request: what does this subject hold around this place?

pub(crate) mod answer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use policy::{Action, Assignment, Lineage, Place, Refusal, Subject};

use crate::cache::Cache;
use crate::directory::Directory;
use crate::error::{DirectoryError, Failure};
use crate::outage::Leave;
use crate::statements::Statements;
use crate::store::{Store, Transaction};
use answer::{Answer, Shared};

/// How long a request waits for a database that says nothing where what is remembered may serve
/// instead.
const PATIENCE: Duration = Duration::from_millis(500);

/// Why a question is not asked.
const KNOWN_TO_BE_AWAY: &str = "it could not be asked a moment ago, and is being tried again";

/// What the directory knows about a subject and a place: the input of a decision. Shared by all who
/// ask the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access(Arc<Known>);

/// What is known.
#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    /// `None` where there is no such organization or project.
    lineage: Option<Lineage>,
    /// What is held on the organization and on the project.
    on_organization: Shared,
    on_project: Shared,
    /// What is held on the resource, where it is in the project.
    on_resource: Shared,
}

impl Access {
    /// What an answer says about the place that was asked about.
    pub(crate) fn new(place: &Place, answer: Answer) -> Self {
        Self(Arc::new(Known::new(place, answer)))
    }

    /// The place and what it is in; `None` where there is no such organization or project. Whether
    /// the resource that was asked about exists in its project is whether the lineage has one.
    #[must_use]
    pub fn lineage(&self) -> Option<&Lineage> {
        self.0.lineage.as_ref()
    }

    /// What the subject holds on the place and what it is in, expired or not: the clock is the
    /// caller's.
    pub fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.above()
            .chain(self.0.on_resource.iter().flat_map(|held| held.iter()))
    }

    /// Whether `action` may be done at the place at `now`.
    pub fn decide(&self, action: Action, now: Timestamp) -> Result<&Assignment, Refusal> {
        policy::decide(self.lineage(), self.assignments(), action, now)
    }

    /// Whether `action` may be done on the project at `now`, and so with the data of all that is in
    /// it. A role on a resource does not count.
    pub fn decide_on_project(
        &self,
        action: Action,
        now: Timestamp,
    ) -> Result<&Assignment, Refusal> {
        policy::decide(self.lineage(), self.above(), action, now)
    }

    /// What is held on the organization and the project.
    fn above(&self) -> impl Iterator<Item = &Assignment> {
        let above = self.0.on_organization.iter().chain(&self.0.on_project);
        above.flat_map(|held| held.iter())
    }
}

impl Known {
    fn new(place: &Place, answer: Answer) -> Self {
        let mut access = Self::default();
        if !answer.exists {
            return access;
        }
        access.on_organization = answer.on_organization;
        let (project, resource) = match place {
            Place::Organization(id) => {
                access.lineage = Some(Lineage {
                    organization: Some(id.clone()),
                    ..Lineage::default()
                });
                return access;
            }
            Place::Project(id) => (id, None),
            Place::Resource(id, resource) => (id, Some(resource)),
        };
        access.on_project = answer.on_project;
        let resource = resource.filter(|_| answer.project_of_resource.as_ref() == Some(project));
        if resource.is_some() {
            access.on_resource = answer.on_resource;
        }
        access.lineage = Some(Lineage {
            organization: answer.organization,
            project: Some(project.clone()),
            resource: resource.cloned(),
        });
        access
    }
}

impl Directory {
    /// What `subject` holds around `place`, and what is there.
    ///
    /// Usually this is remembered, and then it is answered at once and where it is asked, without
    /// the database. What is remembered is at most half a second old, or as old as
    /// [`Options::poll`](crate::Options::poll) in a database that is not ours; a write through this
    /// very directory is seen by whatever is asked after it. Otherwise one round trip tells. Only
    /// when the database cannot be asked may the answer be older, by
    /// [`Options::grace`](crate::Options::grace).
    pub async fn access(&self, subject: &Subject, place: &Place) -> Result<Access, DirectoryError> {
        if let Some(access) = self.remembered(subject, place) {
            self.cache().lookups().hit();
            self.outage().rests_no_longer("what is remembered is known");
            return Ok(access);
        }
        // Boxed, since it needs much room and is seldom gone into: who waits for an answer is moved
        // about by the server, or lasts as long as a tail.
        Box::pin(self.asked(subject, place)).await
    }

    /// As [`access`](Self::access), where it is not remembered.
    async fn asked(&self, subject: &Subject, place: &Place) -> Result<Access, DirectoryError> {
        self.cache().lookups().miss();
        let Some(leave) = self.outage().leave(Instant::now()) else {
            return self
                .by_grace(subject, place)
                .map(|answer| Access::new(place, answer))
                .ok_or_else(|| DirectoryError::Unavailable(KNOWN_TO_BE_AWAY.to_owned()));
        };
        let (asked_subject, asked_place) = (subject.clone(), place.clone());
        let cache = Arc::clone(self.cache());
        let answer = self
            .run(|store| ask(store, cache, asked_subject, asked_place, leave))
            .await;
        match answer {
            Err(DirectoryError::Unavailable(why)) => self
                .by_grace(subject, place)
                .ok_or(DirectoryError::Unavailable(why)),
            answer => answer,
        }
        .map(|answer| Access::new(place, answer))
    }

    /// What is remembered, where all of it is and may be believed now: what [`access`](Self::access)
    /// then answers without waiting for anything.
    #[must_use]
    pub fn remembered(&self, subject: &Subject, place: &Place) -> Option<Access> {
        // In this order: the lease says that all changes until its start have been applied to what
        // is recalled afterwards, and the time at last that its start is not too long ago.
        let until = self.cache().lease().trusted()?;
        let access = self.cache().access(subject, place)?;
        (Instant::now() < until).then_some(access)
    }

    /// What is remembered, if it may serve in place of a database that cannot be asked.
    fn by_grace(&self, subject: &Subject, place: &Place) -> Option<Answer> {
        let answer = self.graced(subject, place);
        if answer.is_some() {
            self.outage().rests();
        } else if self.cache().lease().graced().is_none() {
            self.outage().rests_no_longer("it is too old");
        }
        answer
    }

    fn graced(&self, subject: &Subject, place: &Place) -> Option<Answer> {
        let until = self.cache().lease().graced()?;
        let answer = self.cache().recall(subject, place)?;
        (Instant::now() < until).then_some(answer)
    }
}

/// Asks the database, and remembers what it says. Where what is remembered could serve as well, a
/// database that says nothing is not waited for as long as otherwise; the question goes on, so that
/// no connection is left in the middle of it.
async fn ask(
    store: Arc<Store>,
    cache: Arc<Cache>,
    subject: Subject,
    place: Place,
    leave: Leave,
) -> Result<Answer, DirectoryError> {
    let answer = ask_with_patience(Arc::clone(&store), cache, subject, place).await;
    if matches!(answer, Err(DirectoryError::Unavailable(_))) {
        store.outage().failed(leave, Instant::now());
    }
    answer
}

async fn ask_with_patience(
    store: Arc<Store>,
    cache: Arc<Cache>,
    subject: Subject,
    place: Place,
) -> Result<Answer, DirectoryError> {
    let is_graced = cache.lease().graced().is_some() && cache.recall(&subject, &place).is_some();
    let question = question(store, cache, subject, place);
    if !is_graced {
        return question.await;
    }
    let question = tokio::spawn(question);
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(DirectoryError::Unavailable(format!(
            "no answer within {PATIENCE:?}"
        ))),
    }
}

async fn question(
    store: Arc<Store>,
    cache: Arc<Cache>,
    subject: Subject,
    place: Place,
) -> Result<Answer, DirectoryError> {
    let asked = cache.asked(&subject, &place);
    let (statement, arguments) = in_words(store.statements(), &subject, &place);
    let rows = store.fetch(statement, &arguments).await?;
    store.outage().answered();
    let answer = Answer::read(rows, store.statements());
    cache.remember(&subject, &place, asked, &answer);
    Ok(answer)
}

/// The question, asked in a transaction: the answer is true until that ends, and is not remembered.
pub(crate) async fn access_within(
    transaction: &mut Transaction<'_>,
    subject: &Subject,
    place: &Place,
) -> Result<Access, Failure> {
    let statements = transaction.store().statements();
    let (statement, arguments) = in_words(statements, subject, place);
    let rows = transaction.fetch(statement, &arguments).await?;
    Ok(Access::new(place, Answer::read(rows, statements)))
}

/// The statement and its arguments.
fn in_words<'a>(
    statements: &Statements,
    subject: &'a Subject,
    place: &'a Place,
) -> (&'static str, Vec<Option<&'a str>>) {
    let who = Some(subject.as_str());
    match place {
        Place::Organization(id) => (
            statements.access_to_organization,
            vec![who, Some(id.as_str())],
        ),
        Place::Project(id) => (
            statements.access_to_project,
            vec![who, Some(id.as_str()), None],
        ),
        Place::Resource(id, resource) => (
            statements.access_to_project,
            vec![who, Some(id.as_str()), Some(resource.as_str())],
        ),
    }
}
