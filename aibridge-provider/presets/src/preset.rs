//! The values of one vendor.

/// A vendor: the defaults of a provider's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// The value of `preset` in the settings, and the default of the provider's name.
    pub name: &'static str,
    /// The provider type, e.g. `openai`: the dialects that the vendor serves.
    pub kind: &'static str,
    /// The base URL of the API, with a final slash; `None` if each customer has a different one. The settings must then
    /// contain it.
    pub base_url: Option<&'static str>,
    /// A base URL for messages and documents. Equals `base_url` if that is `Some`.
    pub example_url: &'static str,
    /// The handling of the usage chunk of streams.
    pub usage_chunk: UsageChunk,
    /// The header with the key, in lower case. `authorization` contains `Bearer` and the key, any other header only the key.
    pub auth_header: &'static str,
    /// Whether the vendor accepts credentials of its users only, so that the provider has no key pool.
    pub byok_only: bool,
    /// Whether users pay a subscription, so that a request costs nothing.
    pub subscription: bool,
}

/// The handling of the usage chunk, the chunk of a chat completions stream that contains the token counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageChunk {
    /// The gateway asks for the chunk in every request, and withholds it from a client that did not ask for it.
    Add,
    /// The vendor reports usage in any case, or rejects `stream_options`: request and response stay unchanged.
    Native,
}

impl UsageChunk {
    /// All values, the default first.
    pub const ALL: [Self; 2] = [Self::Add, Self::Native];

    /// The value in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Native => "native",
        }
    }
}

impl Preset {
    /// A vendor of the OpenAI API with keys in `Authorization` and without quirks.
    pub(crate) const fn openai(name: &'static str, base_url: &'static str) -> Self {
        Self {
            name,
            kind: "openai",
            base_url: Some(base_url),
            example_url: base_url,
            usage_chunk: UsageChunk::Add,
            auth_header: "authorization",
            byok_only: false,
            subscription: false,
        }
    }
}
