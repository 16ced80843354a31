//! Provider keys in order: their states, one request's walk over them, retry-after, masking
