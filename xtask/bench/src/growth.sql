PRAGMA synchronous = OFF;
BEGIN;
CREATE TEMP TABLE filled AS
    WITH RECURSIVE numbered(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbered WHERE number < :rows)
    SELECT number, printf('01900000-%04x-7%03x-8000-%012x', number >> 12, number & 4095, number) AS id,
        strftime('%Y-%m-%dT%H:%M:%fZ', '2025-01-01', number || ' seconds') AS moment
    FROM numbered;
INSERT INTO aibridge_interceptions (id, initiator_id, provider, provider_name, model, route, streaming, client,
        client_session_id, user_agent, credential_kind, credential_hint, metadata, started_at, ended_at, outcome,
        upstream_status)
    SELECT id, 'user-' || number % 100, 'openai', 'openai', 'gpt-5-codex', '/chat/completions', 0, 'Codex',
        'session-' || number / 20, 'codex_cli_rs/0.63.0', 'centralized', 'sk-b...0000', '{}', moment, moment,
        'completed', 200
    FROM filled;
INSERT INTO aibridge_user_prompts (id, interception_id, prompt, created_at)
    SELECT id, id, 'Why does the test `empty_line` fail? Please find out and repair it.', moment FROM filled;
INSERT INTO aibridge_token_usages (id, interception_id, provider_response_id, input_tokens, output_tokens,
        cache_read_input_tokens, cache_write_input_tokens, extra_token_types, created_at)
    SELECT id, id, 'chatcmpl-' || number, 1152, 96, 1024, 0, '{}', moment FROM filled;
COMMIT;
DROP TABLE filled;
