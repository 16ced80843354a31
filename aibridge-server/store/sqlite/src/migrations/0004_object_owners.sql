-- Which actor made which object at a provider. Every lookup is by the primary key, every deletion by age.
CREATE TABLE aibridge_object_owners (
    provider_name TEXT NOT NULL,
    object_id     TEXT NOT NULL,
    initiator_id  TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    PRIMARY KEY (provider_name, object_id)
) WITHOUT ROWID;
CREATE INDEX aibridge_object_owners_created ON aibridge_object_owners (created_at);
