//! TURN's messages (RFC 8656 5, 11, 12.4), by `stun-types`; those that carry media are read and written in place.

use std::{net::SocketAddr, ops::Range};
use stun_types::{
    attribute::{
        AttributeType, AttributeWrite, ErrorCode, Nonce, RawAttribute, Realm, Username, XorMappedAddress, XorSocketAddr,
    },
    message::{
        IntegrityAlgorithm, IntegrityKey, Message, MessageClass, MessageType, MessageWrite, MessageWriteExt,
        MessageWriteVec, Method, StunWriteError, TransactionId,
    },
};

pub const ALLOCATE: Method = Method::new(3);
pub const REFRESH: Method = Method::new(4);
const SEND: Method = Method::new(6);
const DATA_INDICATION: Method = Method::new(7);
pub const CHANNEL_BIND: Method = Method::new(9);

const CHANNEL_NUMBER: AttributeType = AttributeType::new(0x000C);
const LIFETIME: AttributeType = AttributeType::new(0x000D);
const XOR_PEER_ADDRESS: AttributeType = AttributeType::new(0x0012);
const DATA: AttributeType = AttributeType::new(0x0013);
const XOR_RELAYED_ADDRESS: AttributeType = AttributeType::new(0x0016);
const REQUESTED_ADDRESS_FAMILY: AttributeType = AttributeType::new(0x0017);
const REQUESTED_TRANSPORT: AttributeType = AttributeType::new(0x0019);

/// IANA's number of UDP, and reserved bytes.
const UDP: [u8; 4] = [17, 0, 0, 0];
const IPV6: [u8; 4] = [2, 0, 0, 0];
/// A message's header, and an attribute's.
const HEADER: usize = 20;
const ATTRIBUTE: usize = 4;
/// A Send indication's, with an IPv6 address: its header, XOR-PEER-ADDRESS, and DATA's header and padding.
pub const SEND_OVERHEAD: usize = HEADER + ATTRIBUTE + 20 + ATTRIBUTE + 3;
const CHANNELS: Range<u8> = 0x40..0x50;

/// What proves that a request is the user's (RFC 8489 9.2.3).
pub struct Proof<'a> {
    pub user: &'a str,
    pub realm: &'a str,
    pub nonce: &'a str,
    pub key: &'a IntegrityKey,
}

pub fn allocate(id: TransactionId, ipv6: bool, proof: Option<Proof<'_>>) -> Option<Vec<u8>> {
    let transport = RawAttribute::new(REQUESTED_TRANSPORT, &UDP);
    let family = RawAttribute::new(REQUESTED_ADDRESS_FAMILY, &IPV6);
    let attributes: [&dyn AttributeWrite; 2] = [&transport, &family];
    request(ALLOCATE, id, &attributes[..if ipv6 { 2 } else { 1 }], proof).ok()
}

pub fn refresh(id: TransactionId, seconds: u32, proof: Option<Proof<'_>>) -> Option<Vec<u8>> {
    request(REFRESH, id, &[&RawAttribute::new(LIFETIME, &seconds.to_be_bytes())], proof).ok()
}

pub fn bind(id: TransactionId, peer: SocketAddr, channel: u16, proof: Option<Proof<'_>>) -> Option<Vec<u8>> {
    let [high, low] = channel.to_be_bytes();
    let number = [high, low, 0, 0];
    let peer = XorSocketAddr::new(peer, id);
    request(CHANNEL_BIND, id, &[&RawAttribute::new(CHANNEL_NUMBER, &number), &peer.to_raw(XOR_PEER_ADDRESS)], proof)
        .ok()
}

fn request(
    method: Method,
    id: TransactionId,
    attributes: &[&dyn AttributeWrite],
    proof: Option<Proof<'_>>,
) -> Result<Vec<u8>, StunWriteError> {
    let kind = MessageType::from_class_method(MessageClass::Request, method);
    let mut message = Message::builder(kind, id, MessageWriteVec::new());
    for attribute in attributes {
        message.add_attribute(*attribute)?;
    }
    if let Some(proof) = proof {
        message.add_attribute(&Username::new(proof.user)?)?;
        message.add_attribute(&Realm::new(proof.realm)?)?;
        message.add_attribute(&Nonce::new(proof.nonce)?)?;
        message.add_message_integrity_with_key(proof.key, IntegrityAlgorithm::Sha1)?;
    }
    Ok(message.finish())
}

/// RFC 8656 12.4; by UDP there is no padding.
pub fn write_channel_data(channel: u16, data: &[u8], out: &mut [u8]) -> Option<usize> {
    let length = u16::try_from(data.len()).ok()?;
    let total = ATTRIBUTE + data.len();
    let out = out.get_mut(..total)?;
    out[..2].copy_from_slice(&channel.to_be_bytes());
    out[2..4].copy_from_slice(&length.to_be_bytes());
    out[4..].copy_from_slice(data);
    Some(total)
}

/// The channel, and which part of the datagram came by it.
pub fn read_channel_data(datagram: &[u8]) -> Option<(u16, Range<usize>)> {
    let [first, second, high, low, data @ ..] = datagram else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let fits = CHANNELS.contains(first) && length <= data.len();
    fits.then(|| (u16::from_be_bytes([*first, *second]), ATTRIBUTE..ATTRIBUTE + length))
}

/// A Send indication (RFC 8656 11.1).
pub fn write_send(peer: SocketAddr, data: &[u8], out: &mut [u8]) -> Option<usize> {
    let id = TransactionId::generate();
    let peer = XorSocketAddr::new(peer, id).addr;
    let (address, length) = (usize::from(peer.length()), u16::try_from(data.len()).ok()?);
    let padded = data.len().next_multiple_of(4);
    let total = HEADER + ATTRIBUTE + address + ATTRIBUTE + padded;
    let out = out.get_mut(..total)?;
    let kind = MessageType::from_class_method(MessageClass::Indication, SEND);
    kind.write_into(&mut out[..2]);
    out[2..4].copy_from_slice(&u16::try_from(total - HEADER).ok()?.to_be_bytes());
    // The magic cookie is a part of it (RFC 8489 5).
    out[4..20].copy_from_slice(&(0x2112_a442_u128 << 96 | u128::from(id)).to_be_bytes());
    let (peer_part, data_part) = out[HEADER..].split_at_mut(ATTRIBUTE + address);
    peer_part[..2].copy_from_slice(&XOR_PEER_ADDRESS.value().to_be_bytes());
    peer_part[2..4].copy_from_slice(&peer.length().to_be_bytes());
    peer.write_into_unchecked(&mut peer_part[4..]);
    data_part[..2].copy_from_slice(&DATA.value().to_be_bytes());
    data_part[2..4].copy_from_slice(&length.to_be_bytes());
    data_part[4..4 + data.len()].copy_from_slice(data);
    data_part[4 + data.len()..].fill(0);
    Some(total)
}

/// A Data indication (RFC 8656 11.4): who sent it, and which part of it that is.
pub fn read_data(datagram: &[u8]) -> Option<(SocketAddr, Range<usize>)> {
    let message = stun(datagram)?;
    if !message.has_class(MessageClass::Indication) || message.method() != DATA_INDICATION {
        return None;
    }
    let peer = XorSocketAddr::from_raw(&message.raw_attribute(XOR_PEER_ADDRESS)?).ok()?.addr(message.transaction_id());
    let (offset, data) = message.raw_attribute_and_offset(DATA)?;
    let start = offset + ATTRIBUTE;
    Some((peer, start..start + usize::from(data.header.length())))
}

fn stun(datagram: &[u8]) -> Option<Message<'_>> {
    datagram.first().filter(|first| **first < 4)?;
    Message::from_bytes(datagram).ok()
}

/// The server's answer to a request.
pub struct Reply<'a>(Message<'a>);

impl<'a> Reply<'a> {
    pub fn read(datagram: &'a [u8]) -> Option<Reply<'a>> {
        stun(datagram).filter(Message::is_response).map(Reply)
    }

    pub fn id(&self) -> TransactionId {
        self.0.transaction_id()
    }

    pub fn method(&self) -> Method {
        self.0.method()
    }

    pub fn is_success(&self) -> bool {
        self.0.has_class(MessageClass::Success)
    }

    pub fn is_proved(&self, key: &IntegrityKey) -> bool {
        self.0.validate_integrity_with_key(key).is_ok()
    }

    pub fn error(&self) -> Option<u16> {
        self.0.attribute::<ErrorCode>().ok().map(|error| error.code())
    }

    /// Realm and nonce.
    pub fn challenge(&self) -> Option<(String, String)> {
        let realm = self.0.attribute::<Realm>().ok()?.realm().to_owned();
        Some((realm, self.0.attribute::<Nonce>().ok()?.nonce().to_owned()))
    }

    /// Seconds.
    pub fn lifetime(&self) -> Option<u32> {
        let raw = self.0.raw_attribute(LIFETIME)?;
        raw.value.as_ref().try_into().ok().map(u32::from_be_bytes)
    }

    pub fn relayed(&self) -> Option<SocketAddr> {
        let raw = self.0.raw_attribute(XOR_RELAYED_ADDRESS)?;
        XorSocketAddr::from_raw(&raw).ok().map(|addr| addr.addr(self.id())).filter(is_somewhere)
    }

    pub fn mapped(&self) -> Option<SocketAddr> {
        self.0.attribute::<XorMappedAddress>().ok().map(|addr| addr.addr(self.id())).filter(is_somewhere)
    }
}

fn is_somewhere(addr: &SocketAddr) -> bool {
    addr.port() != 0 && !addr.ip().is_unspecified() && !addr.ip().is_multicast()
}
