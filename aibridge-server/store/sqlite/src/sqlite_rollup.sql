-- Derived tables, see rollup.rs. A period is a quarter-hour, counted from 1970. What an earlier version left is dropped.
DROP TRIGGER IF EXISTS aibridge_totals_inserted;
DROP TRIGGER IF EXISTS aibridge_totals_updated;
DROP TRIGGER IF EXISTS aibridge_totals_deleted;
DROP TRIGGER IF EXISTS aibridge_totals_repriced;
DROP TABLE IF EXISTS aibridge_totals_state;
DROP TABLE IF EXISTS aibridge_totals_stale;
DROP TABLE IF EXISTS aibridge_totals;
DROP TABLE IF EXISTS aibridge_totals_tools;
CREATE TABLE aibridge_totals_state (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    until      INTEGER NOT NULL,
    until_text TEXT    NOT NULL
);
CREATE TABLE aibridge_totals_stale (
    period INTEGER NOT NULL PRIMARY KEY,
    marks  INTEGER NOT NULL
);
CREATE TABLE aibridge_totals (
    period                   INTEGER NOT NULL,
    initiator_id             TEXT    NOT NULL,
    model                    TEXT    NOT NULL,
    provider_name            TEXT    NOT NULL,
    client                   TEXT    NOT NULL,
    outcome                  TEXT    NOT NULL,
    error_type               TEXT    NOT NULL,
    requests                 INTEGER NOT NULL,
    ended                    INTEGER NOT NULL,
    duration_ms              INTEGER NOT NULL,
    input_tokens             INTEGER NOT NULL,
    output_tokens            INTEGER NOT NULL,
    cache_read_input_tokens  INTEGER NOT NULL,
    cache_write_input_tokens INTEGER NOT NULL,
    cost_nano_usd            INTEGER,
    unpriced                 INTEGER NOT NULL,
    PRIMARY KEY (period, initiator_id, model, provider_name, client, outcome, error_type)
) WITHOUT ROWID;
CREATE TABLE aibridge_totals_tools (
    period        INTEGER NOT NULL,
    initiator_id  TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    provider_name TEXT    NOT NULL,
    client        TEXT    NOT NULL,
    outcome       TEXT    NOT NULL,
    tool          TEXT    NOT NULL,
    calls         INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    PRIMARY KEY (period, initiator_id, model, provider_name, client, outcome, tool)
) WITHOUT ROWID;
CREATE TRIGGER aibridge_totals_inserted AFTER INSERT ON aibridge_interceptions
WHEN new.started_at < (SELECT until_text FROM aibridge_totals_state) BEGIN
    INSERT INTO aibridge_totals_stale VALUES (unixepoch(new.started_at) / 900, 1)
        ON CONFLICT (period) DO UPDATE SET marks = marks + 1;
END;
CREATE TRIGGER aibridge_totals_updated AFTER UPDATE ON aibridge_interceptions
WHEN old.started_at < (SELECT until_text FROM aibridge_totals_state) BEGIN
    INSERT INTO aibridge_totals_stale VALUES (unixepoch(old.started_at) / 900, 1)
        ON CONFLICT (period) DO UPDATE SET marks = marks + 1;
END;
CREATE TRIGGER aibridge_totals_deleted AFTER DELETE ON aibridge_interceptions
WHEN old.started_at < (SELECT until_text FROM aibridge_totals_state) BEGIN
    INSERT INTO aibridge_totals_stale VALUES (unixepoch(old.started_at) / 900, 1)
        ON CONFLICT (period) DO UPDATE SET marks = marks + 1;
END;
CREATE TRIGGER aibridge_totals_repriced AFTER UPDATE ON aibridge_token_usages BEGIN
    INSERT INTO aibridge_totals_stale SELECT unixepoch(i.started_at) / 900, 1 FROM aibridge_interceptions i
        WHERE i.id = new.interception_id AND i.started_at < (SELECT until_text FROM aibridge_totals_state)
        ON CONFLICT (period) DO UPDATE SET marks = marks + 1;
END;
