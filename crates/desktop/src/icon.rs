//! The tray's pictures: the application's icon with a spot of the line's colour in its corner.

use crate::Line;

/// A picture of `side` by `side` pixels, red, green, blue, alpha, row by row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    side: u32,
    rgba: Vec<u8>,
}

impl Picture {
    /// `None` when the bytes are not those of a square picture.
    pub fn new(side: u32, rgba: Vec<u8>) -> Option<Picture> {
        let bytes = u64::from(side).pow(2).checked_mul(4)?;
        (side > 0 && rgba.len() as u64 == bytes).then_some(Picture { side, rgba })
    }

    pub fn side(&self) -> u32 {
        self.side
    }

    /// With the spot that tells how the line stands, in the lower right corner.
    pub fn marked(&self, line: Line) -> Picture {
        let Some(colour) = colour(line) else { return self.clone() };
        let side = i64::from(self.side);
        // The spot's radius is a quarter of the picture; a ring around it keeps it apart from what is below.
        let (radius, ring) = ((side / 4).max(1), (side / 4).max(1) + (side / 16).max(1));
        let centre = side - radius - 1;
        let mut marked = self.clone();
        for (at, pixel) in marked.rgba.chunks_exact_mut(4).enumerate() {
            let (x, y) = (at as i64 % side, at as i64 / side);
            let away = (x - centre) * (x - centre) + (y - centre) * (y - centre);
            if away <= radius * radius {
                pixel.copy_from_slice(&colour);
            } else if away <= ring * ring {
                pixel.copy_from_slice(&[0; 4]);
            }
        }
        marked
    }

    /// As StatusNotifierItem wants it: alpha, red, green, blue.
    pub fn argb(&self) -> Vec<u8> {
        self.rgba.chunks_exact(4).flat_map(|p| [p[3], p[0], p[1], p[2]]).collect()
    }
}

/// The colours of the page's lamps on either ground; ready is the icon as it is.
fn colour(line: Line) -> Option<[u8; 4]> {
    match line {
        Line::Ready => None,
        Line::Off => Some([0x8a, 0x8f, 0x98, 0xff]),
        Line::DoNotDisturb => Some([0xd1, 0x34, 0x38, 0xff]),
        Line::Ringing => Some([0xf2, 0x9d, 0x1d, 0xff]),
        Line::Talking => Some([0x1f, 0x9d, 0x55, 0xff]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_looks_different_and_ready_is_the_icon_itself() {
        let plain = Picture::new(32, vec![0xff; 32 * 32 * 4]).unwrap();
        assert_eq!(plain.marked(Line::Ready), plain);
        let lines = [Line::Off, Line::Ready, Line::DoNotDisturb, Line::Ringing, Line::Talking];
        for (at, one) in lines.iter().enumerate() {
            assert!(lines[at + 1..].iter().all(|other| plain.marked(*one) != plain.marked(*other)));
        }
        // Where there is no spot nothing has changed.
        assert_eq!(plain.marked(Line::Talking).rgba[..64], plain.rgba[..64]);
    }

    #[test]
    fn alpha_comes_first_on_the_bus() {
        let one = Picture::new(1, vec![1, 2, 3, 4]).unwrap();
        assert_eq!(one.argb(), [4, 1, 2, 3]);
        assert_eq!(one.marked(Line::Talking).side(), 1);
    }

    #[test]
    fn bytes_that_are_no_square_are_no_picture() {
        assert_eq!(Picture::new(0, vec![]), None);
        assert_eq!(Picture::new(2, vec![0; 15]), None);
        assert_eq!(Picture::new(u32::MAX, vec![0; 4]), None);
    }
}
