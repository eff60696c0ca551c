//! Records so many blocks of a tone, and then waits to be killed: `hatif-recorder-child FILE KEY BLOCKS`. Says when it has
//! given them all.

use hatif_media::{BLOCK, Taken};
use hatif_recorder::{MasterKey, record};
use std::{
    io::{self, Write},
    thread,
    time::Duration,
};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(key), Some(blocks)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Ok(());
    };
    let (Some(key), Ok(blocks)) = (MasterKey::from_hex(&key), blocks.parse::<u64>()) else { return Ok(()) };
    let mut ring = record(path.into(), key, |_| {})?;
    for at in 0..blocks {
        let mut taken = Taken::silence(at, false);
        for (n, sample) in taken.agent.iter_mut().enumerate() {
            let t = (at * BLOCK as u64 + n as u64) as f32 / 48_000.0;
            *sample = 0.5 * (std::f32::consts::TAU * 700.0 * t).sin();
        }
        taken.customer = taken.agent;
        while let Err(rtrb::PushError::Full(back)) = ring.push(taken) {
            taken = back;
            thread::sleep(Duration::from_millis(1));
        }
    }
    println!("given");
    io::stdout().flush()?;
    // Until whoever started it has gone, should it not kill.
    io::stdin().read_line(&mut String::new()).map(|_| ())
}
