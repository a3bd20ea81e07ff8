//! What is remembered, and what of it a change takes along.

use jiff::Timestamp;
use policy::Assignment;

use super::*;

fn subject(id: &str) -> Subject {
    Subject::new(id).unwrap()
}

fn project(id: &str) -> ProjectId {
    ProjectId::new(id).unwrap()
}

fn shop_api() -> Place {
    let api = ResourceId::new("shop-api").unwrap();
    Place::Resource(project("acme-shop"), api)
}

fn cache() -> Arc<Cache> {
    Cache::new(100, Lease::endless())
}

/// Victor views the organization of the project that the resource is in.
fn answer() -> Answer {
    let acme = OrganizationId::new("acme").unwrap();
    let held = Assignment {
        id: "a1".into(),
        scope: Scope::Organization(acme.clone()),
        permissions: Arc::default(),
        expires_at: Some(Timestamp::UNIX_EPOCH),
    };
    Answer {
        exists: true,
        organization: Some(acme),
        project_of_resource: Some(project("acme-shop")),
        on_organization: Some([held].into()),
        on_project: None,
        on_resource: None,
    }
}

fn every_change() -> [Change; 4] {
    [
        Change::Assignments(subject("victor")),
        Change::Project(project("acme-shop")),
        Change::Resource(ResourceId::new("shop-api").unwrap()),
        Change::Everything,
    ]
}

#[test]
fn an_answer_is_recalled_as_it_was() {
    let (cache, victor) = (cache(), subject("victor"));
    assert!(cache.recall(&victor, &shop_api()).is_none());
    let asked = cache.asked(&victor, &shop_api());
    cache.remember(&victor, &shop_api(), asked, &answer());
    assert_eq!(cache.recall(&victor, &shop_api()), Some(answer()));
    // What was learnt about the project serves for that, too.
    let shop = cache.recall(&victor, &Place::Project(project("acme-shop")));
    assert_eq!(shop.unwrap().on_organization, answer().on_organization);
}

#[test]
fn a_change_takes_an_answer_along() {
    for change in every_change() {
        let (cache, victor) = (cache(), subject("victor"));
        let asked = cache.asked(&victor, &shop_api());
        cache.remember(&victor, &shop_api(), asked, &answer());
        cache.forget(&change);
        assert_eq!(cache.recall(&victor, &shop_api()), None, "{change:?}");
    }
}

/// Read before a change and arriving after it: the one order in which a cache goes wrong for good.
#[test]
fn an_answer_from_before_a_change_never_counts_after_it() {
    for change in every_change() {
        let (cache, victor) = (cache(), subject("victor"));
        let asked = cache.asked(&victor, &shop_api());
        cache.forget(&change);
        cache.remember(&victor, &shop_api(), asked, &answer());
        assert_eq!(cache.recall(&victor, &shop_api()), None, "{change:?}");
        let asked = cache.asked(&victor, &shop_api());
        cache.remember(&victor, &shop_api(), asked, &answer());
        assert_eq!(cache.recall(&victor, &shop_api()), Some(answer()));
    }
}

/// Whether a place is known is not told by how long the first question about it takes: what this
/// very subject holds there must have been asked for.
#[test]
fn nobody_profits_from_what_others_have_asked() {
    let (cache, victor) = (cache(), subject("victor"));
    let asked = cache.asked(&victor, &shop_api());
    cache.remember(&victor, &shop_api(), asked, &answer());
    let mallory = subject("mallory");
    let elsewhere = Place::Resource(project("lonely"), ResourceId::new("shop-api").unwrap());
    for place in [&shop_api(), &elsewhere, &Place::Project(project("nope"))] {
        assert_eq!(cache.recall(&mallory, place), None, "{place}");
    }
    // Nor does having asked about the projects tell which of them the resource is in.
    for project in ["acme-shop", "lonely"] {
        let place = Place::Project(super::tests::project(project));
        let asked = cache.asked(&mallory, &place);
        let answer = Answer {
            exists: true,
            ..Answer::default()
        };
        cache.remember(&mallory, &place, asked, &answer);
    }
    for place in [&shop_api(), &elsewhere] {
        assert_eq!(cache.recall(&mallory, place), None, "{place}");
    }
}

#[test]
fn ids_of_other_kinds_are_other_things() {
    let (cache, victor) = (cache(), subject("victor"));
    let organization = Place::Organization(OrganizationId::new("acme-shop").unwrap());
    let asked = cache.asked(&victor, &organization);
    let exists = Answer {
        exists: true,
        ..Answer::default()
    };
    cache.remember(&victor, &organization, asked, &exists);
    assert_eq!(
        cache.recall(&victor, &Place::Project(project("acme-shop"))),
        None
    );
}

#[test]
fn an_answer_that_was_made_ready_goes_with_the_facts_that_it_was_made_of() {
    for change in every_change() {
        let (cache, victor) = (cache(), subject("victor"));
        let asked = cache.asked(&victor, &shop_api());
        cache.remember(&victor, &shop_api(), asked, &answer());
        let first = cache.access(&victor, &shop_api()).unwrap();
        assert_eq!(cache.access(&victor, &shop_api()), Some(first));
        // Whoever asks about another place, or is another, asks anew.
        let shop = Place::Project(project("acme-shop"));
        assert!(cache.access(&subject("mallory"), &shop_api()).is_none());
        assert_ne!(
            cache.access(&victor, &shop),
            cache.access(&victor, &shop_api())
        );
        cache.forget(&change);
        assert_eq!(cache.access(&victor, &shop_api()), None, "{change:?}");
        // What is learnt afterwards counts in place of what was made before.
        let asked = cache.asked(&victor, &shop_api());
        cache.remember(&victor, &shop_api(), asked, &Answer::default());
        let access = cache.access(&victor, &shop_api()).unwrap();
        assert_eq!(access.lineage(), None, "{change:?}");
    }
}
