//! ITU-T G.711: A-law and mu-law, from the definition, without tables for compression.

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Law {
    Mu,
    A,
}

/// Mu-law adds this before the segment is sought (G.711 table 2, scaled to 16 bit).
const MU_BIAS: i32 = 132;
const MU_CLIP: i32 = 32_635;

impl Law {
    /// A sample, -1.0 to 1.0, as a byte.
    pub(crate) fn compress(self, sample: f32) -> u8 {
        let linear = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i32;
        match self {
            Law::Mu => compress_mu(linear),
            Law::A => compress_a(linear),
        }
    }

    /// A byte as a sample.
    pub(crate) fn expand(self, byte: u8) -> f32 {
        let linear = match self {
            Law::Mu => expand_mu(byte),
            Law::A => expand_a(byte),
        };
        linear as f32 / 32_768.0
    }
}

/// Position of the highest set bit above bit 7, 0 to 7.
fn segment(magnitude: i32) -> i32 {
    (24 - magnitude.max(1).leading_zeros() as i32).clamp(0, 7)
}

fn compress_mu(linear: i32) -> u8 {
    let sign = if linear < 0 { 0x80 } else { 0 };
    let magnitude = linear.abs().min(MU_CLIP) + MU_BIAS;
    let segment = segment(magnitude);
    let step = (magnitude >> (segment + 3)) & 0x0f;
    !((sign | (segment << 4) | step) as u8)
}

fn expand_mu(byte: u8) -> i32 {
    let bits = i32::from(!byte);
    let magnitude = ((((bits & 0x0f) << 3) + MU_BIAS) << ((bits >> 4) & 7)) - MU_BIAS;
    if bits & 0x80 == 0 { magnitude } else { -magnitude }
}

fn compress_a(linear: i32) -> u8 {
    // One's complement for negatives, so that the steps are symmetric about zero (G.711 table 1).
    let (sign, magnitude) = if linear < 0 { (0, !linear) } else { (0x80, linear) };
    let segment = segment(magnitude);
    let step = (magnitude >> if segment == 0 { 4 } else { segment + 3 }) & 0x0f;
    (sign | (segment << 4) | step) as u8 ^ 0x55
}

fn expand_a(byte: u8) -> i32 {
    let bits = i32::from(byte ^ 0x55);
    let (segment, step) = ((bits >> 4) & 7, bits & 0x0f);
    let magnitude = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    if bits & 0x80 == 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // G.711 tables 1a to 2b: silence, extremes, decision values. 16 bit: A-law values shifted by 3, mu-law by 2.
        for (linear, byte) in [(0, 0xff), (-1, 0x7f), (32_767, 0x80), (-32_768, 0x00), (1_000, 0xce), (-1_000, 0x4e)] {
            assert_eq!(compress_mu(linear), byte, "mu-law of {linear}");
        }
        for (byte, linear) in
            [(0xff, 0), (0x7f, 0), (0x80, 32_124), (0x00, -32_124), (0xfe, 8), (0xf0, 120), (0xef, 132)]
        {
            assert_eq!(expand_mu(byte), linear, "mu-law byte {byte:#x}");
        }
        for (linear, byte) in [(0, 0xd5), (-1, 0x55), (32_767, 0xaa), (-32_768, 0x2a), (1_000, 0xfa), (-1_000, 0x7a)] {
            assert_eq!(compress_a(linear), byte, "A-law of {linear}");
        }
        for (byte, linear) in [(0xd5, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256), (0xd4, 24), (0xc5, 264)] {
            assert_eq!(expand_a(byte), linear, "A-law byte {byte:#x}");
        }
    }

    #[test]
    fn every_byte_survives_a_round_trip() {
        for byte in 0..=255 {
            assert_eq!(Law::A.compress(Law::A.expand(byte)), byte);
            // Mu-law has two zeros; the negative one comes back as the positive.
            let expected = if byte == 0x7f { 0xff } else { byte };
            assert_eq!(Law::Mu.compress(Law::Mu.expand(byte)), expected);
        }
    }

    #[test]
    fn nearest_step_is_taken() {
        for linear in (-32_000..32_000).step_by(7) {
            let (mu, a) = (expand_mu(compress_mu(linear)), expand_a(compress_a(linear)));
            // Half a step of the segment: a 32nd of the value, at least half the smallest step.
            let tolerance = (linear.abs() + MU_BIAS) / 30 + 8;
            assert!((mu - linear).abs() <= tolerance, "mu-law {linear} -> {mu}");
            assert!((a - linear).abs() <= tolerance, "A-law {linear} -> {a}");
        }
    }
}
