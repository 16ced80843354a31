-- The same tables and columns as in the embedded store, in PostgreSQL's types. An index on what a client sends has to take
-- text of any length, which those of the B-tree kind do not.
CREATE TABLE aibridge_instances (
    id           uuid        NOT NULL PRIMARY KEY,
    started_at   timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE aibridge_interceptions (
    id                       uuid        NOT NULL PRIMARY KEY,
    initiator_id             text        NOT NULL,
    provider                 text        NOT NULL,
    provider_name            text        NOT NULL,
    model                    text        NOT NULL,
    route                    text        NOT NULL,
    streaming                boolean     NOT NULL,
    client                   text        NOT NULL,
    client_session_id        text,
    user_agent               text,
    credential_kind          text        NOT NULL,
    credential_hint          text        NOT NULL,
    correlating_tool_call_id text,
    metadata                 jsonb       NOT NULL,
    started_at               timestamptz NOT NULL,
    ended_at                 timestamptz,
    outcome                  text,
    error_type               text,
    upstream_status          integer,
    instance_id              uuid        NOT NULL
);
CREATE INDEX aibridge_interceptions_session ON aibridge_interceptions USING hash (client_session_id)
    WHERE client_session_id IS NOT NULL;
-- What a dead instance leaves behind is found without reading the whole table.
CREATE INDEX aibridge_interceptions_open ON aibridge_interceptions (instance_id) WHERE ended_at IS NULL;

CREATE TABLE aibridge_user_prompts (
    id                   uuid        NOT NULL,
    interception_id      uuid        NOT NULL REFERENCES aibridge_interceptions (id) ON DELETE CASCADE,
    provider_response_id text,
    prompt               text        NOT NULL,
    created_at           timestamptz NOT NULL,
    PRIMARY KEY (interception_id, id)
);

CREATE TABLE aibridge_token_usages (
    id                       uuid        NOT NULL,
    interception_id          uuid        NOT NULL REFERENCES aibridge_interceptions (id) ON DELETE CASCADE,
    provider_response_id     text,
    input_tokens             bigint      NOT NULL,
    output_tokens            bigint      NOT NULL,
    cache_read_input_tokens  bigint      NOT NULL,
    cache_write_input_tokens bigint      NOT NULL,
    extra_token_types        jsonb       NOT NULL,
    created_at               timestamptz NOT NULL,
    PRIMARY KEY (interception_id, id)
);

CREATE TABLE aibridge_tool_usages (
    id                    uuid        NOT NULL,
    interception_id       uuid        NOT NULL REFERENCES aibridge_interceptions (id) ON DELETE CASCADE,
    provider_response_id  text,
    provider_tool_call_id text,
    tool                  text        NOT NULL,
    server_url            text,
    input                 text        NOT NULL,
    injected              boolean     NOT NULL,
    invocation_error      text,
    created_at            timestamptz NOT NULL,
    PRIMARY KEY (interception_id, id)
);

CREATE TABLE aibridge_model_thoughts (
    id              uuid        NOT NULL,
    interception_id uuid        NOT NULL REFERENCES aibridge_interceptions (id) ON DELETE CASCADE,
    content         text        NOT NULL,
    metadata        jsonb       NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (interception_id, id)
);

CREATE TABLE aibridge_tokens (
    id         uuid        NOT NULL PRIMARY KEY,
    user_name  text        NOT NULL,
    hash       bytea       NOT NULL UNIQUE,
    hint       text        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    admin      boolean     NOT NULL DEFAULT false
);

-- What instances tell each other about keys of providers, which they name by a hash. A row is gone when the key works again.
CREATE TABLE aibridge_key_cooldowns (
    fingerprint text        NOT NULL PRIMARY KEY,
    reason      text        NOT NULL,
    until       timestamptz NOT NULL
);
