package namespaces

import (
	"encoding/binary"
	"math/rand/v2"
)

const (
	needsChecksum = 1 // of the first byte of the offload header: the kernel adds the checksum
	ethernetBytes = 14
	ipv4          = 0x0800
	tcp, udp      = 6, 17
)

// damage flips one bit of the payload of a TCP segment or UDP datagram over IPv4, by
// chance, and makes its checksum right (RFC 1624). The frame has its offload header.
func damage(frame []byte) {
	segment, checksum, payload := segmentOf(frame[offloadBytes:])
	if payload >= len(segment) {
		return
	}
	bit := rand.IntN(8 * (len(segment) - payload))
	at := payload + bit/8
	before := wordAt(segment, at)
	segment[at] ^= 1 << (bit % 8)
	if frame[0]&needsChecksum != 0 {
		return // the bytes of the checksum are filled in later
	}
	// HC' = ~(~HC + ~m + m')
	sum := uint32(^binary.BigEndian.Uint16(segment[checksum:])) + uint32(^before) + uint32(wordAt(segment, at))
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(segment[checksum:], ^uint16(sum))
}

// wordAt is the aligned 16-bit number with the byte at i; the last one is padded.
func wordAt(b []byte, i int) uint16 {
	i &^= 1
	if i+1 == len(b) {
		return uint16(b[i]) << 8
	}
	return binary.BigEndian.Uint16(b[i:])
}

// segmentOf finds the TCP segment or UDP datagram in an Ethernet frame, and in it the
// checksum and the payload. One of another protocol has no payload.
func segmentOf(frame []byte) (segment []byte, checksum, payload int) {
	if len(frame) < ethernetBytes+20 || binary.BigEndian.Uint16(frame[12:]) != ipv4 {
		return nil, 0, 0
	}
	packet := frame[ethernetBytes:]
	header, total := 4*int(packet[0]&15), int(binary.BigEndian.Uint16(packet[2:]))
	if total == 0 || total > len(packet) {
		total = len(packet) // cut into packets later
	}
	if header < 20 || header > total {
		return nil, 0, 0
	}
	segment = packet[header:total]
	switch {
	case packet[9] == udp && len(segment) >= 8:
		return segment, 6, 8
	case packet[9] == tcp && len(segment) >= 20:
		return segment, 16, 4 * int(segment[12]>>4)
	}
	return nil, 0, 0
}
