//! Two engines talk through an emulated network in virtual time; what is heard is compared with what was said.

mod line;

use line::*;

fn print(windows: &[(f64, f64)]) {
    for (delay, likeness) in windows {
        print!("{delay:.1}/{likeness:.2} ");
    }
    println!();
}

#[test]
fn clean_network() {
    let mut line = Line::opus(1, Network { base_ms: 20.0, ..Network::default() });
    line.ends[0].speech = speech(1, 20.0);
    line.ends[1].speech = speech(2, 20.0);
    line.run(20.0);
    for n in 0..2 {
        let windows = by_window(&line.ends[n].speech, &line.ends[1 - n].played, 200);
        print(&windows);
        println!("{:?}", line.stats(1 - n));
    }
}
