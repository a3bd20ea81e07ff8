-- Every replica remembers answers about access. These triggers tell it what has changed, so that it
-- forgets that and nothing else, as soon as the change is committed.
--
-- The channel is `ktrlplane_directory`. A payload is one of
--   assignments <user_id>     what the user holds has changed, somewhere
--   organization <org_id>     there is, or was, such an organization
--   project <project_id>      the same, or it has moved to another organization
--   resource <resource_id>    the same, or it has moved to another project
--   *                         anything may have changed: what roles hold, or too much to be listed
-- Whoever listens takes a payload that it does not understand for `*`.
--
-- Changes of names and other columns, which access does not depend on, are not told. The triggers
-- fire once per statement, also for what foreign keys and other triggers delete, and whatever
-- `session_replication_role` is. Only rows that logical replication brings are not told: replicate
-- into a directory that is opened as one that is managed elsewhere.

CREATE FUNCTION ktrlplane.tell_everything() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('ktrlplane_directory', '*');
    RETURN NULL;
END
$$;

-- What was inserted or deleted. The arguments are the kind, and the column with the id.
CREATE FUNCTION ktrlplane.tell_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) > 100 FROM (SELECT FROM changed LIMIT 101) few) THEN
        PERFORM pg_catalog.pg_notify('ktrlplane_directory', '*');
    ELSE
        PERFORM pg_catalog.pg_notify('ktrlplane_directory', TG_ARGV[0] || ' ' || id)
        FROM (SELECT DISTINCT to_jsonb(c) ->> TG_ARGV[1] AS id FROM changed c) ids;
    END IF;
    RETURN NULL;
END
$$;

-- What was updated. The arguments are the kind, the column with the id, and the other columns that
-- matter. Each id is told that some row had before and none has so afterwards, or the other way.
CREATE FUNCTION ktrlplane.tell_updates() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    columns text[] := TG_ARGV[1:];
    told bigint;
BEGIN
    IF (SELECT count(*) > 100 FROM (SELECT FROM after LIMIT 101) few) THEN
        PERFORM pg_catalog.pg_notify('ktrlplane_directory', '*');
        RETURN NULL;
    END IF;
    WITH was AS (
        SELECT to_jsonb(b) ->> columns[1] AS id, ARRAY(SELECT to_jsonb(b) -> c FROM unnest(columns) c)
        FROM before b
    ), is_now AS (
        SELECT to_jsonb(a) ->> columns[1] AS id, ARRAY(SELECT to_jsonb(a) -> c FROM unnest(columns) c)
        FROM after a
    ), differing AS (
        (TABLE was EXCEPT TABLE is_now) UNION ALL (TABLE is_now EXCEPT TABLE was)
    )
    SELECT count(pg_catalog.pg_notify('ktrlplane_directory', TG_ARGV[0] || ' ' || id))
    FROM (SELECT DISTINCT id FROM differing) ids INTO told;
    RETURN NULL;
END
$$;

DO $$
DECLARE
    one record;
    event text;
BEGIN
    FOR one IN SELECT * FROM (VALUES
        ('role_assignments', $args$'assignments', 'user_id'$args$,
         $args$'assignments', 'user_id', 'assignment_id', 'role_id', 'scope_type', 'scope_id', 'expires_at'$args$),
        ('organizations', $args$'organization', 'org_id'$args$,
         $args$'organization', 'org_id'$args$),
        ('projects', $args$'project', 'project_id'$args$,
         $args$'project', 'project_id', 'org_id'$args$),
        ('resources', $args$'resource', 'resource_id'$args$,
         $args$'resource', 'resource_id', 'project_id'$args$)
    ) AS listed (name, rows, updates) LOOP
        EXECUTE format(
            'CREATE TRIGGER tell_insert AFTER INSERT ON ktrlplane.%1$I
                REFERENCING NEW TABLE AS changed
                FOR EACH STATEMENT EXECUTE FUNCTION ktrlplane.tell_rows(%2$s);
             CREATE TRIGGER tell_delete AFTER DELETE ON ktrlplane.%1$I
                REFERENCING OLD TABLE AS changed
                FOR EACH STATEMENT EXECUTE FUNCTION ktrlplane.tell_rows(%2$s);
             CREATE TRIGGER tell_update AFTER UPDATE ON ktrlplane.%1$I
                REFERENCING OLD TABLE AS before NEW TABLE AS after
                FOR EACH STATEMENT EXECUTE FUNCTION ktrlplane.tell_updates(%3$s);
             CREATE TRIGGER tell_truncate AFTER TRUNCATE ON ktrlplane.%1$I
                FOR EACH STATEMENT EXECUTE FUNCTION ktrlplane.tell_everything();',
            one.name, one.rows, one.updates);
        FOREACH event IN ARRAY ARRAY['insert', 'delete', 'update', 'truncate'] LOOP
            EXECUTE format(
                'ALTER TABLE ktrlplane.%I ENABLE ALWAYS TRIGGER tell_%s', one.name, event);
        END LOOP;
    END LOOP;
    -- A role may be held by anybody.
    FOR one IN SELECT * FROM (VALUES ('roles'), ('permissions'), ('role_permissions')) AS t (name)
    LOOP
        EXECUTE format(
            'CREATE TRIGGER tell_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE
                ON ktrlplane.%1$I
                FOR EACH STATEMENT EXECUTE FUNCTION ktrlplane.tell_everything();
             ALTER TABLE ktrlplane.%1$I ENABLE ALWAYS TRIGGER tell_change',
            one.name);
    END LOOP;
END
$$;
