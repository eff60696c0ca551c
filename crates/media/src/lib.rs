//! Pure media engine: codecs, jitter buffer, mixer, tones, RTP accounting.
