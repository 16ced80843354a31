-- A key can cool for one model. The empty text stands for all models: then the whole key cools.
ALTER TABLE aibridge_key_cooldowns ADD COLUMN model text NOT NULL DEFAULT '';
ALTER TABLE aibridge_key_cooldowns DROP CONSTRAINT aibridge_key_cooldowns_pkey;
ALTER TABLE aibridge_key_cooldowns ADD PRIMARY KEY (fingerprint, model);
