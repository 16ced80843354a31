-- Derived tables, see rollup.rs. A period is a quarter-hour, counted from 1970. What an earlier version left is dropped.
DROP TRIGGER IF EXISTS aibridge_totals_inserted ON aibridge_interceptions;
DROP TRIGGER IF EXISTS aibridge_totals_updated ON aibridge_interceptions;
DROP TRIGGER IF EXISTS aibridge_totals_deleted ON aibridge_interceptions;
DROP TRIGGER IF EXISTS aibridge_totals_repriced ON aibridge_token_usages;
DROP TABLE IF EXISTS aibridge_totals_state, aibridge_totals_stale, aibridge_totals, aibridge_totals_tools;

-- All writers that do not see `until` have ended when no transaction before `barrier` runs.
CREATE TABLE aibridge_totals_state (
    id       integer     NOT NULL PRIMARY KEY CHECK (id = 1),
    until    bigint      NOT NULL,
    until_at timestamptz NOT NULL,
    barrier  bigint
);
CREATE TABLE aibridge_totals_stale (
    period bigint NOT NULL PRIMARY KEY,
    marks  bigint NOT NULL
);
-- The texts are too long for a key.
CREATE TABLE aibridge_totals (
    period                   bigint NOT NULL,
    initiator_id             text   NOT NULL,
    model                    text   NOT NULL,
    provider_name            text   NOT NULL,
    client                   text   NOT NULL,
    outcome                  text   NOT NULL,
    error_type               text   NOT NULL,
    requests                 bigint NOT NULL,
    ended                    bigint NOT NULL,
    duration_ms              bigint NOT NULL,
    input_tokens             bigint NOT NULL,
    output_tokens            bigint NOT NULL,
    cache_read_input_tokens  bigint NOT NULL,
    cache_write_input_tokens bigint NOT NULL,
    cost_nano_usd            bigint,
    unpriced                 bigint NOT NULL
);
CREATE INDEX aibridge_totals_period ON aibridge_totals (period);
CREATE TABLE aibridge_totals_tools (
    period        bigint NOT NULL,
    initiator_id  text   NOT NULL,
    model         text   NOT NULL,
    provider_name text   NOT NULL,
    client        text   NOT NULL,
    outcome       text   NOT NULL,
    tool          text   NOT NULL,
    calls         bigint NOT NULL,
    failed        bigint NOT NULL
);
CREATE INDEX aibridge_totals_tools_period ON aibridge_totals_tools (period);

-- Recent interceptions are not summed up yet: they are told apart without a call, because every record is one of them. The
-- summed up time ends an hour ago at the latest, by the clock of this server too.
CREATE OR REPLACE FUNCTION aibridge_totals_mark_one() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed_at timestamptz := CASE TG_OP WHEN 'INSERT' THEN NEW.started_at ELSE OLD.started_at END;
BEGIN
    INSERT INTO aibridge_totals_stale AS s
        SELECT floor(extract(epoch from changed_at))::bigint / 900, 1 FROM aibridge_totals_state
        WHERE changed_at < until_at
        ON CONFLICT (period) DO UPDATE SET marks = s.marks + 1;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION aibridge_totals_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO aibridge_totals_stale AS s
        SELECT DISTINCT floor(extract(epoch from c.started_at))::bigint / 900, 1 FROM changed c
        WHERE c.started_at < (SELECT until_at FROM aibridge_totals_state) ORDER BY 1
        ON CONFLICT (period) DO UPDATE SET marks = s.marks + 1;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION aibridge_totals_mark_usages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO aibridge_totals_stale AS s
        SELECT DISTINCT floor(extract(epoch from i.started_at))::bigint / 900, 1
        FROM changed c JOIN aibridge_interceptions i ON i.id = c.interception_id
        WHERE i.started_at < (SELECT until_at FROM aibridge_totals_state) ORDER BY 1
        ON CONFLICT (period) DO UPDATE SET marks = s.marks + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER aibridge_totals_inserted AFTER INSERT ON aibridge_interceptions FOR EACH ROW
    WHEN (NEW.started_at < now() - interval '30 minutes') EXECUTE FUNCTION aibridge_totals_mark_one();
CREATE TRIGGER aibridge_totals_updated AFTER UPDATE ON aibridge_interceptions FOR EACH ROW
    WHEN (OLD.started_at < now() - interval '30 minutes') EXECUTE FUNCTION aibridge_totals_mark_one();
CREATE TRIGGER aibridge_totals_deleted AFTER DELETE ON aibridge_interceptions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION aibridge_totals_mark();
CREATE TRIGGER aibridge_totals_repriced AFTER UPDATE ON aibridge_token_usages
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION aibridge_totals_mark_usages();
