package gossip

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
)

// key is one line of a file of keys.
func key(b byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) + "\n"
}

func keys(t *testing.T, text string) *Keys {
	t.Helper()
	k, err := ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestDamagedKeysAreRefusedWithoutPrintingThem(t *testing.T) {
	secret := strings.TrimSpace(key('s'))
	for _, text := range []string{"", "# only a comment\n", secret[:20], secret + "!", secret + "\n" + secret[:8], strings.Repeat(key('a'), maxKeys+1)} {
		k, err := ParseKeys([]byte(text))
		if err == nil {
			t.Errorf("%q: %v", text, k)
		} else if strings.Contains(err.Error(), secret[:8]) {
			t.Errorf("the error prints the key: %v", err)
		}
	}
	k := keys(t, key('a'))
	if k.Replace([]byte("x")) == nil || len(k.ring.GetKeys()) != 1 {
		t.Error("damaged keys replaced good ones")
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte(key('a') + "# comment\n" + key('b')))
	f.Add([]byte("AAAA\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := ParseKeys(text)
		if err == nil && k.Replace(text) != nil {
			t.Error("keys that were read cannot replace themselves")
		}
	})
}

// TestMembersWithoutTheKeyAreNotHeard: neither one without a key nor one with
// another.
func TestMembersWithoutTheKeyAreNotHeard(t *testing.T) {
	a := startSecure(t, "a", "", keys(t, key('k')))
	b := startSecure(t, "b", "", keys(t, key('k')), a.Addr())
	plain, other := startSecure(t, "plain", "", nil, a.Addr()), startSecure(t, "other", "", keys(t, key('o')), a.Addr())
	b.hears(t, Change{Name: "a", Role: "expertnode"})
	a.hears(t, Change{Name: "b", Role: "expertnode"})
	for _, m := range []*process{plain, other} {
		if n := m.list.NumMembers(); n != 1 {
			t.Errorf("%s hears %d members", m.list.LocalNode().Name, n)
		}
	}
	if n := a.list.NumMembers(); n != 2 {
		t.Errorf("a hears %d members, expected itself and b", n)
	}
}

// TestKeysAreRotatedUnderMembers: no member is suspected, and the key that was
// rotated away lets no member in.
func TestKeysAreRotatedUnderMembers(t *testing.T) {
	ka, kb := keys(t, key('1')), keys(t, key('1'))
	a := startSecure(t, "a", "", ka)
	b := startSecure(t, "b", "", kb, a.Addr())
	a.hears(t, Change{Name: "b", Role: "expertnode"})
	b.hears(t, Change{Name: "a", Role: "expertnode"})
	for _, step := range []string{key('1') + key('2'), key('2') + key('1'), key('2')} {
		for _, k := range []*Keys{ka, kb} {
			if err := k.Replace([]byte(step)); err != nil {
				t.Fatal(err)
			}
		}
	}
	late := startSecure(t, "late", "", keys(t, key('2')), a.Addr())
	late.hears(t, Change{Name: "b", Role: "expertnode"})
	a.hears(t, Change{Name: "late", Role: "expertnode"})
	old := startSecure(t, "old", "", keys(t, key('1')), a.Addr())
	eventually.True(t, "b hears late", func() bool { return b.list.NumMembers() == 3 })
	if n := old.list.NumMembers(); n != 1 {
		t.Errorf("a member with the old key hears %d members", n)
	}
	for _, m := range []*process{a, b} {
		for name, change := range m.latest {
			if change.State == Suspect {
				t.Errorf("%s is suspected", name)
			}
		}
	}
}
