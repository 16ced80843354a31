use crate::{Auth, Provider, Server, Store};

/// All settings, resolved and valid.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`: the listener.
    pub server: Server,
    /// `[auth]`: who may use the gateway, and with whose keys.
    pub auth: Auth,
    /// `[store]`: where records go.
    pub store: Store,
    /// `[[provider]]`: at least one, with different names.
    pub providers: Vec<Provider>,
}
