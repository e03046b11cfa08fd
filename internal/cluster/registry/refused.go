package registry

import (
	"bytes"
	"errors"
)

// refusedMark begins the value of a record that a store refuses. It is no record:
// a tag of protobuf has another form.
var refusedMark = []byte("\xff\xffrefused: ")

// Refused is the value of a record that a store does not believe, with the reason.
// The record counts as damaged.
func Refused(why error) []byte { return append(bytes.Clone(refusedMark), why.Error()...) }

// SealedMark begins the value of a record that its writer signed. Only a store that
// knows certificates reads it.
const SealedMark = "\xff\xffsealed: "

var errSealed = errors.New("the record is signed, and this process has no certificates: give --certificates")

// refusal is the reason for which a value was refused; nil if it was not.
func refusal(raw []byte) error {
	if why, ok := bytes.CutPrefix(raw, refusedMark); ok {
		return errors.New(string(why))
	}
	if bytes.HasPrefix(raw, []byte(SealedMark)) {
		return errSealed
	}
	return nil
}
