package gossip

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
)

// Types of memberlist's messages: their first byte.
const (
	pingType     = 0
	deadType     = 5 // the last of those that stand in packets
	pushPullType = 6
	compoundType = 7
	encryptType  = 10
	nackType     = 11
	checksumType = 12
)

const (
	// sealVersion is the version of encrypted messages that members send.
	sealVersion = 1
	nonceBytes  = 12
	tagBytes    = 16
	// checksumBytes are before a message with a checksum, its type included.
	checksumBytes = 5
)

var (
	// errStrange means that no process of a cluster sends such a message.
	errStrange = errors.New("no member sends such a message")
	errNoKey   = errors.New("no key opens the message")
)

// checkPacket refuses a packet that no member sends. nil keys are plaintext.
func checkPacket(raw []byte, keys [][]byte) error {
	message, label, err := memberlist.RemoveLabelHeaderFromPacket(raw)
	if err != nil {
		return err
	}
	if keys != nil {
		if message, err = open(keys, message, []byte(label)); err != nil {
			return err
		}
	}
	if len(message) >= checksumBytes && message[0] == checksumType {
		message = message[checksumBytes:]
	}
	if len(message) > 0 && message[0] == compoundType {
		return checkCompound(message[1:])
	}
	return checkMessage(message)
}

// checkMessage refuses what members do not send in a packet: compressed messages,
// messages of users, and messages within messages.
func checkMessage(m []byte) error {
	if len(m) == 0 || m[0] > deadType && m[0] != nackType {
		return errStrange
	}
	return nil
}

// checkCompound checks each message of several: their number, their lengths of two bytes,
// and the messages.
func checkCompound(m []byte) error {
	if len(m) == 0 || len(m) < 1+2*int(m[0]) {
		return errStrange
	}
	lengths, parts := m[1:1+2*int(m[0])], m[1+2*int(m[0]):]
	for ; len(lengths) > 0; lengths = lengths[2:] {
		n := int(binary.BigEndian.Uint16(lengths))
		if n > len(parts) {
			return errStrange
		}
		if err := checkMessage(parts[:n]); err != nil {
			return err
		}
		parts = parts[n:]
	}
	return nil
}

// checkStream refuses a stream that no member begins, by its first message. It reads no
// more than that message.
func checkStream(in io.Reader, label string, keys [][]byte) error {
	var kind [1]byte
	if _, err := io.ReadFull(in, kind[:]); err != nil {
		return err
	}
	if keys != nil {
		plain, err := openStream(in, kind[0], label, keys)
		if err != nil {
			return err
		}
		kind[0], in = plain[0], bytes.NewReader(plain[1:])
	}
	switch kind[0] {
	case pingType:
		return nil
	case pushPullType:
		return checkHeader(in)
	}
	return errStrange
}

// openStream reads and opens the encrypted message of a stream, which is not empty.
func openStream(in io.Reader, kind byte, label string, keys [][]byte) ([]byte, error) {
	if kind != encryptType {
		return nil, errNoKey
	}
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxStream {
		return nil, fmt.Errorf("%w: %d bytes, expected at most %d", errStrange, n, maxStream)
	}
	sealed := make([]byte, n)
	if _, err := io.ReadFull(in, sealed); err != nil {
		return nil, err
	}
	plain, err := open(keys, sealed, append(append([]byte{kind}, size[:]...), label...))
	if err == nil && len(plain) == 0 {
		err = errStrange
	}
	return plain, err
}

// checkHeader refuses the state of more members than a cluster has, for which memberlist
// would take memory before it reads them, and data of users.
func checkHeader(in io.Reader) error {
	var header struct {
		Nodes, UserStateLen int
		Join                bool
	}
	if err := codec.NewDecoder(in, new(codec.MsgpackHandle)).Decode(&header); err != nil {
		return err
	}
	if header.Nodes < 0 || header.Nodes > maxMembers || header.UserStateLen != 0 {
		return fmt.Errorf("%w: %d members and %d bytes of data", errStrange, header.Nodes, header.UserStateLen)
	}
	return nil
}

// open decrypts a message as memberlist does: version, nonce, then AES-GCM over the message
// and over data beside it.
func open(keys [][]byte, sealed, data []byte) ([]byte, error) {
	if len(sealed) < 1+nonceBytes+tagBytes || sealed[0] != sealVersion {
		return nil, errStrange
	}
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		if plain, err := gcm.Open(nil, sealed[1:1+nonceBytes], sealed[1+nonceBytes:], data); err == nil {
			return plain, nil
		}
	}
	return nil, errNoKey
}
