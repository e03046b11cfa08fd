//go:build linux

package namespaces

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"testing"
)

// sumOf adds the 16-bit numbers of a segment, as a checksum does; 0xffff is a right one.
func sumOf(segment []byte) uint32 {
	var sum uint32
	for i := 0; i < len(segment); i += 2 {
		sum += uint32(wordAt(segment, i))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum
}

// frameOf is a frame with a TCP segment or a UDP datagram. Its checksum leaves out the
// pseudo header, which damage does not change.
func frameOf(protocol byte, payload []byte) []byte {
	header, at := 8, 6
	if protocol == tcp {
		header, at = 20, 16
	}
	segment := append(make([]byte, header), payload...)
	if protocol == tcp {
		segment[12] = 5 << 4
	}
	binary.BigEndian.PutUint16(segment[at:], ^uint16(sumOf(segment)))
	packet := append(make([]byte, 20), segment...)
	packet[0], packet[9] = 0x45, protocol
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
	frame := make([]byte, offloadBytes+ethernetBytes)
	binary.BigEndian.PutUint16(frame[offloadBytes+12:], ipv4)
	return append(frame, packet...)
}

func TestDamageFlipsOneBitThatTheChecksumCovers(t *testing.T) {
	for _, protocol := range []byte{tcp, udp} {
		for size := range 40 {
			before := frameOf(protocol, bytes.Repeat([]byte{0xa5}, size))
			after := bytes.Clone(before)
			damage(after)
			segment, checksum, payload := segmentOf(after[offloadBytes:])
			original, _, _ := segmentOf(before[offloadBytes:])
			flipped := 0
			for i := range segment {
				if i < checksum || i >= checksum+2 {
					flipped += bits.OnesCount8(segment[i] ^ original[i])
				}
			}
			if sumOf(segment) != 0xffff || flipped != min(size, 1) || !bytes.Equal(segment[:checksum], original[:checksum]) || payload != len(segment)-size {
				t.Errorf("protocol %d, %d bytes: %d bits flipped, sum %x", protocol, size, flipped, sumOf(segment))
			}
		}
	}
}

func FuzzDamageTakesAnyFrame(f *testing.F) {
	f.Add(frameOf(tcp, []byte("payload")))
	f.Add(frameOf(udp, []byte("payload"))[:offloadBytes+ethernetBytes+23])
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) < offloadBytes {
			return
		}
		before := bytes.Clone(frame)
		damage(frame)
		if headers := min(len(frame), offloadBytes+ethernetBytes); !bytes.Equal(frame[:headers], before[:headers]) {
			t.Error("a header changed")
		}
	})
}
