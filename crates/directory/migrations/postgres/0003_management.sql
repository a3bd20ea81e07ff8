-- What management writes besides access: tiers and settings of resources, ids that are gone, answers
-- to repeated writes, and the audit.

-- Not jsonb: settings are kept as they were given.
ALTER TABLE ktrlplane.resources ADD COLUMN sku text, ADD COLUMN settings_json json;

-- Pages are read in the order of ids, one parent's at a time. Each takes the place of the index on
-- the parent alone.
CREATE INDEX projects_in_order ON ktrlplane.projects (org_id, project_id);
DROP INDEX ktrlplane.projects_of_organization;
CREATE INDEX resources_in_order ON ktrlplane.resources (project_id, resource_id);
DROP INDEX ktrlplane.resources_of_project;
CREATE INDEX assignments_in_order ON ktrlplane.role_assignments (scope_type, scope_id, assignment_id);

-- Beginnings are looked up as ranges, which the order of bytes makes of every text.
CREATE INDEX users_by_email ON ktrlplane.users ((lower(email) COLLATE "C"));
CREATE INDEX users_by_name ON ktrlplane.users ((lower(name) COLLATE "C"));
CREATE INDEX users_by_id ON ktrlplane.users ((lower(user_id) COLLATE "C"));

-- Ids that were used and are gone. A project's id is its tenant, whose data outlive the project:
-- whoever got the same id next would read them. Deleting a row here frees an id, deliberately.
CREATE TABLE ktrlplane.tombstones (
    kind       text NOT NULL CHECK (kind IN ('organization', 'project')),
    id         text NOT NULL,
    deleted_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    PRIMARY KEY (kind, id)
);
CREATE FUNCTION ktrlplane.bury() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ktrlplane.tombstones (kind, id)
    VALUES (TG_ARGV[0], to_jsonb(OLD) ->> TG_ARGV[1])
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER bury AFTER DELETE ON ktrlplane.organizations
    FOR EACH ROW EXECUTE FUNCTION ktrlplane.bury('organization', 'org_id');
CREATE TRIGGER bury AFTER DELETE ON ktrlplane.projects
    FOR EACH ROW EXECUTE FUNCTION ktrlplane.bury('project', 'project_id');
CREATE TRIGGER bury_renamed AFTER UPDATE ON ktrlplane.organizations
    FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id)
    EXECUTE FUNCTION ktrlplane.bury('organization', 'org_id');
CREATE TRIGGER bury_renamed AFTER UPDATE ON ktrlplane.projects
    FOR EACH ROW WHEN (OLD.project_id <> NEW.project_id)
    EXECUTE FUNCTION ktrlplane.bury('project', 'project_id');
CREATE FUNCTION ktrlplane.bury_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO ktrlplane.tombstones (kind, id) SELECT %L, %I FROM ktrlplane.%I '
                   'ON CONFLICT DO NOTHING', TG_ARGV[0], TG_ARGV[1], TG_TABLE_NAME);
    RETURN NULL;
END
$$;
CREATE TRIGGER bury_all BEFORE TRUNCATE ON ktrlplane.organizations
    FOR EACH STATEMENT EXECUTE FUNCTION ktrlplane.bury_all('organization', 'org_id');
CREATE TRIGGER bury_all BEFORE TRUNCATE ON ktrlplane.projects
    FOR EACH STATEMENT EXECUTE FUNCTION ktrlplane.bury_all('project', 'project_id');

-- The answers to writes that carried an idempotency key, for 24 hours. The operator's actor is empty.
CREATE TABLE ktrlplane.idempotency (
    actor       text NOT NULL,
    key         text NOT NULL,
    fingerprint text NOT NULL,
    answer      text NOT NULL,
    created_at  timestamp NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_by_age ON ktrlplane.idempotency (created_at);

-- One row per write, in the order of their ids, and never another thing.
CREATE TABLE ktrlplane.audit (
    audit_id      text PRIMARY KEY,
    at            timestamp NOT NULL,
    request_id    text NOT NULL,
    subject       text,
    operation     text NOT NULL,
    assignment_id text,
    org_id        text,
    project_id    text,
    resource_id   text,
    detail        json NOT NULL
);
CREATE INDEX audit_of_organization ON ktrlplane.audit (org_id, audit_id) WHERE org_id IS NOT NULL;
CREATE INDEX audit_of_project ON ktrlplane.audit (project_id, audit_id) WHERE project_id IS NOT NULL;
CREATE INDEX audit_of_resource ON ktrlplane.audit (resource_id, audit_id) WHERE resource_id IS NOT NULL;
CREATE FUNCTION ktrlplane.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is only ever added to';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ktrlplane.audit
    FOR EACH STATEMENT EXECUTE FUNCTION ktrlplane.refuse();
