//! A recording that is read: looked over, verified, heard from anywhere.

use crate::{
    Overview, Problem, Summary,
    content::{Content, PEAK},
    encoder::{FRAME as OPUS_FRAME, MAPPING, PRE_SKIP, STREAMS},
    key::MasterKey,
    pages,
    seal::{Chain, FRAME, HEAD, TAG, frame, open_head},
};
use hatif_media::SAMPLE_RATE;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// Chunks of one file at most: two days of sound.
const MAX_CHUNKS: usize = 250_000;

/// Where a chunk lies.
struct Place {
    /// Of its sealed content.
    offset: u64,
    length: usize,
    flags: u8,
}

/// An open recording.
pub struct Reader {
    file: File,
    chain: Chain,
    places: Vec<Place>,
    /// Bytes after the last whole chunk.
    torn: bool,
    decoder: opus::MSDecoder,
    /// The chunk that the decoder stands before.
    decoded: Option<usize>,
}

impl Reader {
    /// Reads where the chunks are. What is in them is not looked at yet.
    pub fn open(path: &Path, master: &MasterKey) -> Result<Reader, Problem> {
        Reader::over(File::open(path)?, master)
    }

    fn over(mut file: File, master: &MasterKey) -> Result<Reader, Problem> {
        let mut head = [0; HEAD];
        file.read_exact(&mut head).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Problem::Foreign,
            _ => Problem::Disk(error.kind()),
        })?;
        let key = open_head(&head, master)?;
        let size = file.seek(SeekFrom::End(0))?;
        let (places, torn) = places(&mut file, size)?;
        let decoder = opus::MSDecoder::new(SAMPLE_RATE, STREAMS, 0, &MAPPING);
        let decoder = decoder.map_err(|_| Problem::Codec)?;
        Ok(Reader { file, chain: Chain::new(&key, &head), places, torn, decoder, decoded: None })
    }

    /// How many chunks there are.
    pub fn chunks(&self) -> usize {
        self.places.len()
    }

    fn sealed(&mut self, n: usize) -> Result<(Vec<u8>, u8), Problem> {
        let place = self.places.get(n).ok_or(Problem::Changed)?;
        let mut sealed = vec![0; place.length];
        self.file.seek(SeekFrom::Start(place.offset))?;
        self.file.read_exact(&mut sealed)?;
        Ok((sealed, place.flags))
    }

    fn content(&mut self, n: usize) -> Result<Content, Problem> {
        if self.chain.index != n as u64 {
            self.chain.before = match n.checked_sub(1) {
                Some(before) => {
                    let place = self.places.get(before).ok_or(Problem::Changed)?;
                    self.file.seek(SeekFrom::Start(place.offset + (place.length - TAG) as u64))?;
                    let mut tag = [0; TAG];
                    self.file.read_exact(&mut tag)?;
                    tag
                }
                None => [0; TAG],
            };
            self.chain.index = n as u64;
        }
        let (sealed, flags) = self.sealed(n)?;
        Content::parse(&self.chain.open(sealed, flags)?).ok_or(Problem::Changed)
    }

    /// The whole of it, every chunk opened: what a waveform shows.
    ///
    /// # Errors
    /// [`Problem::Changed`] if anything in it is not as it was written, [`Problem::Unfinished`] if it has no end.
    pub fn overview(&mut self) -> Result<Overview, Problem> {
        let mut overview = Overview::default();
        for n in 0..self.chunks() {
            let content = self.content(n)?;
            overview.summary.add(&content);
            let at = (content.at / PEAK as u64) as usize;
            overview.peaks.resize(overview.peaks.len().max(at), [0, 0]);
            overview.peaks.truncate(at);
            overview.peaks.extend(content.peaks);
            for mark in content.marks {
                match overview.marks.last_mut() {
                    Some(last) if last.kind == mark.kind && last.at + last.length == mark.at => {
                        last.length += mark.length;
                    }
                    _ => overview.marks.push(mark),
                }
            }
        }
        match self.places.last() {
            _ if self.torn => Err(Problem::Unfinished),
            Some(place) if place.flags != 0 => Ok(overview),
            _ => Err(Problem::Unfinished),
        }
    }

    /// Opens every chunk and compares the file with what was written down of it when it was finished.
    pub fn verify(&mut self, digest: &[u8; 32]) -> Result<Overview, Problem> {
        let overview = self.overview()?;
        if self.digest()? == *digest { Ok(overview) } else { Err(Problem::Changed) }
    }

    fn digest(&mut self) -> Result<[u8; 32], Problem> {
        let mut hash = Sha256::new();
        self.file.seek(SeekFrom::Start(0))?;
        io::copy(&mut self.file, &mut hash)?;
        Ok(hash.finalize().into())
    }

    /// Chunk `n` as sound: agent and customer, 48 kHz, and where it begins. The first chunk asked for may be any; the
    /// decoder is run in over the one before it.
    pub fn sound(&mut self, n: usize) -> Result<(u64, Vec<[f32; 2]>), Problem> {
        if self.decoded != Some(n) {
            self.decoder.reset_state().map_err(|_| Problem::Codec)?;
            if let Some(before) = n.checked_sub(1) {
                let content = self.content(before)?;
                self.decode(&content)?;
            }
        }
        let content = self.content(n)?;
        let mut sound = self.decode(&content)?;
        self.decoded = Some(n + 1);
        let skip = u64::from(PRE_SKIP);
        let begin = content.at.saturating_sub(skip);
        if content.at < skip {
            sound.drain(..sound.len().min((skip - content.at) as usize));
        }
        if let Some(end) = pages::end(&content.pages) {
            sound.truncate(end.saturating_sub(begin) as usize);
        }
        Ok((begin, sound))
    }

    fn decode(&mut self, content: &Content) -> Result<Vec<[f32; 2]>, Problem> {
        let mut sound = Vec::new();
        let mut frame = [0.0; 2 * OPUS_FRAME];
        for packet in pages::packets(&content.pages) {
            let samples = self.decoder.decode_float(&packet, &mut frame, false).map_err(|_| Problem::Codec)?;
            sound.extend(frame[..2 * samples].chunks_exact(2).map(|pair| [pair[0], pair[1]]));
        }
        Ok(sound)
    }

    /// The chunk that a moment lies in, samples from the beginning.
    pub fn chunk_at(&mut self, sample: u64) -> Result<usize, Problem> {
        let target = sample + u64::from(PRE_SKIP);
        let (mut low, mut high) = (0, self.chunks());
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if self.content(middle)?.at <= target { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// Everything as an Ogg Opus file, as it was encoded.
    pub fn write_opus(&mut self, mut into: impl Write) -> Result<(), Problem> {
        for n in 0..self.chunks() {
            let content = self.content(n)?;
            into.write_all(&content.pages)?;
        }
        into.flush()?;
        Ok(())
    }

    /// Everything as a WAV file: 48 kHz, 16 bit, the agent left, the customer right. Gaps are silence.
    pub fn write_wav(&mut self, into: impl Write + Seek) -> Result<(), Problem> {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::new(into, spec).map_err(wav_problem)?;
        let mut written = 0u64;
        for n in 0..self.chunks() {
            let (begin, sound) = self.sound(n)?;
            for _ in written..begin {
                wav.write_sample(0i16).and_then(|()| wav.write_sample(0i16)).map_err(wav_problem)?;
            }
            written = written.max(begin) + sound.len() as u64;
            for sample in sound.into_iter().flatten() {
                let value = (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16;
                wav.write_sample(value).map_err(wav_problem)?;
            }
        }
        wav.finalize().map_err(wav_problem)
    }
}

fn wav_problem(error: hound::Error) -> Problem {
    match error {
        hound::Error::IoError(error) => error.into(),
        _ => Problem::TooLong,
    }
}

fn places(file: &mut File, size: u64) -> Result<(Vec<Place>, bool), Problem> {
    let mut places = Vec::new();
    let mut at = HEAD as u64;
    let mut reader = io::BufReader::with_capacity(1 << 16, file);
    reader.seek(SeekFrom::Start(at))?;
    while at < size {
        let mut begin = [0; FRAME];
        if size - at < FRAME as u64 || places.len() == MAX_CHUNKS {
            return Ok((places, true));
        }
        reader.read_exact(&mut begin)?;
        let Some((length, flags)) = frame(&begin) else { return Ok((places, true)) };
        let offset = at + FRAME as u64;
        if size - offset < length as u64 {
            return Ok((places, true));
        }
        reader.seek_relative(length as i64)?;
        places.push(Place { offset, length, flags });
        at = offset + length as u64;
        // What stands behind the end was put there by somebody else.
        if flags != 0 {
            return Ok((places, at < size));
        }
    }
    Ok((places, false))
}

/// Gives a recording that was torn away its end: what can't be opened behind the last good chunk is cut off, and the cut is
/// marked. One that has its end is left as it is. At its next start the application does this to whatever it left running.
pub fn finish(path: &Path, master: &MasterKey) -> Result<Summary, Problem> {
    let mut reader = Reader::over(File::options().read(true).write(true).open(path)?, master)?;
    if let Ok(overview) = reader.overview() {
        let digest = reader.digest()?;
        let bytes = reader.file.seek(SeekFrom::End(0))?;
        return Ok(Summary { digest, bytes, ..overview.summary });
    }
    let mut summary = Summary::default();
    let (mut good, mut n) = (HEAD as u64, 0);
    let mut at = 0;
    while n < reader.chunks() {
        let content = match reader.content(n) {
            Ok(content) => content,
            Err(Problem::Changed) => break,
            // A disk that can't be read now is no reason to cut anything off.
            Err(problem) => return Err(problem),
        };
        summary.add(&content);
        at = pages::end(&content.pages).map_or(at, |end| end + u64::from(PRE_SKIP));
        good = reader.places[n].offset + reader.places[n].length as u64;
        n += 1;
        if reader.places[n - 1].flags != 0 {
            // Whole up to here; somebody has put something behind it.
            reader.file.set_len(good)?;
            reader.file.sync_all()?;
            let (digest, bytes) = (reader.digest()?, good);
            return Ok(Summary { digest, bytes, ..summary });
        }
    }
    let end = crate::content::torn(at);
    summary.add(&end);
    let sealed = reader.chain.seal(end.to_bytes(), crate::seal::LAST | crate::seal::TORN);
    reader.file.set_len(good)?;
    reader.file.seek(SeekFrom::Start(good))?;
    reader.file.write_all(&sealed)?;
    reader.file.sync_all()?;
    let (digest, bytes) = (reader.digest()?, good + sealed.len() as u64);
    Ok(Summary { digest, bytes, ..summary })
}

/// Destroys a recording: first the key in its head, down to the disk, then the file's name. A file that is not there
/// any more is destroyed.
pub fn destroy(path: &Path) -> Result<(), Problem> {
    match File::options().write(true).open(path) {
        Ok(mut file) => {
            let begin = (HEAD - crate::key::WRAPPED) as u64;
            file.seek(SeekFrom::Start(begin))?;
            file.write_all(&crate::key::random::<{ crate::key::WRAPPED }>())?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    std::fs::remove_file(path)?;
    Ok(())
}
