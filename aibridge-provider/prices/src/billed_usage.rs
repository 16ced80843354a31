//! The usage of a model call, in disjoint buckets.

use crate::Bucket;

/// The usage of one model call. The buckets are disjoint: a token counts in exactly one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BilledUsage {
    /// Input tokens that are in no other bucket.
    pub input: u64,
    /// Output tokens that are in no other bucket; reasoning is output.
    pub output: u64,
    /// Input tokens that were read from the provider's cache.
    pub cache_read: u64,
    /// Input tokens that were written to the provider's cache for five minutes, or for its usual time.
    pub cache_write_5m: u64,
    /// Input tokens that were written to the provider's cache for one hour.
    pub cache_write_1h: u64,
    /// Input tokens of audio.
    pub audio_input: u64,
    /// Output tokens of audio.
    pub audio_output: u64,
    /// Web searches that the provider ran.
    pub web_searches: u64,
    /// Searches in files that are stored at the provider.
    pub file_searches: u64,
    /// Requests: 1 for each call. Some models charge for a call in addition to its tokens.
    pub requests: u64,
}

impl BilledUsage {
    /// The count of a bucket.
    pub const fn count(&self, bucket: Bucket) -> u64 {
        match bucket {
            Bucket::Input => self.input,
            Bucket::Output => self.output,
            Bucket::CacheRead => self.cache_read,
            Bucket::CacheWrite5m => self.cache_write_5m,
            Bucket::CacheWrite1h => self.cache_write_1h,
            Bucket::AudioInput => self.audio_input,
            Bucket::AudioOutput => self.audio_output,
            Bucket::WebSearch => self.web_searches,
            Bucket::FileSearch => self.file_searches,
            Bucket::Request => self.requests,
        }
    }

    /// The sum of all input tokens, for comparison with the threshold of a context tier.
    pub const fn total_input(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.audio_input)
    }
}
