-- Clients wait for every record, and each index is one more page of each commit: so there are few. The order of ids is the
-- order of time. Tables whose rows may be long keep them out of the index.
CREATE TABLE aibridge_interceptions (
    id                       TEXT    NOT NULL PRIMARY KEY,
    initiator_id             TEXT    NOT NULL,
    provider                 TEXT    NOT NULL,
    provider_name            TEXT    NOT NULL,
    model                    TEXT    NOT NULL,
    route                    TEXT    NOT NULL,
    streaming                INTEGER NOT NULL,
    client                   TEXT    NOT NULL,
    client_session_id        TEXT,
    user_agent               TEXT,
    credential_kind          TEXT    NOT NULL,
    credential_hint          TEXT    NOT NULL,
    correlating_tool_call_id TEXT,
    metadata                 TEXT    NOT NULL,
    started_at               TEXT    NOT NULL,
    ended_at                 TEXT,
    outcome                  TEXT,
    error_type               TEXT,
    upstream_status          INTEGER
) WITHOUT ROWID;
CREATE INDEX aibridge_interceptions_session ON aibridge_interceptions (client_session_id)
    WHERE client_session_id IS NOT NULL;
-- What a crash leaves behind is found without reading the whole table.
CREATE INDEX aibridge_interceptions_open ON aibridge_interceptions (started_at) WHERE ended_at IS NULL;

CREATE TABLE aibridge_user_prompts (
    id                   TEXT NOT NULL,
    interception_id      TEXT NOT NULL REFERENCES aibridge_interceptions (id) ON DELETE CASCADE,
    provider_response_id TEXT,
    prompt               TEXT NOT NULL,
    created_at           TEXT NOT NULL,
    PRIMARY KEY (interception_id, id)
);

CREATE TABLE aibridge_token_usages (
    id                       TEXT    NOT NULL,
    interception_id          TEXT    NOT NULL REFERENCES aibridge_interceptions (id) ON DELETE CASCADE,
    provider_response_id     TEXT,
    input_tokens             INTEGER NOT NULL,
    output_tokens            INTEGER NOT NULL,
    cache_read_input_tokens  INTEGER NOT NULL,
    cache_write_input_tokens INTEGER NOT NULL,
    extra_token_types        TEXT    NOT NULL,
    created_at               TEXT    NOT NULL,
    PRIMARY KEY (interception_id, id)
) WITHOUT ROWID;

CREATE TABLE aibridge_tool_usages (
    id                    TEXT    NOT NULL,
    interception_id       TEXT    NOT NULL REFERENCES aibridge_interceptions (id) ON DELETE CASCADE,
    provider_response_id  TEXT,
    provider_tool_call_id TEXT,
    tool                  TEXT    NOT NULL,
    server_url            TEXT,
    input                 TEXT    NOT NULL,
    injected              INTEGER NOT NULL,
    invocation_error      TEXT,
    created_at            TEXT    NOT NULL,
    PRIMARY KEY (interception_id, id)
);

CREATE TABLE aibridge_model_thoughts (
    id              TEXT NOT NULL,
    interception_id TEXT NOT NULL REFERENCES aibridge_interceptions (id) ON DELETE CASCADE,
    content         TEXT NOT NULL,
    metadata        TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    PRIMARY KEY (interception_id, id)
);

CREATE TABLE aibridge_tokens (
    id         TEXT NOT NULL PRIMARY KEY,
    user_name  TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    hint       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT
);
