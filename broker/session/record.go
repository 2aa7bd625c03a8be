package session

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// ErrRecord is what Decode functions return for bytes that they have not written.
var ErrRecord = errors.New("malformed record of a session")

// Part tells the records of one session apart.
type Part byte

// The parts. Settings come first, so that a reader knows of the session before its bindings.
const (
	Settings Part = 's'
	Bound    Part = 't' // to a topic, a shared subscription, or a queue
	WillOf   Part = 'w'
	MovedTo  Part = 'x' // entries of other queues may have moved to the session's
)

// RecordKey returns the key of a session's record: the length of the client's identifier, the
// identifier, the part, and, for one of many, what tells it from the others.
func RecordKey(client string, p Part, rest string) []byte {
	key := make([]byte, 0, len(client)+len(rest)+4)
	key = append(binary.AppendUvarint(key, uint64(len(client))), client...)
	return append(append(key, byte(p)), rest...)
}

// ParseKey reads such a key.
func ParseKey(key []byte) (client string, p Part, rest string, ok bool) {
	n, size := binary.Uvarint(key)
	if size <= 0 || n > uint64(len(key)-size) || uint64(len(key)-size) == n {
		return "", 0, "", false
	}
	key = key[size:]
	return string(key[:n]), Part(key[n]), string(key[n+1:]), true
}

// RecordRest returns what tells a binding's record from those of others.
func (k Key) RecordRest() string { return k.Address.String() + "\x00" + k.Share }

// Record is what is kept of a session itself.
type Record struct {
	User      string       `json:"user,omitempty"`
	Groups    []string     `json:"groups,omitempty"`
	List      store.ListID `json:"list"`
	Expiry    int64        `json:"expiry"`          // seconds; -1: Forever
	Ended     int64        `json:"ended,omitempty"` // when its connection did, Unix milliseconds; 0: it is connected
	Offline   bool         `json:"offline,omitempty"`
	MaxQueued int          `json:"maxQueued,omitempty"`
}

// MustEncode returns the record's stored form.
func (r *Record) MustEncode() []byte {
	out, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain fields are always encodable
	}
	return out
}

// SetExpiry notes the expiry, rounded up to seconds.
func (r *Record) SetExpiry(d time.Duration) {
	if d == Forever {
		r.Expiry = -1
		return
	}
	r.Expiry = int64((d + time.Second - 1) / time.Second)
}

// Lifetime returns the expiry.
func (r *Record) Lifetime() time.Duration {
	if r.Expiry < 0 || r.Expiry > int64(Forever/time.Second) {
		return Forever
	}
	return time.Duration(r.Expiry) * time.Second
}

// binding is the stored form of a Binding.
type binding struct {
	Address           string   `json:"address"`
	Share             string   `json:"share,omitempty"`
	Name              string   `json:"name,omitempty"`
	Assurance         uint8    `json:"assurance,omitempty"`
	Identifier        uint32   `json:"id,omitempty"`
	NoLocal           bool     `json:"noLocal,omitempty"`
	RetainAsPublished bool     `json:"rap,omitempty"`
	Selector          string   `json:"selector,omitempty"`
	ConvertStrings    bool     `json:"convert,omitempty"`
	User              string   `json:"user,omitempty"`
	Groups            []string `json:"groups,omitempty"`
}

// EncodeBinding returns the record of a binding that a user made.
func EncodeBinding(b *Binding, user string, groups []string) ([]byte, error) {
	return json.Marshal(binding{
		Address: b.Address.String(), Share: b.Share, Name: b.Name, Assurance: uint8(b.Assurance), Identifier: b.Identifier,
		NoLocal: b.NoLocal, RetainAsPublished: b.RetainAsPublished, Selector: b.Selector, ConvertStrings: b.ConvertStrings,
		User: user, Groups: groups,
	})
}

// DecodeBinding reads such a record.
func DecodeBinding(value []byte) (b Binding, user string, groups []string, err error) {
	var r binding
	if err := json.Unmarshal(value, &r); err != nil {
		return b, "", nil, errors.Join(ErrRecord, err)
	}
	a := address.Parse(r.Address, address.Topic)
	if a.Name == "" || r.Assurance > uint8(message.ExactlyOnce) {
		return b, "", nil, ErrRecord
	}
	return Binding{
		Key: Key{a, r.Share}, Name: r.Name, Assurance: message.Assurance(r.Assurance), Identifier: r.Identifier,
		NoLocal: r.NoLocal, RetainAsPublished: r.RetainAsPublished, Selector: r.Selector, ConvertStrings: r.ConvertStrings,
	}, r.User, r.Groups, nil
}

// will is the stored form of a Will, before its message.
type will struct {
	Delay  int64    `json:"delay,omitempty"`  // milliseconds
	Expiry int64    `json:"expiry,omitempty"` // milliseconds
	User   string   `json:"user,omitempty"`
	Groups []string `json:"groups,omitempty"`
}

// EncodeWill returns the record of a user's will.
//
//	length(uvarint) settings as JSON, length(uvarint) the message's head, its body
func EncodeWill(w *Will, user string, groups []string) ([]byte, error) {
	settings, err := json.Marshal(will{w.Delay.Milliseconds(), w.Expiry.Milliseconds(), user, groups})
	if err != nil {
		return nil, err
	}
	out := append(binary.AppendUvarint(nil, uint64(len(settings))), settings...)
	head := message.AppendHead(nil, w.Message)
	out = append(binary.AppendUvarint(out, uint64(len(head))), head...)
	return append(out, w.Message.Content.Body()...), nil
}

// DecodeWill reads such a record. The will keeps none of it.
func DecodeWill(value []byte, formats *message.Formats) (w *Will, user string, groups []string, err error) {
	settings, rest, ok := cut(value)
	if !ok {
		return nil, "", nil, ErrRecord
	}
	var r will
	if err := json.Unmarshal(settings, &r); err != nil {
		return nil, "", nil, errors.Join(ErrRecord, err)
	}
	head, body, ok := cut(rest)
	if !ok {
		return nil, "", nil, ErrRecord
	}
	all := append(append(make([]byte, 0, len(head)+len(body)), head...), body...)
	m, err := message.Decode(all[:len(head):len(head)], all[len(head):], formats)
	if err != nil {
		return nil, "", nil, errors.Join(ErrRecord, err)
	}
	return &Will{m, time.Duration(r.Delay) * time.Millisecond, time.Duration(r.Expiry) * time.Millisecond}, r.User, r.Groups, nil
}

// cut splits off what stands behind its length.
func cut(p []byte) (first, rest []byte, ok bool) {
	n, size := binary.Uvarint(p)
	if size <= 0 || n > uint64(len(p)-size) {
		return nil, nil, false
	}
	return p[size : size+int(n)], p[size+int(n):], true
}
