//! Sound cards, the media thread and RTP sockets.
