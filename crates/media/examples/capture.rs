//! The capture chain over files, for scores: `capture MICROPHONE.wav PLAYED.wav OUT.wav [PARTS]` (48 kHz mono, 16 bit).
//! PARTS: any of `h` (high-pass), `e` (echo canceller, always), `a` (automatic), `n` (noise suppression), `g` (gain), `l`
//! (limiter); all, with `a`, when absent. `-` in the place of PLAYED.wav is silence.

use hatif_media::{
    BLOCK, Block,
    capture::{Capture, CaptureConfig, EchoMode},
};

fn read(path: &str) -> Vec<f32> {
    let mut file = hound::WavReader::open(path).expect("a WAV file");
    file.samples::<i16>().map(|sample| f32::from(sample.expect("16-bit samples")) / 32_768.0).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [microphone, played, out, ..] = arguments.as_slice() else { panic!("see the first lines of this example") };
    let parts = arguments.get(3).map_or("hangl", String::as_str);
    let echo = match (parts.contains('e'), parts.contains('a')) {
        (true, _) => EchoMode::On,
        (_, true) => EchoMode::Auto,
        _ => EchoMode::Off,
    };
    let mut capture = Capture::new();
    capture.configure(CaptureConfig {
        high_pass: parts.contains('h'),
        noise_suppression: parts.contains('n'),
        automatic_gain: parts.contains('g'),
        limiter: parts.contains('l'),
        echo,
    });
    let microphone = read(microphone);
    let played = if played == "-" { vec![0.0; microphone.len()] } else { read(played) };
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(out, spec).expect("a file to write");
    let (mut last, mut seconds) = (None, 0.0);
    for (heard, said) in microphone.chunks_exact(BLOCK).zip(played.chunks_exact(BLOCK)) {
        let mut block: Block = std::array::from_fn(|n| heard[n]);
        capture.played(&std::array::from_fn(|n| said[n]));
        let noticed = capture.process(&mut block);
        if last != Some(noticed) {
            println!("{seconds:6.2} s  {noticed:?}");
            last = Some(noticed);
        }
        seconds += 0.01;
        for sample in block {
            file.write_sample((sample.clamp(-1.0, 1.0) * 32_767.0) as i16).expect("a file to write");
        }
    }
    file.finalize().expect("a file to write");
}
