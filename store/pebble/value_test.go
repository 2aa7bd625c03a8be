package pebble

import (
	"bytes"
	"testing"

	"github.com/manifoldmq/manifold/store"
)

// FuzzValue gives any bytes to each decoder of values.
func FuzzValue(f *testing.F) {
	var b store.Batch
	b.Append(store.Target{List: 1, Note: []byte("note")}, 4, store.Msg{Head: []byte("head"), Body: []byte("body")})
	b.Append(store.Target{List: 1}, 4, store.Msg{Head: []byte("head"), Parts: 2, PartsID: 3, PartsSize: 4})
	b.Fanout([]store.Target{{List: 1, Note: []byte("n")}, {List: 2}}, 4, store.Msg{Body: []byte("body")})
	b.PutPart(1, 2, []byte("data"))
	for i := range b.Ops() {
		o := &b.Ops()[i]
		var v []byte
		switch o.Kind {
		case store.OpAppend:
			v = make([]byte, entryValueSize(o))
			putEntryValue(v, &b, o)
		case store.OpTarget:
			v = make([]byte, sharedOverhead+o.Note.Len())
			putSharedValue(v, &b, o)
		case store.OpFanout:
			v = make([]byte, messageOverhead+o.Head.Len()+o.Body.Len())
			putMessageValue(v, &b, o)
		case store.OpPutPart:
			v = make([]byte, partOverhead+o.Body.Len())
			copy(putHeader(v, o.Sum), b.Bytes(o.Body))
		}
		f.Add(v, byte(o.Flag))
	}
	f.Fuzz(func(t *testing.T, v []byte, flag byte) {
		e := store.Entry{Ref: store.Ref{Flag: store.Flag(flag) & keyFlags}}
		if getEntry(v, &e) == nil && len(e.Note)+len(e.Head)+len(e.Body) > len(v) {
			t.Fatal("more than there is")
		}
		if getShared(v, &e) == nil && len(e.Note) != len(v)-sharedOverhead {
			t.Fatal("note of a wrong length")
		}
		var m store.Msg
		if getMessage(v, &m) == nil && len(m.Head)+len(m.Body) != len(v)-messageOverhead {
			t.Fatal("message of a wrong length")
		}
		if p, err := getPart(v); err == nil && !bytes.Equal(p, v[partOverhead:]) {
			t.Fatal("another part")
		}
	})
}

func FuzzIdentity(f *testing.F) {
	f.Add(identity{format: 1, store: [16]byte{1, 2}}.text())
	f.Fuzz(func(t *testing.T, text string) {
		id, err := parseIdentity(text)
		if err == nil && (id.format == 0 || id.format > formatVersion) {
			t.Fatalf("format %d", id.format)
		}
	})
}

func FuzzWatermark(f *testing.F) {
	w := watermark{group: 7, file: manifest{name: "MANIFEST-000001", size: 99, sum: 5}}
	w.encode()
	f.Add(w.buf[:])
	f.Fuzz(func(t *testing.T, p []byte) {
		var got, again watermark
		if len(p) != watermarkSize || !got.decode(p) {
			return
		}
		got.encode()
		if !again.decode(got.buf[:]) || again.group != got.group || again.file != got.file {
			t.Fatalf("%+v, then %+v", got.file, again.file)
		}
	})
}

// FuzzEntryKey decodes any key, and takes back what it encodes.
func FuzzEntryKey(f *testing.F) {
	f.Add(entryKey(1, 4, 99, byte(store.Shared)))
	f.Fuzz(func(t *testing.T, k []byte) {
		if e, ok := parseEntryKey(k); ok && k[0] == entryFamily && !bytes.Equal(entryKey(e.list, e.prio, e.id, e.tail), k) {
			t.Fatalf("%x becomes %+v", k, e)
		}
	})
}
