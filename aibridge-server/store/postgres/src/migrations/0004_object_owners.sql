-- Which actor made which object at a provider. Every lookup is by the primary key, every deletion by age.
CREATE TABLE aibridge_object_owners (
    provider_name text        NOT NULL,
    object_id     text        NOT NULL,
    initiator_id  text        NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (provider_name, object_id)
);
CREATE INDEX aibridge_object_owners_created ON aibridge_object_owners (created_at);
